/** All data files in one module, so that they are one chunk of the program, read once and only by who asks for it. */
export { default as changes } from './data/changes.json' with { type: 'json' };
export { default as etcd } from './data/etcd.json' with { type: 'json' };
export { default as featureGates } from './data/feature-gates.json' with { type: 'json' };
export { default as apiServer } from './data/kube-apiserver.json' with { type: 'json' };
export { default as controllerManager } from './data/kube-controller-manager.json' with { type: 'json' };
export { default as scheduler } from './data/kube-scheduler.json' with { type: 'json' };
export { default as kubelet } from './data/kubelet.json' with { type: 'json' };
export { default as kubeletConfig } from './data/kubelet-config.json' with { type: 'json' };
export { default as names } from './data/names.json' with { type: 'json' };

import { MANIFESTS, STOPPED_PODS } from '../layout.ts';

/** The namespace of the control plane's pods, which are called by their names alone. */
const CONTROL_PLANE = 'kube-system';

/** What a static pod is called in plans, messages and on the node: `etcd`; outside of kube-system `default/static-web`. */
export function podCalled(namespace: string, name: string): string {
  return namespace === CONTROL_PLANE ? name : `${namespace}/${name}`;
}

/** The reverse: where the pod of that name is found in the API. */
export function podNamed(called: string): PodName {
  const slash = called.indexOf('/');
  return { namespace: slash < 0 ? CONTROL_PLANE : called.slice(0, slash), name: called.slice(slash + 1) };
}

interface PodName {
  readonly namespace: string;
  readonly name: string;
}

/** The file of a pod of the user's. No name of Kubernetes holds a `_`, so none can be that of another pod. */
export function manifestFile(pod: PodName): string {
  return `${MANIFESTS}/${baseName(pod)}`;
}

/** Where the same file lies as long as the pod is stopped. */
export function stoppedFile(pod: PodName): string {
  return `${STOPPED_PODS}/${baseName(pod)}`;
}

function baseName({ namespace, name }: PodName): string {
  return `${namespace}_${name}.yaml`;
}

/** What the pod of a manifest is called, by the name of its file alone. */
export function podOfFile(path: string): string {
  const base = path.slice(path.lastIndexOf('/') + 1).replace(/\.(?:ya?ml|json)$/, '');
  const [namespace = '', name] = base.split('_', 2);
  return name ? podCalled(namespace, name) : base;
}

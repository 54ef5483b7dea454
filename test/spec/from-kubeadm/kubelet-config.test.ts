import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { convertKubeadm } from '../../../src/spec/from-kubeadm/convert.ts';

const HEAD = `apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
certificatesDir: /etc/kubernetes/pki
networking: {serviceSubnet: "fd00:96::/112,10.96.0.0/16", dnsDomain: prod.local}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
nodeRegistration: {name: cp1REGISTRATION}
localAPIEndpoint: {advertiseAddress: "fd00::11"}
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
`;

function convert(fields: string, registration = '') {
  const conversion = convertKubeadm({
    file: 'kubeadm.yaml',
    text: HEAD.replace('REGISTRATION', registration) + fields,
  });
  const { kubelet } = (parse(conversion.text) as { spec: { kubelet?: { config?: unknown; criSocket?: string } } }).spec;
  return { kubelet, left: conversion.notCarried.map(({ at, why }) => `${at.path}: ${why}`) };
}

/** What `kubeadm config print init-defaults --component-configs KubeletConfiguration` of 1.36.2 printed, for this cluster. */
const PRINTED = `authentication: {anonymous: {enabled: false}, webhook: {cacheTTL: 0s, enabled: true}, x509: {clientCAFile: /etc/kubernetes/pki/ca.crt}}
authorization: {mode: Webhook, webhook: {cacheAuthorizedTTL: 0s, cacheUnauthorizedTTL: 0s}}
cgroupDriver: systemd
clusterDNS: ["fd00:96::a"]
clusterDomain: prod.local
containerRuntimeEndpoint: ""
cpuManagerReconcilePeriod: 0s
crashLoopBackOff: {}
evictionPressureTransitionPeriod: 0s
fileCheckFrequency: 0s
healthzBindAddress: 127.0.0.1
healthzPort: 10248
httpCheckFrequency: 0s
imageMaximumGCAge: 0s
logging: {flushFrequency: 0, options: {json: {infoBufferSize: "0"}, text: {infoBufferSize: "0"}}, verbosity: 0}
memorySwap: {}
rotateCertificates: true
shutdownGracePeriod: 0s
staticPodPath: /etc/kubernetes/manifests
`;

describe('a KubeletConfiguration', () => {
  it('that says only what kubeadm would say leaves nothing behind', () => {
    expect(convert(PRINTED)).toEqual({ kubelet: undefined, left: [] });
  });

  it('keeps what differs', () => {
    const { kubelet, left } = convert(
      'maxPods: 50\nclusterDNS: [169.254.20.10]\nauthentication: {anonymous: {enabled: true}, webhook: {enabled: true}}\nevictionHard: {memory.available: 100Mi}\nshutdownGracePeriod: 30s',
    );
    expect(kubelet?.config).toEqual({
      maxPods: 50,
      clusterDNS: ['169.254.20.10'],
      authentication: { anonymous: { enabled: true } },
      evictionHard: { 'memory.available': '100Mi' },
      shutdownGracePeriod: '30s',
    });
    expect(left).toEqual([]);
  });

  it('keeps a zero where it is a setting and drops it where it is none', () => {
    const { kubelet } = convert(
      'healthzPort: 0\nregistryPullQPS: 0\nfailSwapOn: false\nserializeImagePulls: no\nmaxPods: 0\nreadOnlyPort: 0\nrunOnce: false\nresolvConf: ""\ncpuManagerPolicy: ""\nregisterNode: null\nenforceNodeAllocatable: []\ntracing: {}',
    );
    expect(kubelet?.config).toEqual({
      healthzPort: 0,
      registryPullQPS: 0,
      failSwapOn: false,
      serializeImagePulls: false,
      resolvConf: '',
      enforceNodeAllocatable: [],
      tracing: {},
    });
  });

  it('has booleans where YAML 1.1 has them, and texts where it wants texts', () => {
    const { kubelet } = convert(
      'featureGates: {NodeSwap: on, Other: off}\nsystemReserved: {cpu: "1"}\ntopologyManagerScope: "no"',
    );
    expect(kubelet?.config).toEqual({
      featureGates: { NodeSwap: true, Other: false },
      systemReserved: { cpu: '1' },
      topologyManagerScope: 'no',
    });
  });

  it('names what it cannot keep', () => {
    const { kubelet, left } = convert(
      'staticPodPath: /srv/pods\nrotateCertificates: false\nmaxpods: 3\nauthentication: {anonymus: {}}\n"authentication.webhook.enabled": false',
    );
    expect(kubelet).toBeUndefined();
    expect(left).toEqual([
      'staticPodPath: the static pods are always in /etc/kubernetes/manifests',
      'rotateCertificates: kubeadm makes it true, whatever stands here',
      'maxpods: is not a known field of KubeletConfiguration; did you mean "maxPods"?',
      'authentication.anonymus: is not a known field of KubeletConfiguration; did you mean "anonymous"?',
      '["authentication.webhook.enabled"]: is not a known field of KubeletConfiguration; write it into spec.kubelet.config if your kubelet knows it',
    ]);
  });

  it('gives the runtime’s socket where the node’s registration does not, which wins in kubeadm', () => {
    const socket = 'containerRuntimeEndpoint: unix:///run/crio/crio.sock';
    expect(convert(socket)).toEqual({ kubelet: { criSocket: 'unix:///run/crio/crio.sock' }, left: [] });
    expect(convert(socket, ', criSocket: unix:///run/crio/crio.sock').left).toEqual([]);
    const other = convert(socket, ', criSocket: unix:///var/run/containerd/containerd.sock');
    expect(other).toEqual({
      kubelet: undefined,
      left: ['containerRuntimeEndpoint: nodeRegistration.criSocket wins over it'],
    });
  });
});

import { describe, expect, it } from 'vitest';
import { describeOrigin } from '../../src/base/fault.ts';
import { locate } from '../../src/spec/tree.ts';
import { clusterOf, faultsOf, file } from '../support/spec.ts';

const NODE = 'kubernetesVersion: v1.36.2\nnodes: [{name: cp1, addresses: [10.0.0.11]}]\n';

describe('spec.dns and spec.proxy', () => {
  it('have kubeadm’s defaults, which say where they come from', () => {
    const cluster = clusterOf(file(`${NODE}imageRepository: r.example.com`));
    expect(cluster.dns).toEqual({ disabled: false, imageRepository: 'r.example.com', imageTag: 'v1.14.2' });
    expect(cluster.proxy).toEqual({ disabled: false, config: {} });
    const { origin } = locate(cluster.spec, ['dns', 'imageTag']);
    expect(origin).toEqual({ kind: 'default', rule: 'the CoreDNS that kubeadm takes for this Kubernetes minor' });
    expect(describeOrigin(origin)).toBe('default');
  });

  it('are taken as they are given', () => {
    const { dns, proxy } = clusterOf(
      file(
        `${NODE}dns: {disabled: true, imageTag: v1.0.0}\nproxy: {disabled: true, config: {mode: ipvs, clusterCIDR: null}}`,
      ),
    );
    expect(dns).toEqual({ disabled: true, imageRepository: 'registry.k8s.io', imageTag: 'v1.0.0' });
    expect(proxy).toEqual({ disabled: true, config: { mode: 'ipvs', clusterCIDR: null } });
  });

  it.each([
    ['dns: {imageTag: "a b"}', 'spec.dns.imageTag: "a b" is not'],
    ['dns: {replicas: 3}', 'spec.dns.replicas: unknown field'],
    ['proxy: {config: {mode: 5}}', 'spec.proxy.config.mode: must be a text, not a number'],
    ['proxy: {config: {kind: X}}', 'spec.proxy.config.kind: is set by bootstrap; leave it out'],
    ['proxy: {config: {ipvs: [1]}}', 'spec.proxy.config.ipvs: must be a map, not a list'],
    [
      'proxy: {config: {ipvs: {syncPeriod: soon}}}',
      'spec.proxy.config.ipvs.syncPeriod: must be a duration such as "10s"',
    ],
    [
      'proxy: {config: {ipvs: {strictArp: true}}}',
      'spec.proxy.config.ipvs.strictArp: is not a known field of KubeProxyConfiguration; did you mean "strictARP"?',
    ],
  ])('are checked: %s', (text, expected) => {
    const faults = faultsOf(file(NODE + text));
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(expected);
  });
});

describe('a node’s own settings', () => {
  it('are not among those of the cluster', () => {
    const { common, nodes } = clusterOf(
      file(
        'nodes: [{name: cp1, addresses: [10.0.0.11], kubelet: {config: {maxPods: 9}}, apiServer: {bindPort: 7443}}]\nkubelet: {config: {podPidsLimit: 100}}',
      ),
    );
    expect(common.kubelet.config).toEqual({ podPidsLimit: 100 });
    expect(common.apiServer.bindPort).toBe(6443);
    expect(nodes[0]?.kubelet.config).toEqual({ podPidsLimit: 100, maxPods: 9 });
  });
});

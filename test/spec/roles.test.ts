import { describe, expect, test } from 'vitest';
import { clusterOf, faultsOf, file, THREE } from '../support/spec.ts';

const HOST = '{name: node01, role: node, addresses: [10.0.0.21]}';
const hosts = (more = '', host = HOST) => file(`nodes:\n  - ${host}\n${more}`);

const FOUR = file(`${THREE}\n  - ${HOST}`);

describe('a host with "role: node"', () => {
  test('is none of the masters, has no taint, and does not make their number even', () => {
    expect(faultsOf(FOUR)).toEqual([]);
    const { nodes, plainNodes } = clusterOf(FOUR);
    expect(nodes.map(({ name, index }) => [name, index])).toEqual([
      ['cp1', 0],
      ['cp2', 1],
      ['cp3', 2],
    ]);
    expect(plainNodes.map(({ name, index, taints }) => [name, index, taints])).toEqual([['node01', 3, []]]);
  });

  test('gets files of the masters only where it is named, and what is for every kubelet always', () => {
    const more = `
files:
  - {path: /etc/kubernetes/encryption.yaml, content: "key", sensitive: true}
  - {path: /etc/motd, content: "hello", nodes: [node01]}
patches:
  - {target: kubeletconfiguration, patch: {maxPods: 50}}
  - {target: kube-apiserver, patch: {metadata: {labels: {a: b}}}}
staticPods:
  - {manifest: {kind: Pod}}`;
    const { nodes, plainNodes } = clusterOf(file(`${THREE}\n  - ${HOST}${more}`));
    const [host] = plainNodes;
    expect(host?.files.map(({ path }) => path)).toEqual(['/etc/motd']);
    expect(nodes[0]?.files.map(({ path }) => path)).toEqual(['/etc/kubernetes/encryption.yaml']);
    expect(host?.patches.map(({ target }) => target)).toEqual(['kubeletconfiguration']);
    expect(host?.staticPods).toHaveLength(1);
  });

  test('needs no master at all', () => {
    expect(faultsOf(hosts())).toEqual([]);
    expect(clusterOf(hosts('files: [{path: /etc/motd, content: "hello"}]')).plainNodes[0]?.files).toHaveLength(1);
  });

  test('runs nothing of the control plane', () => {
    const host = '{name: node01, role: node, addresses: [10.0.0.21], apiServer: {bindPort: 7443}}';
    expect(faultsOf(hosts('', host))).toEqual([
      expect.stringMatching(/spec\.nodes\[0\]\.apiServer: has no effect: a host with "role: node" runs nothing/),
    ]);
    expect(faultsOf(hosts('controlPlaneEndpoint: api.example.com'))).toEqual([
      expect.stringMatching(/spec\.controlPlaneEndpoint: leads nowhere: all nodes have "role: node"/),
    ]);
  });

  test('is stopped alone where a pod names it', () => {
    const { nodes, plainNodes } = clusterOf(
      file(`${THREE}\n  - ${HOST}\nstaticPods:\n  - {manifest: {kind: Pod}, stopped: [node01]}`),
    );
    expect(nodes.map(({ staticPods }) => staticPods[0]?.isStopped)).toEqual([false, false, false]);
    expect(plainNodes.map(({ staticPods }) => staticPods[0]?.isStopped)).toEqual([true]);
  });
});

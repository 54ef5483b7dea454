import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { clusterOf, faultsOf, file, THREE } from '../support/spec.ts';

const here = fileURLToPath(new URL('../..', import.meta.url));
const nodesOf = (spec: string) => clusterOf(file(spec)).nodes;

describe('how a node is reached', () => {
  test('is ssh to its first address, with nothing said that ssh_config may say', () => {
    const [node] = nodesOf('nodes: [{name: cp1, addresses: [10.0.0.11, "fd00::11"]}]');
    expect([node?.transport, node?.ssh]).toEqual([
      'ssh',
      { host: '10.0.0.11', port: undefined, user: undefined, identityFile: undefined, configFile: undefined },
    ]);
  });

  test("is the cluster's own way with the node's laid over it", () => {
    const [cp1, cp2] = nodesOf(`controlPlaneEndpoint: api.example.com
ssh: {user: ubuntu, port: 2222, identityFile: keys/id, configFile: ~/cluster.ssh}
transport: ssh
nodes:
  - {name: cp1, addresses: [10.0.0.11], transport: local}
  - {name: cp2, addresses: [10.0.0.12], ssh: {host: "[fd00::1]", port: 22}}
  - {name: cp3, addresses: [10.0.0.13]}`);
    expect([cp1?.transport, cp2?.transport]).toEqual(['local', 'ssh']);
    expect(cp2?.ssh).toEqual({
      host: 'fd00::1',
      port: 22,
      user: 'ubuntu',
      identityFile: join(here, 'keys/id'),
      // whose home that is, the cluster file does not know
      configFile: '~/cluster.ssh',
    });
  });

  test.each(['-oProxyCommand=x', 'a;touch x', '$(id)', 'a b', 'user@host', 'ssh://host', 'a`id`'])(
    'is no host %j',
    (host) => {
      expect(faultsOf(file(`nodes: [{name: a, addresses: [10.0.0.1], ssh: {host: ${JSON.stringify(host)}}}]`))).toEqual(
        [expect.stringContaining(`${JSON.stringify(host)} is not a host name`)],
      );
    },
  );

  test('is this machine for one node at most', () => {
    expect(faultsOf(file(`${THREE}\ntransport: local`))).toEqual([
      expect.stringContaining('spec.nodes[0] and spec.nodes[1] would both be the machine that bootstrap runs on'),
    ]);
  });
});

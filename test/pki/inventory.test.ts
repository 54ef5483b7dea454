import { describe, expect, test } from 'vitest';
import { type LeafEntry, pkiInventory } from '../../src/pki/inventory.ts';
import { type ClusterOptions, testCluster, threeMasters } from './clusters.ts';

const leaf = (options: ClusterOptions, path: string): LeafEntry => {
  const found = pkiInventory(testCluster(options)).leaves.find((entry) => entry.path === path);
  if (!found) throw new Error(`no ${path}`);
  return found;
};

describe('the inventory of a cluster', () => {
  test('three masters need 3 CAs and 35 certificates', () => {
    const { authorities, leaves } = pkiInventory(testCluster({ nodes: threeMasters }));
    expect(authorities.map(({ path }) => path)).toEqual(['ca', 'etcd/ca', 'front-proxy-ca']);
    expect(leaves).toHaveLength(35);
    expect(new Set(leaves.map(({ path }) => path)).size).toBe(35);
  });

  test('with external etcd there is no etcd CA and nothing that it would sign', () => {
    const { authorities, leaves } = pkiInventory(testCluster({ externalEtcd: true }));
    expect(authorities.map(({ name }) => name)).toEqual(['kubernetes', 'front-proxy']);
    expect(leaves.filter(({ authority, path }) => authority === 'etcd' || path.includes('etcd'))).toEqual([]);
  });

  test('the same cluster gives the same inventory', () => {
    const options = { nodes: threeMasters, certSANs: ['b', 'a', '10.1.1.1'] };
    expect(pkiInventory(testCluster(options))).toEqual(pkiInventory(testCluster(options)));
  });
});

describe('names in the API server’s certificate', () => {
  test('are each there once: DNS names sorted, addresses in the order in which they come up', () => {
    const { dnsNames, addresses } = leaf(
      {
        endpoint: 'lb.example.com',
        certSANs: ['10.0.0.10', 'zeta', 'kubernetes', '10.0.0.11', 'alpha.example.com', '10.96.0.1'],
        dnsDomain: 'corp.internal',
      },
      'nodes/master-0/apiserver',
    );
    expect(dnsNames).toEqual([
      'alpha.example.com',
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      'kubernetes.default.svc.corp.internal',
      'lb.example.com',
      'master-0',
      'zeta',
    ]);
    expect(addresses).toEqual(['10.96.0.1', '10.0.0.11', '10.0.0.10']);
  });

  test('an endpoint that is an address becomes one', () => {
    const entry = leaf({ endpoint: 'fd00:0:0::10' }, 'nodes/master-0/apiserver');
    expect(entry.addresses).toContain('fd00::10');
    expect(entry.dnsNames.join()).not.toContain('fd00');
  });

  test.each([
    [
      ['10.96.0.0/16', 'fd00:96::/112'],
      ['10.0.0.11', 'fd00:10::11'],
      ['10.96.0.1', '10.0.0.11'],
    ],
    [
      ['fd00:96::/112', '10.96.0.0/16'],
      ['fd00:10::11', '10.0.0.11'],
      ['fd00:96::1', 'fd00:10::11'],
    ],
    [['192.168.255.0/24'], ['10.0.0.11'], ['192.168.255.1', '10.0.0.11']],
  ] as const)('of %j and %j only the first family is taken, as kubeadm does', (serviceSubnets, addresses, wanted) => {
    const entry = leaf({ serviceSubnets, nodes: { 'master-0': addresses } }, 'nodes/master-0/apiserver');
    expect(entry.addresses).toEqual(wanted);
  });

  test('one address written in several ways is one address', () => {
    const entry = leaf(
      { certSANs: ['fd00::1', 'FD00:0:0:0:0:0:0:1', '::ffff:10.0.0.11', '2001:db8::1.2.3.4'] },
      'nodes/master-0/apiserver',
    );
    expect(entry.addresses).toEqual(['10.96.0.1', '10.0.0.11', 'fd00::1', '2001:db8::102:304']);
  });
});

test('etcd’s own certificates take the names that are meant for servers and for peers', () => {
  const options = { serverCertSANs: ['etcd.example.com', '127.0.0.1'], peerCertSANs: ['10.9.9.9'] };
  expect(leaf(options, 'nodes/master-0/etcd/server')).toMatchObject({
    dnsNames: ['etcd.example.com', 'localhost', 'master-0'],
    addresses: ['10.0.0.11', '127.0.0.1', '::1'],
  });
  expect(leaf(options, 'nodes/master-0/etcd/peer')).toMatchObject({
    dnsNames: ['localhost', 'master-0'],
    addresses: ['10.0.0.11', '127.0.0.1', '::1', '10.9.9.9'],
  });
});

describe('hosts without a control plane', () => {
  const paths = (options: ClusterOptions) => pkiInventory(testCluster(options)).leaves.map(({ path }) => path);

  test('have a certificate of their kubelet, and nothing else, where there are masters', () => {
    const joined = { plainNodes: ['node01', 'node02'] };
    expect(paths(joined).filter((path) => path.startsWith('nodes/node'))).toEqual([
      'nodes/node01/kubelet',
      'nodes/node02/kubelet',
    ]);
    expect(leaf(joined, 'nodes/node01/kubelet')).toMatchObject({
      authority: 'kubernetes',
      subject: { commonName: 'system:node:node01', organization: 'system:nodes' },
      usages: ['clientAuth'],
      dnsNames: [],
      addresses: [],
    });
  });

  test('need one CA and no certificate of their own where there is no master', () => {
    const { authorities, leaves, tokens } = pkiInventory(testCluster({ nodes: {}, plainNodes: ['node01'] }));
    expect(authorities.map(({ name }) => name)).toEqual(['kubernetes']);
    expect(leaves.map(({ path }) => path)).toEqual(['admin', 'super-admin']);
    expect(tokens).toEqual([]);
  });
});

describe('where static pods are served', () => {
  const served = { nodes: threeMasters, plainNodes: ['node01'], serve: 'pods.example.com' };

  test('the server has a certificate for the name that the nodes use and for its own machine', () => {
    expect(leaf(served, 'serve')).toMatchObject({
      use: { kind: 'serve' },
      authority: 'kubernetes',
      subject: { commonName: 'bootstrap-serve' },
      usages: ['serverAuth'],
      dnsNames: ['localhost', 'pods.example.com'],
      addresses: ['127.0.0.1', '::1'],
    });
  });

  test.each([
    ['10.0.0.5', ['10.0.0.5', '127.0.0.1', '::1']],
    ['127.0.0.1', ['127.0.0.1', '::1']],
    ['FD00:0::5', ['fd00::5', '127.0.0.1', '::1']],
  ])('an endpoint %s is an address in it', (serve, addresses) => {
    expect(leaf({ serve }, 'serve')).toMatchObject({ dnsNames: ['localhost'], addresses });
  });

  test('every node has a token, masters and others', () => {
    expect(pkiInventory(testCluster(served)).tokens).toEqual(
      ['master-0', 'master-1', 'master-2', 'node01'].map((node) => ({
        node,
        path: `nodes/${node}/static-pod-url.token`,
      })),
    );
  });

  test('nothing of it is there where none are', () => {
    const { leaves, tokens } = pkiInventory(testCluster({ nodes: threeMasters, plainNodes: ['node01'] }));
    expect(leaves.filter(({ use }) => use.kind === 'serve')).toEqual([]);
    expect(tokens).toEqual([]);
  });
});

describe('what differs between Kubernetes versions', () => {
  test.each([
    [0, 'kubeadm:cluster-admins'],
    [1, undefined],
  ])(
    'the API server’s client certificate for kubelets in 1.36.%i has the organization of that kubeadm',
    (patch, organization) => {
      const { leaves } = pkiInventory(testCluster({ version: { text: `v1.36.${patch}`, minor: 36, patch } }));
      expect(leaves.find((leaf) => leaf.path.endsWith('apiserver-kubelet-client'))?.subject.organization).toBe(
        organization,
      );
    },
  );
});

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { pkiInventory } from '../../src/pki/inventory.ts';
import { needTool } from '../support/tools.ts';
import { testCluster } from './clusters.ts';
import {
  type CertificateFacts,
  certificateFacts,
  contents,
  ensure,
  openssl,
  opensslVerify,
  temporaryDirectory,
} from './tools.ts';

const [SERVER, CLIENT] = ['TLS Web Server Authentication', 'TLS Web Client Authentication'];
const ETCD_NAMES = [
  'DNS:localhost',
  'DNS:master-0',
  'IP Address:0:0:0:0:0:0:0:1',
  'IP Address:10.0.0.11',
  'IP Address:127.0.0.1',
];

/** Of kubeadm 1.36.2 with `controlPlaneEndpoint: lb.example.com` and `certSANs: [10.0.0.10]`, as OpenSSL prints them. */
const KUBEADM: Readonly<
  Record<string, readonly [issuer: string, subject: string, usages: readonly string[], san: readonly string[]]>
> = {
  'nodes/master-0/apiserver': [
    'ca',
    'CN=kube-apiserver',
    [SERVER],
    [
      'DNS:kubernetes',
      'DNS:kubernetes.default',
      'DNS:kubernetes.default.svc',
      'DNS:kubernetes.default.svc.cluster.local',
      'DNS:lb.example.com',
      'DNS:master-0',
      'IP Address:10.0.0.10',
      'IP Address:10.0.0.11',
      'IP Address:10.96.0.1',
    ],
  ],
  'nodes/master-0/apiserver-kubelet-client': ['ca', 'CN=kube-apiserver-kubelet-client', [CLIENT], []],
  'nodes/master-0/front-proxy-client': ['front-proxy-ca', 'CN=front-proxy-client', [CLIENT], []],
  'nodes/master-0/apiserver-etcd-client': ['etcd/ca', 'CN=kube-apiserver-etcd-client', [CLIENT], []],
  'nodes/master-0/etcd/server': ['etcd/ca', 'CN=master-0', [CLIENT, SERVER], ETCD_NAMES],
  'nodes/master-0/etcd/peer': ['etcd/ca', 'CN=master-0', [CLIENT, SERVER], ETCD_NAMES],
  'nodes/master-0/etcd/healthcheck-client': ['etcd/ca', 'CN=kube-etcd-healthcheck-client', [CLIENT], []],
  'nodes/master-0/admin': ['ca', 'O=kubeadm:cluster-admins, CN=kubernetes-admin', [CLIENT], []],
  'nodes/master-0/controller-manager': ['ca', 'CN=system:kube-controller-manager', [CLIENT], []],
  'nodes/master-0/scheduler': ['ca', 'CN=system:kube-scheduler', [CLIENT], []],
  'nodes/master-0/kubelet': ['ca', 'O=system:nodes, CN=system:node:master-0', [CLIENT], []],
  admin: ['ca', 'O=kubeadm:cluster-admins, CN=kubernetes-admin', [CLIENT], []],
  'super-admin': ['ca', 'O=system:masters, CN=kubernetes-super-admin', [CLIENT], []],
};
const CA_NAMES = { ca: 'kubernetes', 'etcd/ca': 'etcd-ca', 'front-proxy-ca': 'front-proxy-ca' } as const;

describe.runIf(needTool('openssl')).each([
  ['RSA-2048', 'rsaEncryption 2048', 'sha256WithRSAEncryption'],
  ['ECDSA-P256', 'id-ecPublicKey 256', 'ecdsa-with-SHA256'],
  ['ECDSA-P384', 'id-ecPublicKey 384', 'ecdsa-with-SHA384'],
] as const)('the certificates of a master with %s keys', (algorithm, publicKey, signature) => {
  test('say what kubeadm’s say, and OpenSSL accepts each for what it is meant for', async () => {
    const dir = temporaryDirectory();
    const cluster = testCluster({ algorithm, endpoint: 'lb.example.com', certSANs: ['10.0.0.10'] });
    await ensure(pkiInventory(cluster), dir);
    const pki = join(dir, 'pki');
    const files = contents(pki);
    expect(
      Object.keys(files)
        .filter((path) => path.endsWith('.crt'))
        .sort(),
    ).toEqual([...Object.keys(KUBEADM), ...Object.keys(CA_NAMES)].map((path) => `${path}.crt`).sort());

    const common = { version: 3, publicKey, signature };
    for (const [path, name] of Object.entries(CA_NAMES)) {
      const wanted: CertificateFacts = {
        ...common,
        subject: `CN=${name}`,
        issuer: `CN=${name}`,
        keyUsage: ['Certificate Sign', 'Digital Signature', 'Key Encipherment'],
        extKeyUsage: [],
        basicConstraints: 'CA:TRUE',
        san: [`DNS:${name}`],
        lifetimeHours: 87_600 + 1 / 12,
        aki: false,
        ski: true,
      };
      expect(certificateFacts(files[`${path}.crt`] ?? ''), path).toEqual(wanted);
      const file = join(pki, `${path}.crt`);
      expect(opensslVerify(file, file)).toBe('OK');
    }
    for (const [path, [issuer, subject, extKeyUsage, san]] of Object.entries(KUBEADM)) {
      const wanted: CertificateFacts = {
        ...common,
        subject,
        issuer: `CN=${CA_NAMES[issuer as keyof typeof CA_NAMES]}`,
        keyUsage: ['Digital Signature', 'Key Encipherment'],
        extKeyUsage,
        basicConstraints: 'CA:FALSE',
        san,
        lifetimeHours: 8760 + 1 / 12,
        aki: true,
        ski: false,
      };
      expect(certificateFacts(files[`${path}.crt`] ?? ''), path).toEqual(wanted);
      for (const usage of extKeyUsage) {
        const purpose = usage === SERVER ? 'sslserver' : 'sslclient';
        const verdict = opensslVerify(join(pki, `${issuer}.crt`), join(pki, `${path}.crt`), '-purpose', purpose);
        expect(verdict, path).toBe('OK');
      }
      const other = join(pki, issuer === 'ca' ? 'etcd/ca.crt' : 'ca.crt');
      expect(opensslVerify(other, join(pki, `${path}.crt`)), path).not.toBe('OK');
      expect(openssl(['x509', '-noout', '-pubkey'], files[`${path}.crt`])).toBe(
        openssl(['pkey', '-pubout'], files[`${path}.key`]),
      );
    }
    expect(openssl(['pkey', '-pubout'], files['sa.key'])).toBe(files['sa.pub']);
  });
});

describe.runIf(needTool('openssl'))('the certificate of the server of static pods', () => {
  test('is accepted for the names by which it is reached, and for nothing else', async () => {
    const dir = temporaryDirectory();
    await ensure(pkiInventory(testCluster({ nodes: {}, plainNodes: ['node01'], serve: 'pods.example.com' })), dir);
    const [ca, certificate] = [join(dir, 'pki/ca.crt'), join(dir, 'pki/serve.crt')];
    const facts = certificateFacts(contents(join(dir, 'pki'))['serve.crt'] ?? '');
    expect(facts).toMatchObject({
      subject: 'CN=bootstrap-serve',
      issuer: 'CN=kubernetes',
      extKeyUsage: [SERVER],
      san: ['DNS:localhost', 'DNS:pods.example.com', 'IP Address:0:0:0:0:0:0:0:1', 'IP Address:127.0.0.1'],
    });
    const verified = (...options: readonly string[]) => opensslVerify(ca, certificate, ...options);
    const asServer = ['-purpose', 'sslserver'] as const;
    for (const name of ['pods.example.com', 'localhost'])
      expect(verified(...asServer, '-verify_hostname', name), name).toBe('OK');
    for (const address of ['127.0.0.1', '::1'])
      expect(verified(...asServer, '-verify_ip', address), address).toBe('OK');
    expect(verified(...asServer, '-verify_hostname', 'other.example.com')).toMatch(/hostname mismatch/i);
    expect(verified('-purpose', 'sslclient')).not.toBe('OK');
  });

  test('is issued again once it is reached by another name', async () => {
    const dir = temporaryDirectory();
    const reached = (serve: string) => pkiInventory(testCluster({ nodes: {}, plainNodes: ['node01'], serve }));
    const first = await ensure(reached('pods.example.com'), dir);
    const second = await ensure(reached('10.0.0.5'), dir);
    expect(second.changes).toEqual([
      {
        kind: 'reissued',
        path: 'pki/serve.crt',
        reasons: ['lacks the address 10.0.0.5', 'still holds the DNS name pods.example.com'],
      },
    ]);
    expect(second.pki.serve?.tokens.get('node01')?.reveal()).toBe(first.pki.serve?.tokens.get('node01')?.reveal());
    const [ca, certificate] = [join(dir, 'pki/ca.crt'), join(dir, 'pki/serve.crt')];
    expect(opensslVerify(ca, certificate, '-purpose', 'sslserver', '-verify_ip', '10.0.0.5')).toBe('OK');
  });
});

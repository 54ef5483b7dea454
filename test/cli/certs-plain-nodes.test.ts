import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openssl } from '../pki/tools.ts';
import { bootstrap, clusterDir, filesOf, snapshot } from '../support/cli.ts';
import { needTool } from '../support/tools.ts';

const MASTER = '    - {name: cp1, addresses: [10.0.0.11]}\n';
const SERVE = '  serve: {endpoint: "pods.example.com:8443"}\n';
const BY_URL = `  staticPods:
    - via: http
      manifest:
        {apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {containers: [{name: web, image: "example.com/web:1"}],
        tolerations: [{operator: Exists, effect: NoExecute}]}}
`;

const file = (masters: string, more: string) => `apiVersion: bootstrap/v1alpha1
kind: Cluster
metadata: {name: edge}
spec:
  nodes:
${masters}    - {name: node01, role: node, addresses: [10.0.0.21]}
    - {name: node02, role: node, addresses: [10.0.0.22]}
  pki: {algorithm: ECDSA-P256}
${more}`;

function initialized(masters: string, more = SERVE): string {
  const dir = clusterDir(file(masters, more));
  const { status, stderr } = bootstrap(dir, 'init', '--quiet');
  expect(status, stderr).toBe(0);
  return dir;
}

const TOKEN = 'pki/nodes/node01/static-pod-url.token';
const read = (dir: string, path: string) => readFileSync(join(dir, path), 'utf8');

interface Row {
  readonly name: string;
  readonly node: string | null;
  readonly uses: readonly { readonly component: string; readonly by: string }[];
  readonly nodePaths: readonly string[];
  readonly problems: readonly string[];
}

function rowOf(dir: string, name: string, node: string | null): Row | undefined {
  const { certificates } = JSON.parse(bootstrap(dir, 'certs', 'list', '-o', 'json').stdout) as {
    readonly certificates: readonly Row[];
  };
  return certificates.find((row) => row.name === name && row.node === node);
}

describe('certs list', () => {
  test('shows of plain nodes that have joined what lies on them', () => {
    const dir = initialized(MASTER);
    const { status, stdout, stderr } = bootstrap(dir, 'certs', 'list');
    expect([status, stderr]).toEqual([0, '']);
    for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    expect(stdout).toMatch(/^ {2}serve +\d{4}-\d\d-\d\d +364d +ok +kubernetes +reload$/m);
    expect(stdout).toMatch(/^node01\n {2}kubelet .* itself\nnode02\n {2}kubelet .* itself$/m);
    expect(rowOf(dir, 'kubelet', 'node01')).toMatchObject({
      uses: [{ component: 'kubelet', by: '/etc/kubernetes/kubelet.conf' }],
      nodePaths: ['/etc/kubernetes/pki/kubelet/client.crt', '/etc/kubernetes/pki/kubelet/client.key'],
    });
    expect(rowOf(dir, 'kubernetes', null)?.nodePaths).toContain('/etc/kubernetes/pki/ca-bundle.crt');
    expect(rowOf(dir, 'serve', null)).toMatchObject({ uses: [{ component: 'bootstrap', by: 'serve' }], nodePaths: [] });
  });

  test('finds nothing wrong where there is no master, and so no kubeconfig for anybody', () => {
    const dir = initialized('', SERVE + BY_URL);
    const { status, stdout, stderr } = bootstrap(dir, 'certs', 'list');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).not.toMatch(/etcd|front-proxy|misfit|admin\.conf/);
    expect(rowOf(dir, 'admin', null)).toMatchObject({ uses: [], problems: [] });
    expect(rowOf(dir, 'kubernetes', null)?.nodePaths).toEqual(['/etc/kubernetes/static-pods-ca/ca-bundle.crt']);
    expect(bootstrap(dir, 'certs', 'check').status).toBe(0);
  });

  test('says where the server still has another certificate', () => {
    const dir = initialized('');
    expect(rowOf(dir, 'serve', null)?.problems).toEqual([]);
    mkdirSync(join(dir, 'serve/tls'), { recursive: true });
    const put = (path: string) => writeFileSync(join(dir, 'serve/tls/server.crt'), read(dir, path));
    put('pki/serve.crt');
    expect(rowOf(dir, 'serve', null)?.problems).toEqual([]);
    put('pki/admin.crt');
    expect(rowOf(dir, 'serve', null)?.problems).toEqual([
      'serve/tls/server.crt holds another one: `bootstrap apply` gives this one to the server',
    ]);
  });
});

describe('tokens for static pods by URL', () => {
  test('are made for every node, kept, and made anew where their file was removed; never shown', () => {
    const dir = initialized(MASTER, SERVE + BY_URL);
    const first = read(dir, TOKEN);
    expect(filesOf(dir).filter((path) => path.endsWith('.token'))).toEqual([
      'pki/nodes/cp1/static-pod-url.token',
      TOKEN,
      'pki/nodes/node02/static-pod-url.token',
    ]);
    expect(read(dir, 'nodes/node01/var/lib/kubelet/config.yaml')).toContain(first.trim());
    rmSync(join(dir, TOKEN));
    const { status, stdout, stderr } = bootstrap(dir, 'render', '--verbose');
    expect(status, stderr).toBe(0);
    expect(stdout).toContain(TOKEN);
    const second = read(dir, TOKEN);
    expect(second).not.toBe(first);
    expect(read(dir, 'nodes/node01/var/lib/kubelet/config.yaml')).toContain(second.trim());
    for (const token of [first, second]) expect(stdout + stderr).not.toContain(token.trim());
  });

  test('a damaged one stops every command that renders, with the way out, and is left as it is', () => {
    const dir = initialized('');
    writeFileSync(join(dir, TOKEN), 'hunter2\n');
    const before = snapshot(dir);
    const { status, stderr } = bootstrap(dir, 'render');
    expect(status).toBe(1);
    expect(stderr).toContain(`${TOKEN}: is not a token`);
    expect(stderr).toContain('remove it: a new one is made, and `bootstrap apply` brings it to node01');
    expect(stderr).not.toContain('hunter2');
    expect(snapshot(dir)).toEqual(before);
  });
});

describe('certs renew', () => {
  test('renews the certificate of the server alone, and says what brings it there', () => {
    const dir = initialized(MASTER);
    const before = snapshot(dir);
    const { status, stdout, stderr } = bootstrap(dir, 'certs', 'renew', 'serve');
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/^renewed 1 certificate with new keys, valid until \d{4}-\d\d-\d\d\n {2}here: serve\n/);
    expect(stdout).toContain('bootstrap apply');
    const after = snapshot(dir);
    expect(Object.keys(after).filter((path) => after[path] !== before[path])).toEqual([
      'pki/serve.crt',
      'pki/serve.key',
    ]);
  });

  test('renews the one certificate of a plain node', () => {
    const { status, stdout } = bootstrap(initialized(MASTER), 'certs', 'renew', '--node', 'node01');
    expect(status).toBe(0);
    expect(stdout).toMatch(/renewed 1 certificate .*\n {2}node01: kubelet\n/);
  });
});

describe.runIf(needTool('openssl'))('certs csr and import', () => {
  test('get the certificate of the server from a CA whose key is kept elsewhere', () => {
    const dir = initialized('');
    const [ca, key] = [join(dir, 'pki/ca.crt'), join(dir, 'ca.key')];
    writeFileSync(key, read(dir, 'pki/ca.key'));
    for (const gone of ['pki/ca.key', 'pki/serve.crt', 'pki/serve.key']) rmSync(join(dir, gone));
    const csr = bootstrap(dir, 'certs', 'csr');
    expect(csr.status, csr.stderr).toBe(0);
    const request = join(dir, 'csr/serve');
    openssl([
      ...['x509', '-req', '-copy_extensions', 'copyall', '-days', '30', '-CA', ca, '-CAkey', key],
      ...['-in', `${request}.csr`, '-out', `${request}.crt`],
    ]);
    const taken = bootstrap(dir, 'certs', 'import', 'csr');
    expect(taken.status, taken.stderr).toBe(0);
    expect(taken.stdout).toContain('here: serve');
    expect(
      openssl([
        'verify',
        '-purpose',
        'sslserver',
        '-verify_hostname',
        'pods.example.com',
        '-CAfile',
        ca,
        `${request}.crt`,
      ]),
    ).toContain('OK');
  });
});

describe('rotations', () => {
  test('of the cluster CA are refused where there are plain nodes, before anything is made', () => {
    const dir = initialized(MASTER);
    const before = snapshot(dir);
    for (const which of ['kubernetes', 'all']) {
      const { status, stderr } = bootstrap(dir, 'certs', 'rotate-ca', which, '--apply', '--yes');
      expect(status).toBe(76);
      expect(stderr).toContain('node01, node02: the new CA is not brought to hosts without a control plane');
      for (const line of stderr.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100);
    }
    expect(snapshot(dir)).toEqual(before);
  });

  test('of what plain nodes have nothing of begin as ever', () => {
    const dir = initialized(MASTER);
    const { status, stderr } = bootstrap(dir, 'certs', 'rotate-ca', 'etcd');
    expect(status, stderr).toBe(0);
    expect(existsSync(join(dir, 'pki/rotation/new/etcd/ca.crt'))).toBe(true);
  });

  test('are refused where there is no master; removing pki/ and nodes/ is the way to another CA', () => {
    const dir = initialized('', SERVE + BY_URL);
    const ca = read(dir, 'pki/ca.crt');
    const { status, stderr } = bootstrap(dir, 'certs', 'rotate-ca', 'kubernetes');
    expect(status).toBe(76);
    expect(stderr).toContain('remove pki/ and nodes/, then run `bootstrap init` and `bootstrap apply`');
    for (const each of ['pki', 'nodes']) rmSync(join(dir, each), { recursive: true });
    const again = bootstrap(dir, 'init', '--quiet');
    expect(again.status, again.stderr).toBe(0);
    expect(read(dir, 'pki/ca.crt')).not.toBe(ca);
  });
});

describe('the first masters of a cluster of plain nodes', () => {
  test('bring their CAs with them, and the CA that is there stays', () => {
    const dir = initialized('');
    const kept = ['pki/ca.crt', 'pki/sa.key', 'pki/serve.crt', TOKEN].map((path) => read(dir, path));
    writeFileSync(join(dir, 'cluster.yaml'), file(MASTER, SERVE));
    const { status, stderr } = bootstrap(dir, 'render');
    expect(status, stderr).toBe(0);
    expect(['pki/ca.crt', 'pki/sa.key', 'pki/serve.crt', TOKEN].map((path) => read(dir, path))).toEqual(kept);
    for (const path of ['pki/etcd/ca.crt', 'pki/front-proxy-ca.crt', 'pki/nodes/node01/kubelet.crt'])
      expect(existsSync(join(dir, path)), path).toBe(true);
  });

  test('are not given others where a master was rendered already', () => {
    const dir = initialized(MASTER);
    rmSync(join(dir, 'pki/etcd'), { recursive: true });
    const { status, stderr } = bootstrap(dir, 'render');
    expect(status).toBe(76);
    expect(stderr).toContain('pki/etcd/ca.crt is missing');
  });
});

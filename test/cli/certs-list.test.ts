import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { bootstrap, emptyDir, filesOf, HA_OPTIONS, snapshot } from '../support/cli.ts';
import { expectExposition } from '../support/exposition.ts';
import { needTool } from '../support/tools.ts';

interface Row {
  readonly name: string;
  readonly node: string | null;
  readonly state: string;
  readonly uses: readonly { readonly component: string; readonly by: string }[];
  readonly path: string;
  readonly nodePaths: readonly string[];
  readonly problems: readonly string[];
  readonly onRenewal: { readonly kind: string; readonly restarts: readonly string[]; readonly text: string } | null;
}

const rowsOf = (stdout: string): readonly Row[] =>
  (JSON.parse(stdout) as { readonly certificates: readonly Row[] }).certificates;
const rowOf = (stdout: string, name: string, node: string | null = 'cp1'): Row | undefined =>
  rowsOf(stdout).find((each) => each.name === name && each.node === node);

function ha(...more: readonly string[]): string {
  const dir = emptyDir();
  const { status, stderr } = bootstrap(dir, 'init', '--quiet', ...HA_OPTIONS, ...more);
  expect(status, stderr).toBe(0);
  return dir;
}

describe('certs list', () => {
  test('shows every certificate of every node in a table that fits 80 columns, and changes nothing', () => {
    const dir = ha();
    const before = snapshot(dir);
    const { status, stdout, stderr } = bootstrap(dir, 'certs', 'list');
    expect([status, stderr]).toEqual([0, '']);
    const lines = stdout.trimEnd().split('\n');
    for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(80);
    expect(lines[0]).toMatch(/^CAs +ENDS +LEFT +STATE +CA +RENEWAL$/);
    expect(lines.filter((line) => !line.startsWith(' '))).toEqual([lines[0], 'cluster directory', 'cp1', 'cp2', 'cp3']);
    expect(stdout).toMatch(/^ {2}kubernetes +\d{4}-\d\d-\d\d +3649d +ok +- +rotate$/m);
    expect(stdout).toMatch(/^ {2}apiserver-kubelet-client +\d{4}-\d\d-\d\d +364d +ok +kubernetes +reload$/m);
    expect(stdout).not.toMatch(/[\u001b]|undefined|NaN/);
    expect(snapshot(dir)).toEqual(before);
  });

  test('says of each what uses it, by which flag or kubeconfig, where it lies and what its renewal does', () => {
    const { stdout } = bootstrap(ha(), 'certs', 'list', '-o', 'json', '--node', 'cp1');
    expect(new Set(rowsOf(stdout).map(({ node }) => node))).toEqual(new Set([null, 'cp1']));
    expect(rowOf(stdout, 'apiserver')).toMatchObject({
      uses: [{ component: 'kube-apiserver', by: '--tls-cert-file' }],
      path: 'pki/nodes/cp1/apiserver.crt',
      nodePaths: ['/etc/kubernetes/pki/apiserver.crt', '/etc/kubernetes/pki/apiserver.key'],
      onRenewal: { kind: 'reload', restarts: [], withinSeconds: 60, text: 'reload within 1 min' },
    });
    expect(rowOf(stdout, 'controller-manager')).toMatchObject({
      uses: [{ component: 'kube-controller-manager', by: '/etc/kubernetes/controller-manager.conf' }],
      onRenewal: { kind: 'reload', withinSeconds: 300 },
    });
    expect(rowOf(stdout, 'etcd/peer')).toMatchObject({
      uses: [{ component: 'etcd', by: '--peer-cert-file' }],
      onRenewal: { kind: 'reload', withinSeconds: 0, text: 'reload with the next connection' },
    });
    expect(rowOf(stdout, 'kubelet')).toMatchObject({
      uses: [{ component: 'kubelet', by: '/etc/kubernetes/kubelet.conf' }],
      onRenewal: { kind: 'own' },
    });
    expect(rowOf(stdout, 'admin')?.uses).toEqual([{ component: 'person', by: '/etc/kubernetes/admin.conf' }]);
    expect(rowOf(stdout, 'super-admin', null)?.uses).toEqual([{ component: 'person', by: 'super-admin.conf' }]);
    // on 1.36 nothing restarts but what keeps its CAs
    expect(
      rowsOf(stdout)
        .filter(({ onRenewal }) => onRenewal?.kind === 'restart')
        .map(({ name }) => name),
    ).toEqual(['kubernetes', 'etcd']);
    expect(rowOf(stdout, 'kubernetes', null)?.onRenewal?.restarts).toEqual(['kube-controller-manager', 'kubelet']);
  });

  test('has what restarts from the bundle: another version and another flag, another answer', () => {
    const dir = ha();
    const list = (...sets: readonly string[]) =>
      bootstrap(dir, 'certs', 'list', '-o', 'json', ...sets.flatMap((set) => ['--set', set])).stdout;
    expect(rowOf(list('spec.kubernetesVersion=v1.35.0'), 'kubernetes', null)?.onRenewal?.restarts).toEqual([
      'kube-controller-manager',
      'kube-scheduler',
      'kubelet',
    ]);
    const read = list('spec.apiServer.extraArgs.oidc-ca-file=/etc/kubernetes/pki/front-proxy-client.crt');
    expect(rowOf(read, 'front-proxy-client')).toMatchObject({
      uses: [
        { component: 'kube-apiserver', by: '--proxy-client-cert-file' },
        { component: 'kube-apiserver', by: '--oidc-ca-file' },
      ],
      onRenewal: { kind: 'restart', text: 'restart kube-apiserver' },
    });
  });

  test('says in the table, too, what a renewal would restart', () => {
    const set = 'spec.apiServer.extraArgs.oidc-ca-file=/etc/kubernetes/pki/front-proxy-client.crt';
    const { stdout } = bootstrap(ha(), 'certs', 'list', '--node', 'cp2', '--set', set);
    expect(stdout).toMatch(/^ {2}front-proxy-client .* restart$/m);
    expect(stdout).toContain('\nto renew cp2 front-proxy-client restarts kube-apiserver\n');
  });

  test('works where CA keys are kept elsewhere, certificates are missing and kubeconfigs are old', () => {
    const dir = ha();
    for (const file of ['ca.key', 'etcd/ca.key', 'nodes/cp1/apiserver.crt']) rmSync(join(dir, 'pki', file));
    for (const node of ['cp1', 'cp2', 'cp3']) rmSync(join(dir, 'nodes', node), { recursive: true });
    writeFileSync(join(dir, 'admin.conf'), readFileSync(join(dir, 'super-admin.conf')));
    const { status, stdout } = bootstrap(dir, 'certs', 'list');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ {2}apiserver +- +- +missing /m);
    expect(stdout).toContain('admin: admin.conf holds another one: `bootstrap render` makes that file again');
    expect(stdout).toContain('cp1 apiserver: is missing');
    const verbose = bootstrap(dir, 'certs', 'list', '--verbose').stdout;
    expect(verbose).toMatch(/CA etcd: ok[\s\S]*?key +ECDSA-P256, kept elsewhere/);
    for (const line of verbose.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
  });

  test('says in YAML what it says in JSON', () => {
    const dir = ha();
    const without = (data: Record<string, unknown>) => ({ ...data, generatedAt: '' });
    const [yaml, json] = ['yaml', 'json'].map((format) => bootstrap(dir, 'certs', 'list', '-o', format).stdout);
    expect(without(parse(yaml ?? ''))).toEqual(without(JSON.parse(json ?? '')));
  });

  test('is of no use where there is no PKI yet, and says what makes one', () => {
    const dir = ha();
    rmSync(join(dir, 'pki'), { recursive: true });
    const { status, stderr } = bootstrap(dir, 'certs', 'list');
    expect(status).toBe(64);
    expect(stderr).toMatch(/^error: pki holds no PKI of this cluster yet\n {2}`bootstrap init` makes it/);
  });

  test('says which node there is not', () => {
    const { status, stderr } = bootstrap(ha(), 'certs', 'list', '--node', 'cp4');
    expect([status, stderr]).toEqual([64, expect.stringContaining('there is no node "cp4"')]);
  });
});

describe('certs list --prometheus', () => {
  test('writes a file that any user may read and a strict parser takes, and leaves nothing beside it', () => {
    const [dir, out] = [ha('--name', 'prod'), emptyDir()];
    const file = join(out, 'bootstrap.prom');
    const { status, stdout, stderr } = bootstrap(dir, 'certs', 'list', '--prometheus', file);
    expect([status, stdout, stderr]).toEqual([0, '', '']);
    expect(filesOf(out)).toEqual(['bootstrap.prom']);
    expect((statSync(file).mode & 0o777).toString(8)).toBe('644');
    const metrics = expectExposition(readFileSync(file, 'utf8'));
    expect([...metrics.keys()]).toEqual([
      'bootstrap_certificate_not_after_seconds',
      'bootstrap_certificate_not_before_seconds',
      'bootstrap_certificates_generated_seconds',
    ]);
    const ends = metrics.get('bootstrap_certificate_not_after_seconds') ?? [];
    expect(ends).toHaveLength(3 + 2 + 33);
    const found = ends.find(({ labels }) => labels['name'] === 'etcd/server' && labels['node'] === 'cp2');
    expect(found?.labels).toEqual({ cluster: 'prod', node: 'cp2', name: 'etcd/server', issuer: 'etcd CA' });
    expect(found?.value).toBeGreaterThan(Date.now() / 1000 + 364 * 86_400);
    expect(found?.value).toBeLessThan(Date.now() / 1000 + 366 * 86_400);
  });

  test('goes to stdout where it is told to, but not together with other data', () => {
    const dir = ha();
    const { status, stdout } = bootstrap(dir, 'certs', 'list', '--prometheus', '-');
    expect(status).toBe(0);
    expect(expectExposition(stdout).size).toBe(3);
    expect(bootstrap(dir, 'certs', 'list', '--prometheus', '-', '-o', 'json').status).toBe(64);
  });
});

/** It comes with Prometheus itself, which nothing else here needs: the parser above is what every run has. */

describe('certs check', () => {
  const check = (...args: readonly string[]) => bootstrap(ha(), 'certs', 'check', ...args);

  test('ends well where all of them last, and says which ends first', () => {
    const { status, stdout, stderr } = check();
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout.replace(/\s+/g, ' ')).toBe(
      '38 certificates, none of which ends within 30d: the first ends in 364 days (admin) ',
    );
  });

  test('ends with status 2 where one ends within the time, CAs included, and says what mends each', () => {
    const { status, stdout } = check('--expires-within', '400d', '--node', 'cp2');
    expect(status).toBe(2);
    expect(stdout).toMatch(/^ {2}cp2 apiserver +ends in 364 days, on \d{4}-\d\d-\d\d$/m);
    expect(stdout).not.toMatch(/cp1|kubernetes CA/);
    expect(stdout).toContain('what to do: `bootstrap certs renew --expires-within 400d --apply`\n');
  });

  test('knows which certificates it cannot issue, and repeats the options that lead to the cluster', () => {
    const elsewhere = ha();
    rmSync(join(elsewhere, 'pki/etcd/ca.key'));
    const args = ['certs', 'check', '--dir', elsewhere, '--expires-within', '4000d', '-o', 'json'];
    const { status, stdout } = bootstrap('/', ...args);
    expect(status).toBe(2);
    const commands = new Map(
      (JSON.parse(stdout) as { certificates: readonly { name: string; command: string }[] }).certificates.map(
        ({ name, command }) => [name, command],
      ),
    );
    const more = ` --dir ${elsewhere.slice(1)}`;
    expect(commands.get('front-proxy CA')).toBe(`bootstrap certs rotate-ca front-proxy --apply${more}`);
    expect(commands.get('etcd/server')).toBe(`bootstrap certs csr${more}`);
    expect(commands.get('etcd CA')).toBe(`bootstrap certs csr${more}`);
    expect(commands.get('kubernetes CA')).toBe(`bootstrap certs rotate-ca kubernetes --apply${more}`);
    expect(commands.get('apiserver')).toBe(`bootstrap certs renew --expires-within 4000d --apply${more}`);
  });

  test('refuses a time that is none', () => {
    expect(check('--expires-within', 'soon')).toMatchObject({
      status: 64,
      stderr: expect.stringContaining('--expires-within soon: not a time such as 30d or 720h'),
    });
  });
});

test.runIf(needTool('openssl'))('certs check is told by OpenSSL of the very same end', () => {
  const dir = ha();
  const { stdout } = bootstrap(dir, 'certs', 'list', '-o', 'json');
  const row = rowOf(stdout, 'apiserver') as Row & { readonly notAfter: string };
  const { stdout: said } = spawnSync('openssl', ['x509', '-noout', '-enddate', '-in', join(dir, row.path)], {
    encoding: 'utf8',
  });
  expect(Date.parse(said.replace('notAfter=', ''))).toBe(Date.parse(row.notAfter));
});

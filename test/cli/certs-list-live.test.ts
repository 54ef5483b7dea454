import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { needTool } from '../support/tools.ts';
import { PATIENCE, parsed, run, sharedWorld } from './rollout/site.ts';

interface LiveCertificate {
  readonly name: string;
  readonly node: string | null;
  readonly state: string;
  readonly live: { readonly agreement: string; readonly served: readonly { readonly port: number }[] } | null;
}

interface Listed {
  readonly certificates: readonly LiveCertificate[];
  readonly live: {
    readonly nodes: readonly { readonly name: string; readonly reachable: boolean }[];
    readonly served: readonly Readonly<Record<string, unknown>>[];
    readonly foreign: readonly Readonly<Record<string, unknown>>[];
  };
}

const hasTools = needTool('etcd') && needTool('sshd') && needTool('openssl');
const DAY = 86_400;

describe.runIf(hasTools)('certs list --live', { timeout: PATIENCE }, () => {
  const given = sharedWorld(3);
  const list = (...args: readonly string[]) =>
    parsed(run(given().dir, ['certs', 'list', '--live', '-o', 'json', ...args], { status: 0 })) as unknown as Listed;
  const agreements = ({ certificates }: Listed, node: string) =>
    Object.fromEntries(
      certificates.filter((each) => each.node === node).map(({ name, live }) => [name, live?.agreement]),
    );

  test('says that nothing is on the masters yet', () => {
    const found = list();
    expect(new Set(Object.values(agreements(found, 'cp1')))).toEqual(new Set(['the node has none']));
    expect(found.certificates[0]?.live?.agreement).toMatch(/^not in cp1 \/etc\/kubernetes\/pki\/ca\.crt and \d+ more$/);
  });

  test('says of every certificate that directory, node and process agree', () => {
    run(given().dir, ['apply', '--yes', '--quiet'], { status: 0 });
    const found = list();
    for (const node of given().names) {
      expect(new Set(Object.values(agreements(found, node)))).toEqual(new Set(['same']));
      const ports = given().ports(node);
      const shown = Object.fromEntries(
        found.certificates
          .filter((each) => each.node === node && each.live?.served.length)
          .map(({ name, live }) => [name, live?.served[0]?.port]),
      );
      expect(shown).toEqual({
        apiserver: ports.apiServer,
        'etcd/server': ports.etcdClient,
        'etcd/peer': ports.etcdPeer,
      });
    }
    expect(found.certificates.filter(({ node }) => node === null).map(({ live }) => live?.agreement)).toEqual([
      'same',
      'same',
      'same',
      undefined,
      undefined,
    ]);
    // what no CA of the cluster has signed
    expect(found.live.served).toContainEqual(
      expect.objectContaining({ server: 'kube-scheduler', issuer: 'itself', certificate: null }),
    );
    const text = run(given().dir, ['certs', 'list', '--live', '--node', 'cp2'], { status: 0 }).stdout;
    expect(text).toMatch(/^ {2}etcd\/peer +\d{4}-\d\d-\d\d +36[45]d +ok +same$/m);
    expect(text).toMatch(/^cp2 kube-scheduler: port \d+ shows a certificate of its own, self-signed/m);
    expect(text).not.toContain('cp1');
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  test('says where a node has an older one than the cluster directory, and that it would end', () => {
    const { dir } = given();
    rmSync(join(dir, 'pki/nodes/cp1/apiserver.crt'));
    rmSync(join(dir, 'pki/nodes/cp1/admin.crt'));
    run(dir, ['render', '--quiet'], { status: 0 });
    const found = agreements(list('--node', 'cp1'), 'cp1');
    expect(found).toMatchObject({
      apiserver: 'the node has an older one',
      admin: 'the node has another one',
      'etcd/server': 'same',
    });
    const check = run(dir, ['certs', 'check', '--live', '--expires-within', '8760h', '--node', 'cp1'], { status: 2 });
    expect(check.stdout).toMatch(/^ {2}cp1 apiserver +ends in 364 days, on \d{4}-\d\d-\d\d \(on the node\)$/m);
    expect(check.stdout).toContain('what to do: `bootstrap apply`');
  });

  test('works where every certificate has expired, and says so of what the processes show', async () => {
    const { dir } = given();
    await given().age(-5 * DAY);
    const { certificates, live } = list('--node', 'cp2');
    const byName = new Map(certificates.filter(({ node }) => node === 'cp2').map((each) => [each.name, each] as const));
    for (const name of ['apiserver', 'etcd/server', 'etcd/peer']) {
      expect(byName.get(name)).toMatchObject({ state: 'expired', live: { agreement: 'same', served: [{}] } });
    }
    expect(byName.get('scheduler')).toMatchObject({ state: 'expired', live: { agreement: 'same' } });
    expect(live.served).toContainEqual(
      expect.objectContaining({ server: 'etcd-peer', certificate: 'etcd/peer', state: 'expired', daysLeft: -5 }),
    );
    const check = run(dir, ['certs', 'check', '--live', '--node', 'cp2'], { status: 2 });
    expect(check.stdout).toMatch(/^ {2}cp2 apiserver +expired 5 days ago, on \d{4}-\d\d-\d\d$/m);
    expect(check.stdout).toContain('what to do: `bootstrap certs renew --expires-within 30d --apply`');
  });

  test('says which masters cannot be reached, and goes on without them', async () => {
    const { dir } = given();
    await given().node('cp3').kill();
    const file = join(dir, 'metrics.prom');
    const { stderr } = run(dir, ['certs', 'list', '--live', '--prometheus', file], { status: 0 });
    expect(stderr).toMatch(/^warning: cp3 cannot be looked at: /m);
    const text = readFileSync(file, 'utf8');
    expect(text).toContain('bootstrap_node_up{cluster="kubernetes",node="cp1"} 1\n');
    expect(text).toContain('bootstrap_node_up{cluster="kubernetes",node="cp3"} 0\n');
    expect(text).toMatch(/^bootstrap_certificate_served_not_after_seconds\{.*name="etcd\/peer",.*port="\d+"\} \d+$/m);
    const found = list();
    expect(agreements(found, 'cp3')['apiserver']).toBe('the node cannot be reached');
    expect(found.certificates[0]?.live?.agreement).toBe('same on cp1, cp2');
  });

  test('ends with status 69 where none can be reached, with what the cluster directory says', () => {
    const { stdout } = run(given().dir, ['certs', 'list', '--live', '--node', 'cp3'], { status: 69 });
    expect(stdout).toContain('  apiserver');
  });
});

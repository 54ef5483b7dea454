import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { connect } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { needTool } from '../../support/tools.ts';
import { at, type JsonMap, listAt, textAt } from '../../world/json.ts';
import type { World } from '../../world/world.ts';
import { alive, marks, PATIENCE, parsed, run, sharedWorld } from './site.ts';

const POLICY = '/etc/example/policy.txt';
const SCHEDULER = '/etc/kubernetes/manifests/kube-scheduler.yaml';

/** The names in the certificate that an apiserver shows now. */
const servedNames = (world: World): Promise<string> =>
  new Promise((resolve, reject) => {
    const port = world.ports('cp1').apiServer;
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subjectaltname));
      socket.destroy();
    });
    socket.on('error', reject);
  });

describe.runIf(needTool('etcd') && needTool('sshd') && needTool('openssl'))('one master', { timeout: PATIENCE }, () => {
  const given = sharedWorld(1);
  const file = (path: string) => join(given().node('cp1').root, path);
  const apply = (...args: readonly string[]) => run(given().dir, ['apply', '--yes', ...args], { status: 0 });
  const refused = (args: readonly string[], status: number) => run(given().dir, args, { status }).stderr;
  /** The cluster file from now on. */
  let spec: JsonMap = {};
  const say = (more: JsonMap) => {
    spec = { ...spec, ...more };
    given().clusterFile(spec);
  };

  test('comes up from the machine itself as well as over ssh', () => {
    const world = given();
    const { root } = world.node('cp1');
    say({ nodes: { cp1: { transport: 'local', ssh: null } } });
    const env = {
      BOOTSTRAP_NODE_ROOT: root,
      WORLD_MACHINE: join(dirname(dirname(root)), 'machines', 'cp1'),
      PATH: `${new URL('../../world/bin', import.meta.url).pathname}:${process.env['PATH'] ?? ''}`,
    };
    const quiet = run(world.dir, ['apply', '--yes', '--quiet'], { env, status: 0 });
    expect(quiet.stdout).toBe('cp1 is at revision 1; 29 API objects applied\n');
    expect(quiet.stderr).not.toContain('+ 41 files');
    say({ nodes: {} });
    expect(apply().stdout).toBe('nothing to do: 1 master is as the cluster file says\n');
  });

  test('gets a file that no process reads without a restart of anything', () => {
    const world = given();
    const before = alive(world, 'cp1');
    say({ files: [{ path: POLICY, content: 'one\n', mode: '0640' }] });
    const plan = run(world.dir, ['plan'], { status: 2 });
    expect(plan.stdout).toContain(`cp1  revision 1 → new\n  + ${POLICY}\n  nothing restarts\n`);
    expect(apply().stdout).toBe('cp1 is at revision 2\n');
    expect(world.node('cp1').read(POLICY)).toBe('one\n');
    expect(marks(world, 'cp1')[POLICY]).toMatch(/^100640 /);

    say({ files: [{ path: POLICY, content: 'two\n', mode: '0640' }] });
    expect(run(world.dir, ['plan'], { status: 2 }).stdout).toMatch(/~ \S+policy\.txt\n\s+@@ .*\n\s+-one\n\s+\+two\n/);
    apply();
    expect(world.node('cp1').read(POLICY)).toBe('two\n');
    expect(alive(world, 'cp1')).toEqual(before);
  });

  test('does just what a plan file says, once, and only as long as nothing has moved', () => {
    const world = given();
    say({ files: [] });
    const out = (name: string) => join(world.dir, name);
    expect(run(world.dir, ['plan', '--out', 'plan.json'], { status: 2 }).stdout).toContain(`  - ${POLICY}`);
    run(world.dir, ['plan', '-q', '--out', 'early.json'], { status: 2 });

    writeFileSync(file(POLICY), 'by hand\n');
    expect(refused(['apply', 'plan.json'], 76)).toMatch(
      /error: plan\.json no longer holds:\n {2}cp1: files have changed on the node: \/etc\/example\/policy\.txt\n {2}.*bootstrap plan/,
    );
    writeFileSync(file(POLICY), 'two\n');
    say({ files: [{ path: POLICY, content: 'three\n' }] });
    expect(refused(['apply', 'plan.json'], 76)).toMatch(
      /cp1: what is wanted has changed, with the cluster file: \/etc\/ex/,
    );
    say({ files: [], apiServer: { certSANs: ['127.0.0.1', 'other.example.com'] } });
    expect(refused(['apply', 'plan.json'], 76)).toMatch(
      /the plan no longer holds: \S*apiserver\S* would be issued again/,
    );
    say({ apiServer: { certSANs: ['127.0.0.1'] } });

    // who hands in a plan has decided
    expect(run(world.dir, ['apply', 'plan.json'], { status: 0 }).stdout).toBe('cp1 is at revision 4\n');
    expect(world.node('cp1').read(POLICY)).toBeUndefined();
    expect(refused(['apply', 'early.json'], 76)).toContain('cp1: revision 3 then, revision 4 now');

    expect(refused(['apply', 'none.json'], 64)).toContain('none.json: no such file');
    const whole = readFileSync(out('early.json'), 'utf8');
    for (const [broken, why] of [
      [whole.slice(0, 300), 'is not JSON'],
      ['{"kind":"Pod"}', 'is not a plan of bootstrap'],
      [whole.replace(/"nodes": \[/, '"nodes": 1, "x": ['), 'nodes: is not a list'],
    ] as const) {
      writeFileSync(out('broken.json'), broken);
      expect(refused(['apply', 'broken.json'], 64)).toContain(why);
    }
  });

  test('serves a certificate with another name without a restart', async () => {
    const world = given();
    const before = alive(world, 'cp1');
    say({ apiServer: { certSANs: ['127.0.0.1', 'api.example.com'] } });
    expect(refused(['plan', '--out', 'keys.json'], 76)).toMatch(
      /1 certificate or key must be issued first, so no plan/,
    );
    const plan = run(world.dir, ['plan'], { status: 2 });
    expect(plan.stdout).toContain('~ /etc/kubernetes/pki/apiserver.crt  names +api.example.com\n');
    expect(plan.stdout).toContain('nothing restarts: 2 files reloaded by their readers');
    expect(await servedNames(world)).not.toContain('api.example.com');
    apply();
    expect(await servedNames(world)).toContain('api.example.com');
    expect(alive(world, 'cp1')).toEqual(before);
  });

  test('has its kubelet restarted for what the kubelet reads, and no pod', () => {
    const world = given();
    const before = alive(world, 'cp1');
    say({ kubelet: { config: { maxPods: 99 } } });
    const json = parsed(run(world.dir, ['plan', '-o', 'json'], { status: 2 }));
    const [node] = listAt(json, 'nodes');
    expect(at(node, 'kubelet', 'action')).toBe('restart');
    expect(at(node, 'pods')).toEqual([]);
    expect(listAt(node, 'files').map((each) => textAt(each, 'path'))).toEqual(['/var/lib/kubelet/config.yaml']);
    expect(textAt(node, 'files', 0, 'diff')).toContain('+maxPods: 99');
    apply();
    const after = alive(world, 'cp1');
    expect(after.pods).toEqual(before.pods);
    expect(after.systemctl.slice(before.systemctl.length)).toEqual(['restart kubelet.service']);
  });

  test('has just that pod restarted whose flag has changed', () => {
    const world = given();
    const { pods: before, systemctl } = alive(world, 'cp1');
    say({ scheduler: { extraArgs: { v: 3 } } });
    const plan = run(world.dir, ['plan'], { status: 2 });
    expect(plan.stdout).toMatch(/\n\s+\+ {4}- --v=3\n/);
    expect(plan.stdout).toContain('\n  kube-scheduler restarts: --v=3 is new\n');
    const applied = apply();
    expect(applied.stderr).toMatch(/^cp1 {2}✓ revision 7 works/m);
    const { 'kube-scheduler': old, ...others } = before;
    const after = alive(world, 'cp1');
    expect(after.pods).toEqual({ ...others, 'kube-scheduler': after.pods['kube-scheduler'] });
    expect(after.pods['kube-scheduler']).not.toBe(old);
    expect(after.systemctl).toEqual(systemctl);
  });

  test('is set right where somebody has changed it by hand, and keeps what is not ours', () => {
    const world = given();
    const stray = '/etc/kubernetes/manifests/notes.txt';
    const before = alive(world, 'cp1').pods;
    chmodSync(file('/etc/kubernetes/pki/sa.key'), 0o644);
    rmSync(file('/etc/kubernetes/pki/front-proxy-ca.crt'));
    writeFileSync(file('/etc/kubernetes/pki/etcd/ca.crt'), 'not a certificate\n');
    writeFileSync(file(stray), 'to do: everything\n');

    const plan = run(world.dir, ['plan'], { status: 2 }).stdout;
    const flat = plan.replace(/\n {4}(?=\S)/g, ' ');
    expect(flat).toContain(
      '! drift since revision 7: /etc/kubernetes/pki/sa.key mode 0644 instead of 0600; apply sets it right\n',
    );
    expect(flat).toContain('/etc/kubernetes/pki/front-proxy-ca.crt is not there any more; apply sets it right\n');
    expect(flat).toContain('/etc/kubernetes/pki/etcd/ca.crt has another content; apply sets it right\n');
    expect(flat).toContain(`! ${stray} is not bootstrap's, but the kubelet runs every file there\n`);
    const status = parsed(run(world.dir, ['status', '-o', 'json'], { status: 2 }));
    expect(listAt(status, 'nodes', 0, 'drift')).toHaveLength(3);
    expect(at(status, 'nodes', 0, 'strays')).toEqual([stray]);
    expect(new Set(listAt(status, 'problems').map((each) => textAt(each, 'code')))).toEqual(
      new Set(['drift', 'stray']),
    );

    apply();
    expect(marks(world, 'cp1')['/etc/kubernetes/pki/sa.key']).toMatch(/^100600 /);
    expect(world.node('cp1').read('/etc/kubernetes/pki/etcd/ca.crt')).toBe(
      readFileSync(join(world.dir, 'nodes/cp1/etc/kubernetes/pki/etcd/ca.crt'), 'utf8'),
    );
    expect(alive(world, 'cp1').pods).toEqual(before);
    expect(world.node('cp1').read(stray)).toBe('to do: everything\n');
    // it is said as long as it is there
    const again = apply();
    expect(again.stdout).toBe('nothing to do: 1 master is as the cluster file says\n');
    expect(again.stderr).toBe(`warning: cp1: ${stray} is not bootstrap's, but the kubelet runs every file there\n`);
    rmSync(file(stray));
  });

  test('keeps five revisions and goes back to any of them, with proof, but to no other', () => {
    const world = given();
    const revisions = () =>
      /revisions on cp1: (.*)/.exec(refused(['rollback', '--yes', '--to', '99'], 76))?.[1]?.split(', ');
    expect(revisions()).toEqual(['4', '5', '6', '7', '8 (current)']);
    const before = alive(world, 'cp1').pods;
    // the one before differs in nothing: it was 8 that put back what somebody had changed
    const dry = run(world.dir, ['rollback', '--dry-run'], { status: 2 });
    expect(dry.stdout).toContain('kube-scheduler restarts: --v=3 goes');
    expect(alive(world, 'cp1').pods).toEqual(before);
    expect(refused(['rollback'], 64)).toContain('--yes');

    const back = run(world.dir, ['rollback', '--yes'], { status: 0 });
    expect(back.stdout).toBe('cp1 is back at revision 6\n');
    expect(world.node('cp1').read(SCHEDULER)).not.toContain('--v=3');
    // and to any that is kept
    expect(run(world.dir, ['rollback', '--yes', '--to', '5'], { status: 0 }).stdout).toBe(
      'cp1 is back at revision 5\n',
    );
    expect(world.node('cp1').read('/var/lib/kubelet/config.yaml')).not.toContain('maxPods');
    expect(refused(['rollback', '--to', 'last'], 64)).toContain('--to last: is not the number of a revision');
    expect(refused(['rollback', '--yes', '--node', 'cp9'], 64)).toMatch(/cp9/);

    apply('-q');
    expect(world.node('cp1').read(SCHEDULER)).toContain('--v=3');
    expect(run(world.dir, ['status'], { status: 0 }).stdout).toMatch(/\nAll is well\.\n$/);
  });

  test('gives tokens with which workers join, and takes them back', async () => {
    const world = given();
    const created = run(world.dir, ['token', 'create', '--ttl', '2h', '--description', 'for w1'], { status: 0 });
    const command =
      /^kubeadm join (\S+) --token (([a-z0-9]{6})\.([a-z0-9]{16})) --discovery-token-ca-cert-hash (sha256:[0-9a-f]{64})\n$/;
    const [, endpoint, token = '', id = '', secret = '', hash] = command.exec(created.stdout) ?? [];
    expect(endpoint).toBe(`localhost:${world.endpointPort}`);
    expect(hash).toBeDefined();
    const path = `/api/v1/namespaces/kube-system/secrets/bootstrap-token-${id}`;
    const { body } = await world.api('cp1').request(path);
    const data = (key: string) => Buffer.from(textAt(body, 'data', key), 'base64').toString();
    expect(textAt(body, 'type')).toBe('bootstrap.kubernetes.io/token');
    expect([data('token-id'), data('token-secret'), data('description')]).toEqual([id, secret, 'for w1']);
    const hours = (Date.parse(data('expiration')) - Date.now()) / 3_600_000;
    expect(hours).toBeGreaterThan(1.9);
    expect(hours).toBeLessThanOrEqual(2);

    const list = run(world.dir, ['token', 'list'], { status: 0 }).stdout;
    expect(list).toContain(id);
    expect(list).toContain('for w1');
    const said = [list, world.node('cp1').sshd.log(), world.node('cp1').kubeletLog(), created.stderr].join('\n');
    expect(said).not.toContain(secret);
    expect(run(world.dir, ['token', 'delete', token], { status: 0 }).stdout).toBe(
      `Deleted the bootstrap token ${id}\n`,
    );
    expect((await world.api('cp1').request(path)).status).toBe(404);
    expect(refused(['token', 'delete', id], 1)).toContain(id);
  });
});

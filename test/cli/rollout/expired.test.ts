import { existsSync, mkdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { needTool } from '../../support/tools.ts';
import { at, listAt, mapAt, textAt } from '../../world/json.ts';
import { eventually, type World } from '../../world/world.ts';
import { alive, begin, PATIENCE, parsed, readyPods, run, sharedWorld } from './site.ts';

const NODES = ['cp1', 'cp2', 'cp3'];
const PODS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
const WRITTEN = '/api/v1/namespaces/default/configmaps';
const DAY = 86_400;

/** Process ids of etcd's members. */
const members = (world: World) => NODES.map((node) => alive(world, node).pods['etcd']);

/** Ends all members at once and waits until their kubelets have started them again: old connections are gone then. */
async function restartEtcd(world: World, nodes: readonly string[] = NODES): Promise<void> {
  const before = members(world);
  for (const node of nodes) process.kill(alive(world, node).pods['etcd'] ?? 0, 'SIGKILL');
  const isNew = (node: string) => {
    const pid = alive(world, node).pods['etcd'];
    return pid !== 0 && pid !== before[NODES.indexOf(node)];
  };
  await eventually('etcd runs again', () => nodes.every(isNew));
}

async function write(world: World, name: string): Promise<void> {
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { written: 'before' } };
  expect((await world.api().request(WRITTEN, { method: 'POST', body })).status).toBe(201);
}

const written = async (world: World, name: string) =>
  textAt((await world.api().request(`${WRITTEN}/${name}`)).body, 'data', 'written');

/**
 * As if the kubelet of a node had renewed its certificate by itself: a file of its own, and a link to it.
 * @returns whether that file is still what it uses
 */
function kubeletOwn(world: World, name: string): () => boolean {
  const node = world.node(name);
  const folder = join(node.root, 'var/lib/kubelet/pki');
  const current = join(folder, 'kubelet-client-current.pem');
  const pair = ['crt', 'key'].map((ending) => node.read(`/etc/kubernetes/pki/kubelet/client.${ending}`)).join('');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'kubelet-client-2020-01-01-00-00-00.pem'), pair, { mode: 0o600 });
  symlinkSync('kubelet-client-2020-01-01-00-00-00.pem', current);
  return () => existsSync(current) && readlinkSync(current).includes('2020');
}

/** The control plane is as it was, with valid certificates. */
async function isWell(world: World): Promise<void> {
  const { stdout } = run(world.dir, ['status']);
  expect(stdout).toMatch(/\nAll is well\.\n$/);
  expect(await readyPods(world)).toEqual(PODS.flatMap((pod) => NODES.map((node) => `${pod}-${node}`)).sort());
  run(world.dir, ['plan'], { status: 0 });
}

describe.runIf(needTool('etcd') && needTool('sshd') && needTool('openssl'))(
  'masters whose certificates nobody has renewed',
  { timeout: PATIENCE },
  () => {
    const given = sharedWorld(3);

    test('are told of in plain words: by status, and by the plan, which says that no pod restarts', async () => {
      const world = given();
      run(world.dir, ['apply', '--yes'], { status: 0 });
      await write(world, 'first');
      await world.age(-5 * DAY);
      await restartEtcd(world);

      const status = run(world.dir, ['status'], { status: 2 });
      expect(status.stdout.replace(/\s+/g, ' ')).toMatch(
        /problems error certificates of cp1, cp2 and cp3 have expired, the first 5 days ago: .* what to do: nothing connects any more that needs them\. `bootstrap apply` issues new ones/,
      );
      expect(status.stdout.replace(/\s+/g, ' ')).toMatch(
        /error etcd: no member answers: .* what to do: certificates have expired: with new ones its members find each other again; remove no member and no data/,
      );
      expect(status.stdout).not.toContain('rollback');

      const plan = run(world.dir, ['plan'], { status: 2 });
      expect(plan.stdout.replace(/\s+/g, ' ')).toMatch(
        /expired certificates of cp1, cp2, cp3: .*etcd\/peer, etcd\/server.* order all together: cp1, cp2, cp3 \(members with new certificates .* etcd 3 members, 2 needed, none to be seen up now; none restarts/,
      );
    });

    test('are not touched where the cluster file wants more than that, nor one without the others', () => {
      const world = given();
      const before = members(world);
      world.clusterFile({ etcd: { local: { extraArgs: { 'heartbeat-interval': '200' } } } });
      const { stderr } = run(world.dir, ['apply', '--yes'], { status: 76 });
      expect(stderr).toMatch(
        /certificates of cp1, cp2, cp3 have expired \(etcd\/.*\), and more than they would change: cp1: \/etc\/kubernetes\/manifests\/etcd\.yaml/,
      );
      expect(stderr).toContain('renew them first, with the cluster file as it was');
      world.clusterFile();
      const one = run(world.dir, ['apply', '--yes', '--node', 'cp2'], { status: 64 });
      expect(one.stderr).toContain('certificates have expired on cp1, cp3 too');
      expect(members(world)).toEqual(before);
    });

    test('are well again after one command, which restarts no pod and loses nothing', async () => {
      const world = given();
      const before = members(world);
      const { stderr } = run(world.dir, ['apply', '--yes'], { status: 0 });
      for (const node of NODES) expect(stderr).toMatch(new RegExp(`^${node} +✓ revision 2 works`, 'm'));
      expect(members(world)).toEqual(before);
      expect(await written(world, 'first')).toBe('before');
      await write(world, 'second');
      await isWell(world);
    });

    test('are renewed in the same way while all still runs; a kubelet gives up what it has got by itself', async () => {
      const world = given();
      const own = kubeletOwn(world, 'cp2');
      await world.age(-5 * DAY);
      const before = NODES.map((node) => alive(world, node).pods);
      const json = parsed(run(world.dir, ['plan', '-o', 'json'], { status: 2 }));
      expect(textAt(json, 'mode')).toBe('renewal');
      expect(
        Object.entries(mapAt(json, 'expired')).map(([node, expired]) => [node, textAt(expired, 'kubelet')]),
      ).toEqual([
        ['cp1', 'delivered'],
        ['cp2', 'own'],
        ['cp3', 'delivered'],
      ]);
      for (const node of listAt(json, 'nodes')) {
        expect(listAt(node, 'pods')).toEqual([]);
        expect(at(node, 'kubelet')).toEqual({ action: 'restart', why: ['its client certificate has expired'] });
      }
      run(world.dir, ['apply', '--yes'], { status: 0 });
      expect(NODES.map((node) => alive(world, node).pods)).toEqual(before);
      expect(own()).toBe(false);
      expect(await written(world, 'second')).toBe('before');
      await isWell(world);
    });

    test('are renewed where one has valid ones already, also where that is killed in the middle', async () => {
      const world = given();
      await world.age(-5 * DAY, (path) => !path.startsWith('nodes/cp1/'));
      await restartEtcd(world);
      const before = members(world);
      const plan = run(world.dir, ['plan'], { status: 2 });
      expect(plan.stdout).toMatch(/expired {2}certificates of cp2, cp3: /);
      const first = begin(world.dir, ['apply', '--yes']);
      await new Promise<void>((resolve) => {
        first.child.stderr?.on('data', (text: string) => (text.includes(' in place') ? resolve() : undefined));
        first.child.once('close', () => resolve());
      });
      first.child.kill('SIGKILL');
      await first.ended;
      const { stderr } = run(world.dir, ['apply', '--yes'], { status: 0 });
      expect(stderr).not.toMatch(/^cp1 +✓/m);
      expect(members(world)).toEqual(before);
      await isWell(world);
    });

    test('are renewed one at a time where a quorum has valid ones', async () => {
      const world = given();
      await world.age(-5 * DAY, (path) => path.startsWith('nodes/cp3/'));
      await restartEtcd(world, ['cp3']);
      const before = members(world);
      expect(textAt(parsed(run(world.dir, ['plan', '-o', 'json'], { status: 2 })), 'mode')).toBe('rolling');
      run(world.dir, ['apply', '--yes'], { status: 0 });
      expect(members(world)).toEqual(before);
      await isWell(world);
    });

    test('only look so to the cluster directory where just its own identities have expired', async () => {
      const world = given();
      await world.age(-5 * DAY, (path) => !path.startsWith('nodes/'));
      const before = NODES.map((node) => alive(world, node).pods);
      expect(run(world.dir, ['status'], { status: 0 }).stdout).toMatch(/\nAll is well\.\n$/);
      run(world.dir, ['apply', '--yes'], { status: 0 });
      expect(NODES.map((node) => alive(world, node).pods)).toEqual(before);
      await isWell(world);
    });
  },
);

import { cpSync, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { emptyDir, filesOf, snapshot } from '../../support/cli.ts';
import { needTool } from '../../support/tools.ts';
import { at, listAt, mapAt, textAt } from '../../world/json.ts';
import type { World } from '../../world/world.ts';
import { keyLines, openSecrets, secretsIn, secretsInProcesses } from './secrets.ts';
import { alive, begin, marks, PATIENCE, parsed, readyPods, run, sharedWorld } from './site.ts';

const NODES = ['cp1', 'cp2', 'cp3'];
const PODS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
const LOCK = '/var/lib/bootstrap/lock';

const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8);

describe.runIf(needTool('etcd') && needTool('sshd') && needTool('openssl'))(
  'three masters',
  { timeout: PATIENCE },
  () => {
    const given = sharedWorld(3);
    const kept = <T>(look: (world: World, node: string) => T) => NODES.map((node) => look(given(), node));

    test('are told as a whole what a first boot would do, and nothing of it is done', () => {
      const world = given();
      const before = kept(marks);
      const text = run(world.dir, ['apply', '--dry-run'], { status: 2 }).stdout;
      expect(text).toContain('cp1, cp2, cp3  first delivery\n  + 41 files on each\n');
      expect(text).toContain('order    all together: cp1, cp2, cp3 (first boot)\n');
      expect(text).toMatch(/\n\n3 nodes change \(123 files\); starts: kubelet, etcd, [^;]*; nothing\s+stops\n$/);
      expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
      const json = parsed(run(world.dir, ['plan', '-o', 'json'], { status: 2 }));
      expect(at(json, 'mode')).toBe('first-boot');
      expect(listAt(json, 'nodes').map((node) => [textAt(node, 'node'), listAt(node, 'files').length])).toEqual(
        NODES.map((node) => [node, 41]),
      );
      expect(kept(marks)).toEqual(before);
      expect(run(world.dir, ['status'], { status: 2 }).stdout).toMatch(
        /nothing has been applied to cp1, cp2 and cp3 yet; `bootstrap apply`\s+brings the control plane up/,
      );
    });

    test('cannot be founded one by one, nor without a word', () => {
      const world = given();
      const one = run(world.dir, ['apply', '--yes', '--node', 'cp1'], { status: 64 });
      expect(one.stderr).toContain('no master of this cluster runs: all 3 must be brought up together');
      const silent = run(world.dir, ['apply'], { status: 64 });
      expect(silent.stderr).toMatch(/error: nobody can be asked .*\n {2}.*--yes\n$/);
      expect(silent.stdout).toBe('');
      for (const node of NODES) {
        expect(existsSync(join(world.node(node).root, 'etc/kubernetes'))).toBe(false);
        expect(existsSync(join(world.node(node).root, LOCK))).toBe(false);
      }
    });

    test('come up with one command, which shows nobody a secret and shuts out a second one meanwhile', async () => {
      const world = given();
      const lines = keyLines(world.dir);
      expect(lines.length).toBeGreaterThan(15);
      const roots = NODES.map((node) => world.node(node).root);
      const elsewhere = emptyDir();
      cpSync(world.dir, elsewhere, { recursive: true });

      const seen = new Set<string>();
      const look = () => {
        for (const found of [
          ...secretsInProcesses(lines),
          ...[...roots, world.dir].flatMap((dir) => openSecrets(dir, lines)),
        ])
          seen.add(found);
      };
      const first = begin(world.dir, ['apply', '--yes']);
      while (first.isRunning() && !roots.every((root) => existsSync(join(root, LOCK)))) {
        look();
        await delay(10);
      }
      first.child.kill('SIGSTOP');
      try {
        // its lock counts for a minute without being renewed: both at once
        const [here, there] = await Promise.all(
          [world.dir, elsewhere].map((dir) => begin(dir, ['apply', '--yes']).ended),
        );
        expect([here?.status, there?.status]).toEqual([75, 75]);
        expect(here?.stderr).toMatch(/error: .*`?bootstrap apply`?/);
        expect(here?.stderr).toContain(String(first.child.pid));
        expect(there?.stderr).toMatch(
          new RegExp(
            `error: cp1: another command works on this node: bootstrap apply by \\S+@\\S+ \\(process ${first.child.pid}\\), since \\d{4}-\\d\\d-\\d\\dT\\S+Z\\n`,
          ),
        );
      } finally {
        first.child.kill('SIGCONT');
      }
      while (first.isRunning()) {
        look();
        await delay(100);
      }
      const ended = await first.ended;
      expect(ended.status, ended.stderr).toBe(0);
      look();
      expect([...seen]).toEqual([]);
      const logs = NODES.flatMap((node) => [
        world.node(node).sshd.log(),
        world.node(node).kubeletLog(),
        ...filesOf(join(world.node(node).root, 'var/log')).map((path) =>
          readFileSync(join(world.node(node).root, 'var/log', path), 'utf8'),
        ),
      ]);
      expect(secretsIn([ended.stdout, ended.stderr, ...logs].join('\n'), lines)).toEqual([]);
      expect(ended.stdout).toMatch(/^The control plane of kubernetes is up: .*31 API objects applied\n/);
      expect(ended.stdout).toContain('bootstrap token create');
      for (const node of NODES) expect(ended.stderr).toMatch(new RegExp(`^${node} +✓ revision 1 works`, 'm'));
    });

    test('have just the files that were rendered, twelve pods, and the objects that make a cluster of them', async () => {
      const world = given();
      for (const node of NODES) {
        const { root } = world.node(node);
        const rendered = join(world.dir, 'nodes', node);
        const onNode = snapshot(root);
        for (const [path, state] of Object.entries(snapshot(rendered)))
          expect(onNode[path], `${node} ${path}`).toBe(state);
        expect(
          Object.keys(onNode)
            .filter((path) => path.startsWith('etc/kubernetes/'))
            .sort(),
        ).toEqual(filesOf(rendered).filter((path) => path.startsWith('etc/kubernetes/')));
        for (const path of Object.keys(onNode).filter((each) => /\.key$|admin\.conf$/.test(each)))
          expect(modeOf(join(root, path)), path).toBe('600');
        expect(modeOf(join(root, 'var/lib/bootstrap'))).toBe('700');
        expect(existsSync(join(root, LOCK))).toBe(false);
        expect(existsSync(join(root, 'var/lib/bootstrap/transaction'))).toBe(false);
        for (const pod of PODS) expect(world.node(node).pods()[pod], pod).toMatchObject({ running: true, starts: 1 });
        expect(alive(world, node).systemctl.join('\n')).toMatch(/enable kubelet\.service\n(re)?start kubelet/);
      }
      expect(await readyPods(world)).toEqual(PODS.flatMap((pod) => NODES.map((node) => `${pod}-${node}`)).sort());
      const api = world.api();
      for (const path of [
        '/api/v1/namespaces/kube-system/configmaps/kubeadm-config',
        '/api/v1/namespaces/kube-system/configmaps/kubelet-config',
        '/api/v1/namespaces/kube-public/configmaps/cluster-info',
        '/apis/apps/v1/namespaces/kube-system/deployments/coredns',
        '/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy',
        '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/kubeadm:cluster-admins',
        '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/kubeadm:apiserver-kubelet-client',
      ])
        expect((await api.request(path)).status, path).toBe(200);
      // who holds admin.conf may do everything from now on
      expect((await world.api('cp2', 'admin.conf').request('/api/v1/nodes')).status).toBe(200);
      for (const node of NODES) {
        const { body } = await api.request(`/api/v1/nodes/${node}`);
        expect(mapAt(body, 'metadata', 'labels')).toHaveProperty(['node-role.kubernetes.io/control-plane']);
        expect(listAt(body, 'spec', 'taints').map((taint) => textAt(taint, 'key'))).toContain(
          'node-role.kubernetes.io/control-plane',
        );
      }
    });

    test('are left alone where nothing has changed', () => {
      const world = given();
      const before = kept((_, node) => [marks(world, node), alive(world, node).pods]);
      // nobody needs to be asked about nothing
      const second = run(world.dir, ['apply'], { status: 0 });
      expect(second).toMatchObject({ stdout: 'nothing to do: 3 masters are as the cluster file says\n', stderr: '' });
      expect(run(world.dir, ['plan'], { status: 0 }).stdout).toBe(
        'nothing to do: 3 nodes are at revision 1, as cluster.yaml says\n',
      );
      expect(kept((_, node) => [marks(world, node), alive(world, node).pods])).toEqual(before);
      const status = run(world.dir, ['status'], { status: 0 }).stdout;
      expect(status).toMatch(/\nAll is well\.\n$/);
      expect(status).toMatch(/^etcd {2}3 of 3 members up, 2 needed: one may fail; database \d/m);
      expect(status.match(/ok \(leader\)/g)).toHaveLength(1);
    });

    test('change one after the other, the leader of etcd last, and only in the pod that it is about', async () => {
      const world = given();
      world.clusterFile({ apiServer: { extraArgs: { 'audit-log-maxage': 30 } } });
      const json = parsed(run(world.dir, ['plan', '-o', 'json'], { status: 2 }));
      expect(textAt(listAt(json, 'nodes').at(-1), 'node')).toBe(textAt(json, 'leader'));
      const plan = run(world.dir, ['plan'], { status: 2 }).stdout;
      expect(plan).toMatch(/^order {4}one at a time: cp\d, cp\d, cp\d \(etcd leader last\)$/m);
      expect(plan).toContain('kube-apiserver restarts: --audit-log-maxage=30 is new');
      expect(plan).toContain('3 members, 2 needed, 3 up, none restarts');
      const before = kept(alive);

      const changed: string[] = [];
      let fewest = 3;
      const pid = (node: string) => alive(world, node).pods['kube-apiserver'] ?? 0;
      const applying = begin(world.dir, ['apply', '--yes']);
      while (applying.isRunning()) {
        const now = NODES.map(pid);
        fewest = Math.min(fewest, now.filter((each) => each > 0).length);
        for (const [i, node] of NODES.entries())
          if (now[i] !== before[i]?.pods['kube-apiserver'] && !changed.includes(node)) changed.push(node);
        await delay(50);
      }
      const ended = await applying.ended;
      expect(ended.status, ended.stderr).toBe(0);
      const order = /^One at a time: (.*)$/m.exec(ended.stderr)?.[1]?.split(', ') ?? [];
      expect([...order].sort()).toEqual(NODES);
      expect(ended.stdout).toBe(
        `${order.map((node) => `${node} is at revision 2`).join(', ')}; 1 API object applied\n`,
      );
      expect(changed).toEqual(order);
      expect(fewest).toBeGreaterThanOrEqual(2);
      for (const [i, node] of NODES.entries()) {
        const { 'kube-apiserver': old, ...others } = before[i]?.pods ?? {};
        const { 'kube-apiserver': now, ...same } = alive(world, node).pods;
        expect(same).toEqual(others);
        expect(now).not.toBe(old);
        expect(world.node(node).manifests()['kube-apiserver.yaml']).toContain('--audit-log-maxage=30');
        expect(world.node(node).pods()['kube-apiserver']).toMatchObject({ running: true, starts: 2 });
      }
    });

    test('change alone where one is named, and the others are said to wait', () => {
      const world = given();
      world.clusterFile({ apiServer: { extraArgs: { 'audit-log-maxage': 30 } }, scheduler: { extraArgs: { v: 3 } } });
      const before = kept(alive);
      const applied = run(world.dir, ['apply', '--yes', '--node', 'cp2', '-o', 'json'], { status: 0 });
      expect(listAt(parsed(applied), 'nodes')).toEqual([{ node: 'cp2', revision: 3, changed: true }]);
      expect([alive(world, 'cp1'), alive(world, 'cp3')].map(({ pods }) => pods)).toEqual([
        before[0]?.pods,
        before[2]?.pods,
      ]);
      expect(alive(world, 'cp2').pods['kube-scheduler']).not.toBe(before[1]?.pods['kube-scheduler']);
      const status = run(world.dir, ['status'], { status: 2 }).stdout;
      expect(status).toContain('cp1 and cp3: the cluster file has changes that are not applied');
    });

    test('go back to what they had, each to its own', () => {
      const world = given();
      const before = kept(alive);
      const back = run(world.dir, ['rollback', '--yes', '--node', 'cp2'], { status: 0 });
      expect(back.stdout).toBe('cp2 is back at revision 2\n');
      expect(back.stderr).toContain('kube-scheduler restarts: --v=3 goes');
      expect(back.stderr).toMatch(/cluster\.yaml is as it was: `bootstrap plan` shows how/);
      const after = kept(alive);
      expect([after[0]?.pods, after[2]?.pods]).toEqual([before[0]?.pods, before[2]?.pods]);
      expect(world.node('cp2').manifests()['kube-scheduler.yaml']).not.toContain('--v=3');
      expect(world.node('cp2').pods()['kube-scheduler']?.running).toBe(true);
    });

    test('are seen to be without one of them, and nothing is changed before all that are meant can be reached', async () => {
      const world = given();
      await world.node('cp3').kill();
      const status = parsed(run(world.dir, ['status', '-o', 'json'], { status: 2 }));
      const nodes = listAt(status, 'nodes');
      expect(nodes.map((node) => at(node, 'reachable'))).toEqual([true, true, false]);
      expect(textAt(nodes[2], 'unreachable')).toMatch(
        /^cannot connect to \S+: nothing listens on port \d+ of 127\.0\.0\.1$/,
      );
      expect(at(status, 'etcd', 'healthyVoters')).toBe(2);
      expect(at(status, 'etcd', 'mayFail')).toBe(0);
      const [worst] = listAt(status, 'problems');
      expect([textAt(worst, 'node'), textAt(worst, 'code')]).toEqual(['cp3', 'unreachable']);
      expect(textAt(worst, 'hint')).toMatch(/^is sshd running there\?/);
      const before = ['cp1', 'cp2'].map((node) => alive(world, node).pods);
      const refused = run(world.dir, ['apply', '--yes'], { status: 69 });
      expect(refused.stderr).toContain('error: cp3: cannot connect to');
      await world.node('cp2').kill();
      const both = run(world.dir, ['apply', '--yes'], { status: 69 });
      expect(both.stderr).toMatch(/error: 2 masters cannot be reached\n\s*cp2: [\s\S]*\n\s*cp3: /);
      expect(alive(world, 'cp1').pods).toEqual(before[0]);
    });
  },
);

import { describe, expect, test } from 'vitest';
import { needTool } from '../../support/tools.ts';
import { at, listAt, textAt } from '../../world/json.ts';
import { eventually } from '../../world/world.ts';
import { begin, PATIENCE, parsed, run, sharedWorld } from './site.ts';

const START = 'systemctl daemon-reload && systemctl enable kubelet && systemctl start kubelet';

/** Port 1 is nobody's: whoever asks for a connection over ssh gets none. */
const NO_SSH = { nodes: Object.fromEntries(['cp1', 'cp2', 'cp3'].map((name) => [name, { ssh: { port: 1 } }])) };

describe.runIf(needTool('etcd') && needTool('sshd') && needTool('openssl'))(
  'apply --objects, without ssh',
  {
    timeout: PATIENCE,
  },
  () => {
    const given = sharedWorld(3);
    const start = (...names: readonly string[]) => Promise.all(names.map((name) => given().node(name).ssh(START)));

    test('names each address and what is wrong there, once its time is over', () => {
      const world = given();
      world.clusterFile(NO_SSH);
      const { stderr, stdout } = run(world.dir, ['apply', '--objects', '--yes', '--timeout', '1s'], { status: 69 });
      expect(stdout).toBe('');
      const [first, ...rest] = stderr.slice(stderr.indexOf('error: ')).split('\n');
      expect(first).toBe('error: no apiserver of kubernetes is ready within 1 s');
      const places = [
        `localhost:${world.endpointPort}: nobody listens there (it hangs up at once)`,
        ...world.names.map((name) => `127.0.0.1:${world.ports(name).apiServer} (${name}): nobody listens there`),
      ];
      expect(rest.slice(0, 4)).toEqual(places.map((line) => `  ${line}`));
      expect(rest[4]).toMatch(/^ {2}one of these must be reachable from here/);
      expect(stderr).toMatch(/^waits for an API \(1 s left\): localhost:\d+: nobody listens/m);
      // nothing is waited for where it only looks, or where a question would come up that nobody can answer
      expect(run(world.dir, ['apply', '--objects', '--dry-run'], { status: 69 }).stderr).toMatch(
        /is ready\n {2}localhost/,
      );
      expect(run(world.dir, ['apply', '--objects'], { status: 64 }).stderr).toContain('nobody can be asked');
      for (const [more, what] of [
        [['plan.json'], 'a plan file'],
        [['--node', 'cp1'], '--node'],
        [['--confirm-timeout', '20m'], '--confirm-timeout'],
      ] as const) {
        const refused = run(world.dir, ['apply', '--objects', ...more], { status: 64 });
        expect(refused.stderr).toContain(`error: --objects and ${what} do not go together\n`);
      }
    });

    test('ends at once where it is interrupted while it waits', async () => {
      const { dir } = given();
      const waiting = begin(dir, ['apply', '--objects', '--yes']);
      await eventually('it waits', () => waiting.said().includes('waits for an API'));
      expect(run(dir, ['apply', '--objects', '--yes'], { status: 75 }).stderr).toContain('`bootstrap apply --objects`');
      waiting.child.kill('SIGINT');
      const { status, stderr } = await waiting.ended;
      expect(status).toBe(130);
      expect(stderr).toContain('stopping\n');
    });

    test('waits for the API and brings all; what was brought stays where it is interrupted', async () => {
      const world = given();
      world.copyToNodes();
      const waiting = begin(world.dir, ['apply', '--objects', '--yes']);
      await eventually('it waits', () => waiting.said().includes('waits for an API'));
      await start('cp1', 'cp2');
      const masters = async () =>
        listAt((await world.api().request('/api/v1/nodes')).body, 'items').filter(
          (node) => at(node, 'metadata', 'labels', 'node-role.kubernetes.io/control-plane') === '',
        );
      await eventually('two masters are marked', async () => (await masters().catch(() => [])).length === 2);
      expect((await masters()).map((node) => textAt(node, 'spec', 'taints', 0, 'key'))).toEqual([
        'node-role.kubernetes.io/control-plane',
        'node-role.kubernetes.io/control-plane',
      ]);
      waiting.child.kill('SIGINT');
      const { status, stdout, stderr } = await waiting.ended;
      expect(status, stderr).toBe(130);
      expect(stdout).toBe('');
      expect(stderr).toMatch(/^objects\n {2}\+ .*\n/m);
      expect(stderr).toMatch(/^ClusterRoleBinding kubeadm:cluster-admins created$/m);
      expect(stderr).toMatch(/^waits for (cp[12], )*cp3 to register$/m);
      expect(stderr).toContain('stopping\ninterrupted\n  what was applied stays');
      const secrets = await world.api(undefined, 'admin.conf').request('/api/v1/namespaces/kube-system/secrets');
      expect(secrets.status).toBe(200);
    });

    test('fails where a master does not appear in time, having done the rest', () => {
      const args = ['apply', '--objects', '--yes', '--timeout', '2s'];
      const { stdout, stderr } = run(given().dir, args, { status: 1 });
      expect(stdout).toBe('no API object had to be changed\n');
      expect(stderr).toMatch(/\nerror: the node cp3 has not registered within 2 s\n {2}its kubelet registers it/);
    });

    test('marks a master that comes later, and then has nothing to do', async () => {
      const world = given();
      const dry = run(world.dir, ['apply', '--objects', '--dry-run'], { status: 2 });
      expect(dry.stdout).toBe(
        'masters  cp3: not registered yet; labels and taints once they are\n\n1 master waited for\n',
      );
      expect(parsed(run(world.dir, ['apply', '--objects', '--dry-run', '-o', 'json'], { status: 2 }))).toEqual({
        cluster: 'kubernetes',
        changes: true,
        objects: [],
        unregistered: ['cp3'],
      });
      const waiting = begin(world.dir, ['apply', '--objects', '--yes', '-o', 'json']);
      await eventually('it waits', () => waiting.said().includes('waits for cp3 to register'));
      await start('cp3');
      const ran = await waiting.ended;
      expect(ran.status, ran.stderr).toBe(0);
      expect(parsed(ran)).toEqual({ cluster: 'kubernetes', objects: ['Node cp3'], unregistered: [] });

      const again = run(world.dir, ['apply', '--objects'], { status: 0 });
      expect(again.stdout).toBe('nothing to do: the objects in the API are as the cluster file says\n');
      expect(again.stderr).toBe('');
      const nothing = parsed(run(world.dir, ['apply', '--objects', '--dry-run', '-o', 'json'], { status: 0 }));
      expect(at(nothing, 'changes')).toBe(false);
      world.clusterFile({ ...NO_SSH, dns: { imageTag: 'v9.9.9' } });
      const changed = parsed(run(world.dir, ['apply', '--objects', '--dry-run', '-o', 'json'], { status: 2 }));
      expect(listAt(changed, 'objects').map((each) => textAt(each, 'object'))).toEqual([
        'ConfigMap kube-system/kubeadm-config',
        'Deployment kube-system/coredns',
      ]);
    });

    test('issues no certificate and writes nothing in the cluster directory', () => {
      const world = given();
      world.clusterFile({ ...NO_SSH, apiServer: { certSANs: ['127.0.0.1', 'other.example.com'] } });
      const { stderr } = run(world.dir, ['apply', '--objects', '--yes'], { status: 0 });
      expect(stderr).toMatch(/^3 certificates or keys have to be issued again; that is not done here, but by `boot/m);
      expect(run(world.dir, ['render', '--dry-run'], { status: 0 }).stdout).toContain('apiserver');
    });
  },
);

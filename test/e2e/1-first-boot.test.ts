import { beforeAll, describe, expect, test } from 'vitest';
import { bootstrap } from './bootstrap.ts';
import { bareHosts, must, NAMES } from './cluster.ts';
import { figure } from './figures.ts';
import { etcdMembers, kubectl, kubeJson, type StaticPod, staticPods } from './kube.ts';
import { inHost } from './rig.ts';
import { until } from './until.ts';

const SCENARIO = 'first boot';

describe('three bare hosts become a control plane', { timeout: 10 * 60_000 }, () => {
  beforeAll(bareHosts);

  test('`apply` brings up twelve static pods, and all are Ready', async () => {
    const { seconds } = must(await bootstrap('apply', '--yes'));
    figure(SCENARIO, '`apply` from bare hosts, all of it', seconds, 's');
    const pods = await until('12 of 12 static pods are Ready', async () => {
      const found = await staticPods();
      return found.length === 12 && found.every(({ ready }) => ready) ? found : undefined;
    });
    const began = Math.min(...(await Promise.all(NAMES.map(kubeletStart))));
    const lastReady = Math.max(...pods.map(({ ready = '' }: StaticPod) => Date.parse(ready) / 1000));
    figure(SCENARIO, 'first kubelet start to the last of 12 pods Ready (goal 25 s)', lastReady - began, 's');
    figure(
      SCENARIO,
      'containers restarted on the way',
      pods.reduce((sum, { restarts }) => sum + restarts, 0),
    );
    expect(lastReady - began).toBeLessThan(180);
  });

  test('etcd has three healthy members and a leader', async () => {
    expect(await etcdMembers()).toMatchObject({ healthy: 3, leader: expect.stringMatching(/^cp[123]$/) });
  });

  test('the nodes are control-plane nodes, tainted, and Ready', async () => {
    await until('all nodes are Ready', async () => /^(\S+ True\n?){3}$/.test(await readyNodes()) || undefined);
    const { items } = await kubeJson('get', 'nodes');
    const role = 'node-role.kubernetes.io/control-plane';
    for (const { metadata, spec } of items) {
      expect(metadata.labels).toHaveProperty([role]);
      expect(spec.taints).toContainEqual(expect.objectContaining({ key: role, effect: 'NoSchedule' }));
    }
    expect(items.map(({ metadata }: { metadata: { name: string } }) => metadata.name)).toEqual([...NAMES]);
  });

  test('`status` finds nothing wrong', async () => {
    const { status, stdout, seconds } = await bootstrap('status');
    expect(stdout).toContain('All is well');
    expect(status).toBe(0);
    figure(SCENARIO, '`status`', seconds, 's');
  });

  test('a second `apply` has nothing to do, and `plan` nothing to show', async () => {
    const again = must(await bootstrap('apply', '--yes'));
    expect(again.stdout).toContain('nothing to do');
    figure(SCENARIO, '`apply` where there is nothing to do', again.seconds, 's');
    expect(await bootstrap('plan')).toMatchObject({ status: 0 });
  });
});

const readyNodes = (): Promise<string> =>
  kubectl(
    'get',
    'nodes',
    '-o',
    'jsonpath={range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}',
  );

/** Seconds since 1970. */
async function kubeletStart(node: string): Promise<number> {
  // as the seconds since boot, which is the same for all hosts of the rig
  const [micros, uptime] = (
    await inHost(node, 'systemctl show -P ActiveEnterTimestampMonotonic kubelet; cut -d" " -f1 /proc/uptime')
  ).split('\n');
  return Date.now() / 1000 - (Number(uptime) - Number(micros) / 1e6);
}

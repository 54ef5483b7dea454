import { beforeAll, describe, expect, test } from 'vitest';
import { bootstrap, startBootstrap } from './bootstrap.ts';
import { anotherFlag, must, NAMES, standing } from './cluster.ts';
import { figure } from './figures.ts';
import { kubeJson, staticPods } from './kube.ts';
import { rig } from './rig.ts';
import { until } from './until.ts';
import { watching } from './watched.ts';

const SCENARIO = 'dead master';
/** Unreachable, failed, refused: each is a clear end. */
const ENDS = [1, 69, 76];

/** Kills a master once the first of the rollout has its new files; what `apply` said. */
async function killDuring(which: 'its own step' | "another's step") {
  const watch = await watching();
  try {
    // by default it would wait five minutes for the machine to come back
    const running = startBootstrap('apply', '--yes', '--timeout', '60s', '--confirm-timeout', '5m');
    const order = (await running.line(/One at a time: /)).replace(/.*: /, '').split(', ');
    const victim = (which === 'its own step' ? order[0] : order[1]) ?? '';
    await running.line(/files? in place/);
    await rig('kill', victim);
    const killed = performance.now();
    const ran = await running.ended;
    figure(SCENARIO, `killed during ${which}: until \`apply\` ended`, (performance.now() - killed) / 1000, 's');
    figure(SCENARIO, `killed during ${which}: exit status`, String(ran.status));
    return { ...ran, victim, seen: await watch.found() };
  } finally {
    watch.stop();
  }
}

describe('a master loses its power during a rollout', { timeout: 20 * 60_000 }, () => {
  beforeAll(standing);

  test.for(["another's step", 'its own step'] as const)(
    'during %s: `apply` says so, and goes on when it is back',
    async (which) => {
      const flag = anotherFlag('scheduler');
      const { status, stderr, victim, seen } = await killDuring(which);
      expect(ENDS, stderr).toContain(status);
      expect(stderr.slice(stderr.indexOf('error: '))).toContain(victim);
      expect(seen.fewestMembers, JSON.stringify(seen.changes)).toBe(2);
      expect(seen.leaderless).toBeLessThan(40);
      await rig('start', victim);
      const booted = performance.now();
      await until(`${victim} is Ready again`, async () => {
        const { status } = await kubeJson('get', 'node', victim);
        const ready = status.conditions.find(({ type }: { type: string }) => type === 'Ready');
        return ready?.status === 'True' ? ready : undefined;
      });
      figure(SCENARIO, `killed during ${which}: from boot to a Ready node`, (performance.now() - booted) / 1000, 's');
      must(await bootstrap('apply', '--yes'));
      const pods = await kubeJson('get', 'pods', '-n', 'kube-system', '-l', 'component=kube-scheduler');
      const commands = pods.items.map(
        (pod: { spec: { containers: { command: string[] }[] } }) => pod.spec.containers[0]?.command,
      );
      for (const command of commands) expect(command).toContain(flag);
      expect(commands).toHaveLength(NAMES.length);
      await until('all is well', async () => ((await bootstrap('status')).status === 0 ? true : undefined), 60);
      expect(await staticPods()).toHaveLength(12);
    },
  );
});

import { beforeAll, describe, expect, test } from 'vitest';
import { bootstrap, startBootstrap } from './bootstrap.ts';
import { anotherFlag, must, standing } from './cluster.ts';
import { figure } from './figures.ts';
import { inHost } from './rig.ts';
import { until } from './until.ts';

const SCENARIO = 'killed CLI';

describe('the admin’s side is killed between activation and confirmation', { timeout: 15 * 60_000 }, () => {
  beforeAll(standing);

  test('the same command goes on at once', async () => {
    anotherFlag('scheduler');
    const running = startBootstrap('apply', '--yes');
    await running.line(/files? in place/);
    running.kill();
    expect(await running.ended).toMatchObject({ status: null });
    const began = performance.now();
    const again = startBootstrap('apply', '--yes');
    await again.line(/✓|in place/);
    figure(SCENARIO, 'the same command: until its first master was at work', (performance.now() - began) / 1000, 's');
    const { seconds } = must(await again.ended);
    figure(SCENARIO, 'the same command, all of it', seconds, 's');
    expect(await bootstrap('plan', '-q')).toMatchObject({ status: 0 });
  });

  test('where it never comes again the node takes the revision back by itself, and `status` says so', async () => {
    anotherFlag('scheduler');
    const confirm = 80;
    const running = startBootstrap('apply', '--yes', '--timeout', '20s', '--confirm-timeout', `${confirm}s`);
    const node = (await running.line(/files? in place/)).split(' ')[0] ?? '';
    const placed = performance.now();
    const scheduler = () => inHost(node, 'sha256sum < /etc/kubernetes/manifests/kube-scheduler.yaml');
    const unconfirmed = await scheduler();
    running.kill();
    await running.ended;
    await until(
      'the manifest is the old one',
      async () => ((await scheduler()) === unconfirmed ? undefined : true),
      confirm + 60,
    );
    figure(
      SCENARIO,
      `taken back by the node (--confirm-timeout ${confirm}s) after`,
      (performance.now() - placed) / 1000,
      's',
    );
    const { status, stdout } = await bootstrap('status', '-o', 'json');
    expect(status).toBe(2);
    const said = expect.stringContaining(`nobody confirmed it within ${confirm} seconds`);
    expect(JSON.parse(stdout).problems).toContainEqual(expect.objectContaining({ code: 'reverted', node, what: said }));
    must(await bootstrap('apply', '--yes'));
    await until('all is well', async () => ((await bootstrap('status')).status === 0 ? true : undefined), 60);
  });
});

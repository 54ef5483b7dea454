import { describe, expect, test } from 'vitest';
import { apply, done, HAS_TOOLS, PATIENCE, sharedWorld, watchMasters } from './support.ts';

describe.runIf(HAS_TOOLS)('a first boot that was killed, after which the cluster file says something else', () => {
  const shared = sharedWorld(3);

  test('is brought up with what the file says now, whether etcd has come up meanwhile or not', {
    timeout: PATIENCE,
  }, async () => {
    const world = shared();
    const scheduler = (level: number) => ({ 'scheduler.extraArgs.v': String(level) });
    const early = apply(world, scheduler(3));
    await early.says(/in place/);
    await early.kill();
    const late = apply(world, scheduler(4));
    // all that is missing is that it is confirmed
    await late.says(/✓/);
    await late.kill();
    const watch = watchMasters(world);
    expect(await done(apply(world, scheduler(5)))).toMatch(/cp\d is at revision \d, cp\d is at revision \d, cp\d is/);
    expect(await watch.stop()).toEqual([]);
    expect(await done(apply(world, scheduler(5)))).toContain('nothing to do');
  });
});

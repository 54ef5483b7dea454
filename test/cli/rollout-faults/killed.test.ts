import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { eventually, type World } from '../../world/world.ts';
import { running } from './running.ts';
import {
  apply,
  done,
  HAS_TOOLS,
  PATIENCE,
  ROUNDS,
  random,
  setFlags,
  sharedWorld,
  starts,
  startsSince,
  watchMasters,
} from './support.ts';

/** Runs it again and again, each time until it says this, and kills it then; what it says at other times is of no matter. */
async function killedAt(world: World, moments: readonly RegExp[], flags: Readonly<Record<string, string>> = {}) {
  const reached: string[] = [];
  for (const moment of moments) {
    const run = apply(world, flags);
    if (await run.says(moment)) reached.push(String(moment));
    await run.kill();
  }
  return reached;
}

/** Nothing of ours is left on the nodes: no lock, no transaction, no half-written file. */
async function isTidy(world: World): Promise<void> {
  for (const name of world.names) {
    const said = await world
      .node(name)
      .ssh(
        'cd "$BOOTSTRAP_NODE_ROOT" && ls -d var/lib/bootstrap/lock var/lib/bootstrap/busy var/lib/bootstrap/lease ' +
          'var/lib/bootstrap/transaction var/lib/bootstrap/.* var/lib/bootstrap/revisions/.*  2>/dev/null | grep -v "/\\.\\.*$"; ' +
          'find etc var/lib/kubelet -name "*bootstrap-new*"; true',
      );
    expect(said, name).toBe('');
  }
}

const components = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];

describe.runIf(HAS_TOOLS)('apply, killed', () => {
  const shared = sharedWorld(3);

  test('on a first boot goes on with the same command from wherever it was, and starts every pod once', {
    timeout: PATIENCE,
  }, async () => {
    const world = shared();
    const reached = await killedAt(world, [
      /3 nodes change/,
      /cp\d {2}revision 1 is on the node/,
      /All together/,
      /in place, kubelet started/,
      /(?:in place, kubelet started[\s\S]*){3}/,
      /✓ revision 1/,
      /created/,
    ]);
    expect(reached.length).toBeGreaterThanOrEqual(5);
    await done(apply(world));
    const expected = world.names.flatMap((name) => components.map((pod) => [`${name} ${pod}`, 1]));
    expect(starts(world)).toEqual(Object.fromEntries(expected));
    expect(await done(apply(world))).toContain('nothing to do');
    await isTidy(world);
  });

  test('while it rolls goes on with the same command at once, replaces each pod once, and no client loses a write', {
    timeout: PATIENCE,
  }, async () => {
    const world = shared();
    const before = starts(world);
    const flags = { 'apiServer.extraArgs.v': '3', 'etcd.local.extraArgs.max-request-bytes': '2000000' };
    const writer = world.writer();
    await eventually('it writes', () => writer.read().done > 5);
    const watch = watchMasters(world);
    const reached = await killedAt(
      world,
      [
        /is on the node/,
        /One at a time/,
        /in place/,
        /✓ revision/,
        /in place/,
        /in place[\s\S]*✓ revision[\s\S]*in place/,
      ],
      flags,
    );
    expect(reached.length).toBeGreaterThanOrEqual(4);
    await done(apply(world, flags));
    expect(await watch.stop()).toEqual([]);
    const seen = writer.stop();
    expect(seen, JSON.stringify(seen)).toMatchObject({ failed: 0 });
    const expected = world.names.flatMap((name) => ['etcd', 'kube-apiserver'].map((pod) => [`${name} ${pod}`, 1]));
    expect(startsSince(world, before)).toEqual(Object.fromEntries(expected));
    expect(await done(apply(world, flags))).toContain('nothing to do');
    await isTidy(world);
  });

  // registered only where it is asked for: a test that is always skipped is none
  const longRun = ROUNDS ? test : () => {};
  longRun(
    'at any moment, with another change behind it, ends well and never has two masters down',
    {
      timeout: PATIENCE * ROUNDS,
    },
    async () => {
      const world = shared();
      const seed = Number(process.env['BOOTSTRAP_SEED'] ?? Date.now() % 1e6);
      console.log(`moments by BOOTSTRAP_SEED=${seed}`);
      const next = random(seed);
      const writer = world.writer();
      const watch = watchMasters(world);
      for (let round = 0; round < ROUNDS; round++) {
        for (let tries = 0; tries < 1 + ROUNDS / 4; tries++) {
          const level = 4 + Math.floor(next() * 3);
          const run = apply(world, {
            'apiServer.extraArgs.v': String(level),
            ...(next() < 0.5 && { 'etcd.local.extraArgs.max-request-bytes': String(2_000_000 + level) }),
            ...(next() < 0.5 && { 'scheduler.extraArgs.v': String(level) }),
          });
          await run.says(
            [/is on the node/, /One at a time|taking it back/, /in place/, /✓/][Math.floor(next() * 4)] ?? /✓/,
          );
          await delay(next() * 2500);
          await run.kill();
        }
        await done(apply(world, { 'apiServer.extraArgs.v': '3' }));
      }
      expect(await watch.stop()).toEqual([]);
      const seen = writer.stop();
      expect(seen, JSON.stringify(seen)).toMatchObject({ failed: 0 });
      expect(await running(world.dir, 'plan', ...setFlags({ 'apiServer.extraArgs.v': '3' })).ended).toMatchObject({
        status: 0,
      });
      await isTidy(world);
    },
  );
});

import { appendFileSync, cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { eventually, type World } from '../../world/world.ts';
import { running } from './running.ts';
import { apply, done, HAS_TOOLS, PATIENCE, setFlags, sharedWorld, starts, startsSince } from './support.ts';

const LOCK = '/var/lib/bootstrap/lock';
const lockHolders = (world: World): readonly string[] =>
  world.names.filter((name) => world.node(name).read(LOCK) !== undefined);

/** The nodes in the order in which they are worked on, as `apply` has said it. */
function orderIn(said: string): readonly string[] {
  return /One at a time: (.*)/.exec(said)?.[1]?.split(', ') ?? [];
}

describe.runIf(HAS_TOOLS)('apply, where something goes wrong', () => {
  const shared = sharedWorld(3);
  beforeAll(() => done(apply(shared())), PATIENCE);
  let level = 2;
  let flags: Readonly<Record<string, string>> = {};
  /** Has all schedulers (or others) replaced, and nothing else. */
  const another = (component = 'scheduler') => {
    level += 1;
    flags = { ...flags, [`${component}.extraArgs.v`]: String(level) };
    return flags;
  };

  test('sees quickly that an apiserver will never come up, takes it back and touches no other master', {
    timeout: PATIENCE,
  }, async () => {
    const world = shared();
    const before = starts(world);
    const began = performance.now();
    const run = apply(world, { ...flags, 'apiServer.extraEnvs': '[{name: FAIL_ON_PURPOSE, value: no such thing}]' });
    const { status, stderr, stdout } = await run.ended;
    expect(status, stderr).toBe(1);
    expect((performance.now() - began) / 1000).toBeLessThan(60);
    const [first = '', ...others] = orderIn(stderr);
    const [, report = ''] = /\n(error: [\s\S]*)/.exec(stderr) ?? [];
    expect(report).toMatch(
      new RegExp(
        `^error: revision \\d+ does not work on ${first}: kube-apiserver: crashes \\(\\d restarts\\)[^\\n]*\\n` +
          `last lines of kube-apiserver:\\n(?:  [^\\n]*no such thing[^\\n]*\\n)+` +
          `${first} is back at what it had, and well\\nnot touched: ${others.join(', ')}\\n  mend cluster.yaml`,
      ),
    );
    expect(report).not.toContain('kube-scheduler');
    expect(stdout).toBe('');
    expect(Object.keys(startsSince(world, before))).toEqual([`${first} kube-apiserver`]);
    expect(await running(world.dir, 'plan', ...setFlags(flags)).ended).toMatchObject({ status: 0 });
    expect(lockHolders(world)).toEqual([]);
  });

  test('takes back after --timeout what does not become ready', { timeout: PATIENCE }, async () => {
    const world = shared();
    const before = starts(world);
    const image = '[{op: replace, path: /spec/containers/0/image, value: missing.invalid/scheduler}]';
    const patches = `[{target: kube-scheduler, type: json, patch: ${image}}]`;
    const run = apply(world, { ...flags, patches }, '--timeout', '4s');
    const { status, stderr } = await run.ended;
    expect(status, stderr).toBe(1);
    expect(stderr).toMatch(/does not work on cp\d: kube-scheduler: ErrImagePull: the image cannot be pulled/);
    expect(stderr).toMatch(/is back at what it had, and well\nnot touched: cp\d, cp\d\n/);
    const [first = ''] = orderIn(stderr);
    expect(startsSince(world, before)).toEqual({ [`${first} kube-scheduler`]: 1 });
    expect(await running(world.dir, 'plan', ...setFlags(flags)).ended).toMatchObject({ status: 0 });
  });

  test('stops in good order at SIGTERM: locks are given back, it says what comes, and the same command goes on', {
    timeout: PATIENCE,
  }, async () => {
    const world = shared();
    const run = apply(world, another('apiServer'));
    await run.says(/in place/);
    run.signal('SIGTERM');
    const { status, stderr } = await run.ended;
    expect(status, stderr).toBe(143);
    const [first, ...others] = orderIn(stderr);
    expect(stderr).toContain(
      `interrupted while ${first} was proving its new revision\nnot touched: ${others.join(', ')}\n` +
        `  \`bootstrap apply\` goes on from here; without it, ${first} goes back to what it had within 600 s\n`,
    );
    expect(lockHolders(world)).toEqual([]);
    const before = starts(world);
    expect(orderIn(await done(apply(world, flags)))[0]).toBe(first);
    expect(Object.keys(startsSince(world, before)).every((pod) => !pod.startsWith(first ?? ''))).toBe(true);
  });

  test('finishes taking back when it is interrupted in that, and ends at once at the second signal', {
    timeout: PATIENCE,
  }, async () => {
    const world = shared();
    const crash = { ...flags, 'scheduler.extraEnvs': '[{name: FAIL_ON_PURPOSE, value: no such thing}]' };
    const orderly = apply(world, crash);
    await orderly.says(/taking it back/);
    orderly.signal('SIGINT');
    expect(await orderly.ended, orderly.said()).toMatchObject({ status: 130 });
    expect(orderly.said()).toMatch(/is back at what it had/);
    expect(lockHolders(world)).toEqual([]);
    expect(await running(world.dir, 'plan', ...setFlags(flags)).ended).toMatchObject({ status: 0 });

    const hasty = apply(world, another());
    await hasty.says(/in place/);
    hasty.signal('SIGINT');
    await hasty.says(/stopping/);
    hasty.signal('SIGINT');
    expect(await hasty.ended, hasty.said()).toMatchObject({ status: 130 });
  });

  test('goes on from there, and to its end where nobody reads any more what it says', {
    timeout: PATIENCE,
  }, async () => {
    const world = shared();
    const run = apply(world, flags);
    await run.says(/in place/);
    run.turnAway();
    expect(await run.ended).toMatchObject({ status: 0 });
    expect(lockHolders(world)).toEqual([]);
    expect(await running(world.dir, 'plan', ...setFlags(flags)).ended).toMatchObject({ status: 0 });
  });

  test('lives through connections that are cut before, while and after a revision is put in place', {
    timeout: PATIENCE,
  }, async () => {
    const world = shared();
    const before = starts(world);
    const run = apply(world, another());
    await run.says(/One at a time/);
    const [first = '', second = ''] = orderIn(run.said());
    world.node(first).sshd.cut();
    await run.says(/in place/);
    world.node(first).sshd.cut();
    await run.says(/✓/);
    world.node(second).sshd.cut();
    await done(run);
    const once = world.names.map((name) => [`${name} kube-scheduler`, 1]);
    expect(startsSince(world, before)).toEqual(Object.fromEntries(once));
  });

  test('waits for a master that loses its power in its own step, and touches none while another one is down', {
    timeout: PATIENCE,
  }, async () => {
    const world = shared();
    const own = apply(world, another('apiServer'));
    await own.says(/in place/);
    const [first = ''] = orderIn(own.said());
    await world.node(first).kill();
    await world.node(first).start();
    await done(own);

    const run = apply(world, another('apiServer'));
    await run.says(/in place/);
    const [, second = '', third = ''] = orderIn(run.said());
    await world.node(third).kill();
    const before = starts(world);
    await run.says(/✓/);
    await world.node(second).ssh('sleep 2');
    expect(Object.keys(startsSince(world, before)).filter((pod) => pod.startsWith(second))).toEqual([]);
    await world.node(third).start();
    await done(run);
  });

  test('leaves a node that goes back by itself where nobody confirms; status and plan say so, and apply goes on', {
    timeout: PATIENCE,
  }, async () => {
    const world = shared();
    const run = apply(world, another());
    await run.says(/in place/);
    await run.kill();
    const first = orderIn(run.said())[0] ?? '';
    const revision = /revision (\d+) is on the node/.exec(run.said())?.[1] ?? '';
    const token = world.node(first).read(LOCK)?.split('\t')[0] ?? '';
    const script = 'sh "$BOOTSTRAP_NODE_ROOT/var/lib/bootstrap/node.sh"';
    // the same once more, but with less patience
    await world.node(first).ssh(`${script} activate '${token}' ${revision} 2 none && ${script} unlock '${token}'`);
    await eventually('it has gone back', () => world.node(first).read('/var/lib/bootstrap/reverted') !== undefined);
    const status = await running(world.dir, 'status').ended;
    expect(status.status).toBe(2);
    expect(status.stdout.replace(/\s+/g, ' ')).toMatch(
      new RegExp(`${first}: it took revision ${revision} back by itself at \\S+: nobody confirmed it within 2 seconds`),
    );
    expect(await running(world.dir, 'plan', ...setFlags(flags)).ended).toMatchObject({ status: 2 });
    const before = starts(world);
    await done(apply(world, flags));
    const once = world.names.map((name) => [`${name} kube-scheduler`, 1]);
    expect(startsSince(world, before)).toEqual(Object.fromEntries(once));
  });

  test('lets one admin at a time, and refuses to go on over a file that somebody has changed meanwhile', {
    timeout: PATIENCE,
  }, async () => {
    const world = shared();
    const other = `${world.dir}-other`;
    cpSync(world.dir, other, { recursive: true });
    const disturbed = apply(world, another());
    await disturbed.says(/in place/);
    // it holds its locks as long as the other one takes
    disturbed.signal('SIGSTOP');
    onTestFinished(() => disturbed.signal('SIGCONT'));
    const second = await running(other, 'apply', '--yes', ...setFlags(flags)).ended;
    expect(second.status, second.stderr).toBe(75);
    expect(second.stderr).toMatch(
      /another command works on this node: bootstrap apply by \S+ \(process \d+\), since 20/,
    );
    const last = orderIn(disturbed.said()).at(-1) ?? '';
    const file = join(world.node(last).root, '/etc/kubernetes/manifests/kube-scheduler.yaml');
    expect(existsSync(file)).toBe(true);
    appendFileSync(file, '# by hand\n');
    disturbed.signal('SIGCONT');
    const { status, stderr } = await disturbed.ended;
    expect(status, stderr).toBe(76);
    expect(stderr).toContain(`${last} has changed since it was planned`);
    expect(readFileSync(file, 'utf8')).toContain('# by hand');
    await done(running(other, 'apply', '--yes', ...setFlags(flags)));
    expect(readFileSync(file, 'utf8')).not.toContain('# by hand');
  });
});

import { readdirSync, symlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LEASE_SECONDS } from '../../src/rollout/node/agent.ts';
import { type Holder, thisHolder } from '../../src/rollout/node/holder.ts';
import { type Box, facts, makeBox, put, SCRIPT, sample, thrown } from './node-box.ts';

const ANN = 'bootstrap apply by ann@desk (process 1)';
const BOB = 'bootstrap apply by bob@elsewhere (process 2)';

const elsewhere = (token: string, dead: readonly string[] = []): Holder => ({
  token,
  isDead: (other) => dead.includes(other),
});

describe('the lock of a node', () => {
  let box: Box;
  beforeEach(() => {
    box = makeBox();
  });
  afterEach(() => box.remove());

  const verb = (...words: readonly string[]) => box.transport().run(['sh', SCRIPT, ...words], { seconds: 30 });

  test('keeps others out, and says who holds it and since when', async () => {
    const ann = box.agent({}, elsewhere('a'));
    const bob = box.agent({}, elsewhere('b'));
    await ann.lock(ANN);
    const error = await thrown(bob.lock(BOB));
    expect(error.code).toBe('locked');
    expect(error.message).toMatch(
      /^cp1: another command works on this node: bootstrap apply by ann@desk \(process 1\), since 20\d\d-/,
    );
    expect(error.hint).toMatch(/given up in 1[78]\d s/);
    expect((await facts(bob)).lock).toMatchObject({ token: 'a', who: ANN });
    const attempts = [() => bob.keepLock(), () => put(bob, sample('one')), () => bob.commit(1), () => bob.revert('x')];
    for (const attempt of attempts) expect((await thrown(attempt())).code).toBe('locked');
    await bob.unlock(); // not his
    await ann.keepLock();
    await ann.lock(ANN); // hers already
    await ann.unlock();
    await bob.lock(BOB);
    expect((await thrown(ann.keepLock())).message).toContain('bob@elsewhere');
  });

  test('is not held by whom has never taken it, nor on a node where nobody has', async () => {
    const ann = box.agent({}, elsewhere('a'));
    const error = await thrown(ann.keepLock());
    expect(error.code).toBe('locked');
    expect(error.message).toBe('cp1: the lock of this node was lost');
    expect(readdirSync(box.root)).toEqual([]);
    await ann.unlock();
  });

  test('is given up where it is not renewed in time, whatever the clock says', async () => {
    expect((await verb('lock', 'a', '4', ANN)).status).toBe(0);
    expect((await verb('lock', 'b', '4', BOB)).status).toBe(75);
    await delay(2500);
    expect((await verb('keep', 'a')).status).toBe(0);
    await delay(2500);
    expect((await verb('lock', 'b', '4', BOB)).status).toBe(75);
    await delay(2500);
    expect((await verb('lock', 'b', '60', BOB)).status).toBe(0);
    expect((await verb('keep', 'a')).status).toBe(75);
  });

  test('of another boot counts no more', async () => {
    box.write('/var/lib/bootstrap/lock', `a\t2026-01-01T00:00:00Z\tother-boot\t99999999999\t180\t${ANN}\n`, 0o600);
    expect((await facts(box.agent())).lock?.secondsLeft).toBe(0);
    await box.agent({}, elsewhere('b')).lock(BOB);
  });

  test('is taken over at once where its holder is known to be dead, and from nobody else', async () => {
    await box.agent({}, elsewhere('a')).lock(ANN);
    await box.agent({}, elsewhere('b', ['a'])).lock(BOB);
    const error = await thrown(box.agent({}, elsewhere('c', ['a'])).lock('carol'));
    expect(error.message).toContain('bob@elsewhere');
  });

  test('goes to one only, of many who want it at the same moment', async () => {
    const many = (names: readonly string[]) =>
      Promise.allSettled(names.map((name) => box.agent({}, elsewhere(name, ['dead'])).lock(`by ${name}`)));
    const won = (results: readonly PromiseSettledResult<void>[]) =>
      results.filter(({ status }) => status === 'fulfilled').length;
    expect(won(await many(['a', 'b', 'c', 'd', 'e', 'f']))).toBe(1);
    // also where a process that has died in the middle of it is in the way, and a lock whose holder is dead
    const { lock } = await facts(box.agent());
    await box.agent({}, elsewhere(lock?.token ?? '')).unlock();
    await box.agent({}, elsewhere('dead')).lock('by a dead one');
    symlinkSync('00000000:4194399:1:lock', box.state('lease'));
    expect(won(await many(['g', 'h', 'i', 'j', 'k', 'l']))).toBe(1);
    expect(readdirSync(box.state('')).sort()).toEqual(['lock', 'revisions']);
  });

  test('can be renewed while a long step of the same command runs', async () => {
    const agent = box.agent();
    await agent.lock(ANN);
    const staged = put(agent, sample('one'));
    for (let i = 0; i < 5; i++) await agent.keepLock();
    await staged;
  });
});

describe('who holds a lock', () => {
  test('is alive as long as its process is', () => {
    const holder = thisHolder();
    expect(holder.isDead(holder.token)).toBe(false);
    expect(holder.token).not.toMatch(/[\s/:]/);
    expect(thisHolder().token).not.toBe(holder.token);
    const [host, boot, namespace, pid, started, random] = holder.token.split('~');
    const token = (...words: readonly (string | undefined)[]) => words.join('~');
    expect(holder.isDead(token(host, boot, namespace, pid, `${started}1`, random))).toBe(true);
    expect(holder.isDead(token(host, boot, namespace, '4194399', started, random))).toBe(true);
    // whose processes cannot be seen from here
    expect(holder.isDead(token(`${host}x`, boot, namespace, '4194399', started, random))).toBe(false);
    expect(holder.isDead(token(host, `${boot}x`, namespace, '4194399', started, random))).toBe(false);
    expect(holder.isDead(token(host, boot, `${namespace}x`, '4194399', started, random))).toBe(false);
    expect(holder.isDead('anything')).toBe(false);
    expect(LEASE_SECONDS).toBeGreaterThan(60);
  });
});

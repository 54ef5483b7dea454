import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BootstrapError } from '../../src/base/errors.ts';
import { acquireLock } from '../../src/base/lock.ts';
import { emptyDir } from '../support/cli.ts';

const NOW = new Date('2026-01-01T00:00:00Z');
const NOBODY = 65534;

function errorOf(action: () => unknown): BootstrapError {
  try {
    action();
  } catch (error) {
    if (error instanceof BootstrapError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** Root may do everything, so it takes another's rights for a while. */
function withoutRootsRights<T>(action: () => T): T {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    return action();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

const holder = (pid: number) =>
  JSON.stringify({ pid, started: '', host: hostname(), command: 'bootstrap render', since: '' });

describe('the lock of a directory', () => {
  test('keeps others out until it is given back, and leaves nothing then', () => {
    const dir = emptyDir();
    const lock = acquireLock(dir, 'bootstrap init', NOW);
    const refused = errorOf(() => acquireLock(dir, 'bootstrap render', NOW));
    expect(refused.code).toBe('locked');
    expect(refused.message).toContain(`\`bootstrap init\` (process ${process.pid} on ${hostname()}, since 2026-01-01`);
    expect(readdirSync(dir)).toEqual(['.bootstrap.lock']);
    lock.release();
    expect(readdirSync(dir)).toEqual([]);
  });

  test.each([
    ['of a process that is gone', holder(2 ** 22 + 1)],
    ['that holds no words of ours', 'x'],
    ['that is empty', ''],
  ])('one %s is taken over', (_, content) => {
    const dir = emptyDir();
    writeFileSync(join(dir, '.bootstrap.lock'), content);
    acquireLock(dir, 'bootstrap render', NOW).release();
    expect(readdirSync(dir)).toEqual([]);
  });

  test('a directory that cannot be written is said to be so', () => {
    const dir = emptyDir();
    chmodSync(dir, 0o555);
    const refused = withoutRootsRights(() => errorOf(() => acquireLock(dir, 'bootstrap render', NOW)));
    expect([refused.code, refused.message]).toEqual([
      'failed',
      `${join(dir, '.bootstrap.lock')}: cannot be written: permission denied`,
    ]);
    expect(readdirSync(dir)).toEqual([]);
  });

  test('a directory that is not there is said to be so', () => {
    const refused = errorOf(() => acquireLock(join(emptyDir(), 'gone'), 'bootstrap render', NOW));
    expect([refused.code, refused.message]).toEqual([
      'failed',
      expect.stringContaining('cannot be written: no such file or directory'),
    ]);
  });

  test('a lock that cannot be read is not taken for one whose holder is gone', () => {
    const dir = emptyDir();
    const path = join(dir, '.bootstrap.lock');
    writeFileSync(path, holder(2 ** 22 + 1));
    chmodSync(path, 0);
    chmodSync(dir, 0o777);
    const refused = withoutRootsRights(() => errorOf(() => acquireLock(dir, 'bootstrap render', NOW)));
    expect([refused.code, refused.message]).toEqual(['failed', `${path}: cannot be read: permission denied`]);
    expect(readdirSync(dir)).toEqual(['.bootstrap.lock']);
  });

  test('a directory of its name is left alone and named', () => {
    const dir = emptyDir();
    mkdirSync(join(dir, '.bootstrap.lock'));
    const refused = errorOf(() => acquireLock(dir, 'bootstrap render', NOW));
    expect(refused.code).toBe('failed');
    expect(refused.hint).toContain('remove that directory');
    expect(readdirSync(dir)).toEqual(['.bootstrap.lock']);
  });

  test('what it holds tells who has it', () => {
    const dir = emptyDir();
    const lock = acquireLock(dir, 'bootstrap init', NOW);
    expect(JSON.parse(readFileSync(join(dir, '.bootstrap.lock'), 'utf8'))).toMatchObject({ pid: process.pid });
    lock.release();
    lock.release();
    expect(existsSync(join(dir, '.bootstrap.lock'))).toBe(false);
  });
});

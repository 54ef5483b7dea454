import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeDirectory, removeStaleTemps, writeFileAtomic, writeFilesAtomic } from '../../src/base/atomic-file.ts';
import { BootstrapError } from '../../src/base/errors.ts';

let dir: string;
let umask: number;
const modeOf = (path: string) => statSync(path).mode & 0o7777;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bootstrap-atomic-'));
  umask = process.umask();
});
afterEach(() => {
  process.umask(umask);
  rmSync(dir, { recursive: true, force: true });
});

describe('writing atomically', () => {
  test.each([0o000, 0o022, 0o077, 0o177])('gives exactly the mode that was asked for under umask %o', async (mask) => {
    process.umask(mask);
    await writeFilesAtomic([
      { path: join(dir, 'key'), content: 'k', mode: 0o600 },
      { path: join(dir, 'cert'), content: 'c', mode: 0o644 },
    ]);
    expect(modeOf(join(dir, 'key'))).toBe(0o600);
    expect(modeOf(join(dir, 'cert'))).toBe(0o644);
  });

  test('replaces content and mode and leaves nothing else behind', async () => {
    writeFileSync(join(dir, 'a'), 'old content that is longer', { mode: 0o644 });
    await writeFileAtomic(join(dir, 'a'), Buffer.from([0, 255, 10]), 0o600);
    expect(readFileSync(join(dir, 'a'))).toEqual(Buffer.from([0, 255, 10]));
    expect(modeOf(join(dir, 'a'))).toBe(0o600);
    expect(readdirSync(dir)).toEqual(['a']);
  });

  test('writes more files than may be open at once', async () => {
    const files = Array.from({ length: 700 }, (_, i) => ({ path: join(dir, `f${i}`), content: `${i}`, mode: 0o644 }));
    await writeFilesAtomic(files);
    expect(readdirSync(dir)).toHaveLength(700);
    expect(readFileSync(join(dir, 'f699'), 'utf8')).toBe('699');
  });

  test('a file that cannot be written leaves all the others as they were, and no temporary file', async () => {
    writeFileSync(join(dir, 'a'), 'old');
    const writing = writeFilesAtomic([
      { path: join(dir, 'a'), content: 'new', mode: 0o644 },
      { path: join(dir, 'missing', 'b'), content: 'new', mode: 0o644 },
    ]);
    await expect(writing).rejects.toThrow(BootstrapError);
    await expect(writing).rejects.toThrow(`${join(dir, 'missing', 'b')}: cannot be written: no such file or directory`);
    expect(readFileSync(join(dir, 'a'), 'utf8')).toBe('old');
    expect(readdirSync(dir)).toEqual(['a']);
  });

  test('a directory in the place of a file is an error that names it', async () => {
    mkdirSync(join(dir, 'taken'));
    await expect(writeFileAtomic(join(dir, 'taken'), 'x', 0o644)).rejects.toThrow(/taken: cannot be written/);
    expect(readdirSync(dir)).toEqual(['taken']);
  });
});

describe('temporary files of killed runs', () => {
  test('are removed, and nothing that merely looks like them', () => {
    const keep = ['ca.key', '.ca.key.tmp', '.gitignore', 'x.tmp-0123456789ab', '.ca.key.tmp-0123456789abcd'];
    for (const name of [...keep, '.ca.key.tmp-0123456789ab']) writeFileSync(join(dir, name), '');
    removeStaleTemps(dir);
    expect(readdirSync(dir).sort()).toEqual([...keep].sort());
  });

  test('none in a directory that is not there', () => {
    expect(() => removeStaleTemps(join(dir, 'missing'))).not.toThrow();
  });
});

describe('making a directory', () => {
  test('gives every directory that it makes the mode, whatever the umask, and leaves those that exist', async () => {
    process.umask(0o022);
    chmodSync(dir, 0o755);
    expect(await makeDirectory(join(dir, 'a', 'b'), 0o700)).toEqual([join(dir, 'a'), join(dir, 'a', 'b')]);
    expect([dir, join(dir, 'a'), join(dir, 'a', 'b')].map(modeOf)).toEqual([0o755, 0o700, 0o700]);
    chmodSync(join(dir, 'a'), 0o711);
    expect(await makeDirectory(join(dir, 'a'), 0o700)).toEqual([]);
    expect(modeOf(join(dir, 'a'))).toBe(0o711);
  });

  test('a file in its place is an error that names it', async () => {
    writeFileSync(join(dir, 'file'), '');
    await expect(makeDirectory(join(dir, 'file', 'sub'), 0o700)).rejects.toThrow(/file\/sub: cannot be written/);
    expect(existsSync(join(dir, 'file'))).toBe(true);
  });
});

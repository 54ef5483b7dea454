import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeIso } from '../../../src/deliver/user-data/iso.ts';
import { instanceId, metaData } from '../../../src/deliver/user-data/nocloud.ts';
import { needTool } from '../../support/tools.ts';
import { readAsCloudInit } from './python.ts';

let dir: string;
let path: string | undefined;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nocloud-'));
  path = process.env['PATH'];
  mkdirSync(join(dir, 'seed = a'));
  writeFileSync(join(dir, 'seed = a', 'user-data'), '#cloud-config\n{}\n', { mode: 0o600 });
  writeFileSync(join(dir, 'seed = a', 'meta-data'), metaData('i', 'cp1'), { mode: 0o600 });
});

afterEach(() => {
  process.env['PATH'] = path;
  rmSync(dir, { recursive: true, force: true });
});

/** Nothing but the shell's programs and these are found. */
function only(...programs: readonly string[]): void {
  const bin = join(dir, 'bin');
  mkdirSync(bin);
  for (const name of programs) {
    symlinkSync(
      execFileSync('sh', ['-c', `PATH="${path}" command -v ${name}`], { encoding: 'utf8' }).trim(),
      join(bin, name),
    );
  }
  process.env['PATH'] = bin;
}

const make = (name: string) => writeIso(join(dir, 'seed = a'), join(dir, name));

describe.each(['xorriso', 'genisoimage'])('an image for NoCloud, made by %s', (program) => {
  const isHere = needTool(program) && needTool('isoinfo');

  it.runIf(isHere)('has the volume that cloud-init looks for, and files that only root may read', async () => {
    only(program);
    writeFileSync(join(dir, 'seed = a', 'network-config'), 'version: 2\n');
    await make('cp1.iso');
    process.env['PATH'] = path;
    const isoinfo = (...words: string[]) =>
      execFileSync('isoinfo', [...words, '-i', join(dir, 'cp1.iso')], { encoding: 'utf8' });
    expect(isoinfo('-d')).toMatch(/^Volume id: cidata$/m);
    for (const names of ['-R', '-J']) {
      const read = (name: string) => isoinfo(names, '-x', `/${name}`);
      expect(read('user-data')).toBe('#cloud-config\n{}\n');
      expect(read('meta-data')).toBe(readFileSync(join(dir, 'seed = a', 'meta-data'), 'utf8'));
      expect(read('network-config')).toBe('version: 2\n');
    }
    expect(isoinfo('-R', '-l')).toMatch(/^-r--------\s+1\s+0\s+0 .* user-data/m);
  });

  it.runIf(isHere)('replaces one that is there, readable for nobody else, and leaves nothing beside it', async () => {
    only(program);
    writeFileSync(join(dir, 'cp1.iso'), 'old');
    chmodSync(join(dir, 'cp1.iso'), 0o644);
    await make('cp1.iso');
    expect(statSync(join(dir, 'cp1.iso')).mode & 0o777).toBe(0o600);
    expect(statSync(join(dir, 'cp1.iso')).size).toBeGreaterThan(100_000);
    expect(readdirSync(dir).sort()).toEqual(['bin', 'cp1.iso', 'seed = a']);
  });
});

describe('an image for NoCloud', () => {
  it.runIf(needTool('xorriso'))('has the same bytes for the same files, whenever it is made', async () => {
    await make('one.iso');
    // dates in it count seconds, and hundredths of them
    await new Promise((done) => setTimeout(done, 1100));
    writeFileSync(join(dir, 'seed = a', 'user-data'), '#cloud-config\n{}\n');
    await make('two.iso');
    expect(readFileSync(join(dir, 'one.iso')).equals(readFileSync(join(dir, 'two.iso')))).toBe(true);
  });

  it('cannot be made without a program for it: what to install is said, and what else will do', async () => {
    only();
    await expect(make('cp1.iso')).rejects.toMatchObject({
      message: `${join(dir, 'cp1.iso')}: none of xorriso, genisoimage, mkisofs is installed`,
      hint: expect.stringContaining('install xorriso; or make an image with the volume cidata'),
    });
  });

  it('is not there where the program has failed, which is said with its own words', async () => {
    only();
    writeFileSync(join(dir, 'bin', 'genisoimage'), '#!/bin/sh\necho half\necho "no space left" >&2\nexit 5\n', {
      mode: 0o755,
    });
    await expect(make('cp1.iso')).rejects.toMatchObject({
      message: `${join(dir, 'cp1.iso')}: genisoimage could not make it (status 5)`,
      hint: 'no space left',
    });
    expect(readdirSync(dir)).not.toContain('cp1.iso');
  });

  it('is not made of a directory without both files', async () => {
    rmSync(join(dir, 'seed = a', 'meta-data'));
    await expect(make('cp1.iso')).rejects.toThrow('there is no meta-data to make an image of');
  });
});

describe('meta-data', () => {
  it.runIf(needTool('cloud-init'))('names machine and instance as texts, whatever they look like', () => {
    const names = ['cp1', '0600', 'yes', '12', 'cp1.example.com', '1e3'];
    const read = readAsCloudInit(names.map((name) => metaData(name, name)));
    expect(read.map((each) => (typeof each === 'string' ? JSON.parse(each) : each))).toEqual(
      names.map((name) => ({ 'instance-id': name, 'local-hostname': name })),
    );
  });

  it('knows a machine by its cluster and its name and nothing else', () => {
    expect(instanceId('prod', 'cp1')).toMatch(/^bootstrap-[0-9a-f]{16}$/);
    expect(instanceId('prod', 'cp1')).toBe(instanceId('prod', 'cp1'));
    expect(new Set([instanceId('prod', 'cp1'), instanceId('prod', 'cp2'), instanceId('test', 'cp1')]).size).toBe(3);
  });
});

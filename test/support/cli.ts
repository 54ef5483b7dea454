import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** The program as it is installed. `npm test` builds it first. */
export const BOOTSTRAP = fileURLToPath(new URL('../../dist/bootstrap.cjs', import.meta.url));

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `bootstrap` without a terminal. */
export function bootstrap(cwd: string, ...args: readonly string[]): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BOOTSTRAP, ...args], {
    cwd,
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

/** The same, going on by itself. */
export function startBootstrap(cwd: string, ...args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [BOOTSTRAP, ...args], { cwd, stdio: 'ignore' });
}

/** An empty directory that goes when the test ends. */
export function emptyDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'bootstrap-test-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A directory with a cluster file in it. */
export function clusterDir(text: string): string {
  const dir = emptyDir();
  writeFileSync(join(dir, 'cluster.yaml'), text);
  return dir;
}

/** All files below a directory, relative to it, sorted. */
export function filesOf(dir: string): readonly string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
    .sort();
}

/** Path → mode and SHA-256 of everything below a directory. */
export function snapshot(dir: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    filesOf(dir).map((path) => {
      const mode = (statSync(join(dir, path)).mode & 0o7777).toString(8);
      return [
        path,
        `${mode} ${createHash('sha256')
          .update(readFileSync(join(dir, path)))
          .digest('hex')}`,
      ];
    }),
  );
}

export const HA_OPTIONS = [
  '--profile',
  'ha',
  '--endpoint',
  'api.example.com',
  '--node',
  'cp1=10.0.0.11',
  '--node',
  'cp2=10.0.0.12',
  '--node',
  'cp3=10.0.0.13',
] as const;

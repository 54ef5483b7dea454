import { closeSync, fstatSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesOf } from '../../support/cli.ts';

/** A line out of the middle of every private key of a cluster directory, as PEM has it: nobody ever may see one. */
export function keyLines(dir: string): readonly string[] {
  const pki = join(dir, 'pki');
  return filesOf(pki)
    .filter((path) => path.endsWith('.key'))
    .map((path) => readFileSync(join(pki, path), 'utf8').split('\n')[1] ?? '')
    .filter((line) => line.length > 30);
}

/** What of it a text holds, also where it is base64 of such a file. */
export function secretsIn(text: string, lines: readonly string[]): readonly string[] {
  const keys = [...text.matchAll(/LS0tLS1CRUdJTiB[PER][A-Za-z0-9+/=]*/g)];
  return [...lines.filter((line) => text.includes(line)), ...keys.map(([found]) => found.slice(0, 40))];
}

/** Command lines and environments are open to others as long as a process lives. */
export function secretsInProcesses(lines: readonly string[]): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
        return secretsIn(words, lines).length ? [words.replaceAll('\0', ' ').slice(0, 200)] : [];
      } catch {
        return []; // it has ended
      }
    });
}

/** Files below a directory that hold a secret and that others than their owner may read. */
export function openSecrets(dir: string, lines: readonly string[]): readonly string[] {
  return pathsBelow(dir).flatMap((path) => {
    let file: number;
    try {
      file = openSync(path, 'r');
    } catch {
      return []; // it is gone, or has another name now
    }
    try {
      const state = fstatSync(file);
      if (!state.isFile() || !(state.mode & 0o077)) return [];
      return secretsIn(readFileSync(file, 'utf8'), lines).length
        ? [`${path} ${(state.mode & 0o7777).toString(8)}`]
        : [];
    } finally {
      closeSync(file);
    }
  });
}

/** What is removed meanwhile is left out. */
function pathsBelow(dir: string): readonly string[] {
  try {
    return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
      const path = join(dir, entry.name);
      if (entry.isDirectory()) return pathsBelow(path);
      return entry.isFile() ? [path] : [];
    });
  } catch {
    return [];
  }
}

import { existsSync, readFileSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ProfileFolder } from '../spec/profiles.ts';
import type { CommonOptions } from './options.ts';

/** Where things are for one run: the cluster directory and this package. */
export interface Workspace {
  readonly dir: string;
  readonly clusterFile: string;
  /** A path as messages show it: relative to where the user is, unless that is longer. */
  readonly show: (path: string) => string;
  readonly profileFolders: readonly ProfileFolder[];
  /** The package's root, which holds `profiles/` and `templates/`. */
  readonly packageDir: string;
}

/** `dist/` and `src/cli/` both lie below the package's root; its package.json tells it. */
function findPackageDir(): string {
  for (let dir = fileURLToPath(new URL('.', import.meta.url)); ; dir = resolve(dir, '..')) {
    if (existsSync(join(dir, 'package.json')) || dir === resolve(dir, '..')) return dir;
  }
}

export function workspace({ dir = '.', file }: Pick<CommonOptions, 'dir' | 'file'>): Workspace {
  const root = resolve(dir);
  const clusterFile = file === undefined ? join(root, 'cluster.yaml') : resolve(file);
  const packageDir = findPackageDir();
  const show = (path: string): string => {
    const short = relative(process.cwd(), path) || '.';
    return isAbsolute(short) || short.split('/').filter((part) => part === '..').length > 2 ? path : short;
  };
  return {
    dir: root,
    clusterFile,
    show,
    packageDir,
    profileFolders: [
      { path: join(root, 'profiles'), shown: show(join(root, 'profiles')) },
      { path: join(packageDir, 'profiles'), shown: 'profiles' },
    ],
  };
}

/** This package's version, from its package.json. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(findPackageDir(), 'package.json'), 'utf8')) as { version: string };
  return version;
}

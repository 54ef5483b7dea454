import { existsSync, readFileSync, statSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BootstrapError } from '../base/errors.ts';
import type { ProfileFolder } from '../spec/profiles.ts';
import type { CommonOptions } from './options.ts';
import { checkProfileNames } from './profile-names.ts';

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

/** @throws BootstrapError `usage` where `--dir` is something else than a directory, or there is no profile of a name given */
export function workspace({
  dir = '.',
  file,
  profile = [],
}: Pick<CommonOptions, 'dir' | 'file' | 'profile'>): Workspace {
  const root = resolve(dir);
  if (isOther(root)) throw new BootstrapError('usage', `--dir ${dir}: is not a directory`);
  const clusterFile = file === undefined ? join(root, 'cluster.yaml') : resolve(file);
  const packageDir = findPackageDir();
  const builtin = join(packageDir, 'profiles');
  const show = (path: string): string => {
    const short = relative(process.cwd(), path) || '.';
    return isAbsolute(short) || short.split('/').filter((part) => part === '..').length > 2 ? path : short;
  };
  const profileFolders = [
    { path: join(root, 'profiles'), shown: show(join(root, 'profiles')) },
    // by its short name, unless the cluster has a folder of that name
    { path: builtin, shown: existsSync(join(root, 'profiles')) ? builtin : 'profiles' },
  ];
  checkProfileNames(profile, profileFolders);
  return { dir: root, clusterFile, show, packageDir, profileFolders };
}

/** Something is there that is no directory; what cannot be looked at is found out when it is read or written. */
function isOther(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === false;
  } catch {
    return false;
  }
}

/** This package's version, from its package.json. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(findPackageDir(), 'package.json'), 'utf8')) as { version: string };
  return version;
}

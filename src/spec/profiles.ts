import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { BootstrapError } from '../base/errors.ts';
import { errorAt, type Fault, type Located } from '../base/fault.ts';
import { didYouMean } from '../base/suggest.ts';
import { readTextFile } from './read-file.ts';
import { readYaml } from './read-yaml.ts';
import { at, type Tree, toJson } from './tree.ts';
import { validateDocument } from './validate-document.ts';

/** Where profiles are looked for, the first hit wins. `shown` is how the folder is named in messages. */
export interface ProfileFolder {
  readonly path: string;
  readonly shown: string;
}

interface ProfileRequires {
  readonly nodes?: { readonly min?: number; readonly max?: number; readonly odd?: boolean };
  readonly endpoint?: boolean;
  readonly etcd?: 'local' | 'external';
}

export interface Profile {
  readonly name: string;
  readonly file: string;
  readonly folder: ProfileFolder;
  readonly description: string;
  readonly extends: readonly string[];
  readonly requires: ProfileRequires;
  readonly spec: Tree;
  readonly text: string;
}

/** Names of all profiles to be had, sorted. */
export function profileNames(folders: readonly ProfileFolder[]): readonly string[] {
  const names = folders.flatMap(({ path }) => (existsSync(path) ? readdirSync(path) : []));
  return [...new Set(names.filter((n) => /^[^.].*\.yaml$/.test(n)).map((n) => n.slice(0, -5)))].sort();
}

/**
 * Reads one profile.
 * @throws BootstrapError `cluster-file` with all its faults; where there is none of that name, with the nearest
 */
export function readProfile(name: string, folders: readonly ProfileFolder[], wantedAt?: Located): Profile {
  const folder = /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)
    ? folders.find(({ path }) => existsSync(join(path, `${name}.yaml`)))
    : undefined;
  if (!folder) {
    const names = profileNames(folders);
    const message = `there is no profile ${JSON.stringify(name.slice(0, 80))}`;
    const fault = errorAt(wantedAt, message, didYouMean(name, names) ?? `known: ${names.join(', ')}`);
    throw new BootstrapError('cluster-file', message, { faults: [fault] });
  }
  const file = `${folder.shown}/${name}.yaml`;
  const text = readTextFile(join(folder.path, `${name}.yaml`), file);
  const read = readYaml({ file, text, origin: (place) => ({ kind: 'profile', profile: name, place }) });
  const [tree] = read.documents;
  const faults = tree ? validateDocument(tree, 'Profile') : read.faults;
  if (!tree || faults.length) {
    throw new BootstrapError('cluster-file', `the profile ${JSON.stringify(name)} is not valid`, {
      faults: faults.length ? faults : [errorAt(undefined, `${file}: is empty`)],
    });
  }
  const json = toJson(tree) as { description?: string; extends?: string[]; requires?: ProfileRequires };
  return {
    name,
    file,
    folder,
    text,
    description: json.description ?? '',
    extends: json.extends ?? [],
    requires: json.requires ?? {},
    spec: at(tree, ['spec']) ?? tree,
  };
}

/**
 * The profiles behind a list of names in the order in which they are laid on each other: what a profile extends comes
 * before it, each one once.
 */
export function resolveProfiles(
  names: readonly { readonly name: string; readonly at?: Located }[],
  folders: readonly ProfileFolder[],
): readonly Profile[] {
  const done = new Map<string, Profile>();
  const visit = (name: string, chain: readonly string[], wantedAt?: Located, within = folders): void => {
    if (chain.includes(name) && within === folders) {
      const message = `profiles extend each other in a circle: ${[...chain.slice(chain.indexOf(name)), name].join(' → ')}`;
      throw new BootstrapError('cluster-file', message, { faults: [errorAt(wantedAt, message)] });
    }
    const profile = readProfile(name, within, wantedAt);
    const key = `${profile.folder.path}/${name}`;
    if (done.has(key)) return;
    for (const base of profile.extends) {
      // what extends its own name means the built-in one that it stands before
      visit(
        base,
        [...chain, name],
        wantedAt,
        base === name ? within.slice(within.indexOf(profile.folder) + 1) : folders,
      );
    }
    done.set(key, profile);
  };
  const faults: Fault[] = [];
  for (const { name, at: wantedAt } of names) {
    try {
      visit(name, [], wantedAt);
    } catch (error) {
      if (!(error instanceof BootstrapError) || !error.faults.length) throw error;
      faults.push(...error.faults);
    }
  }
  if (faults.length) throw new BootstrapError('cluster-file', 'a profile cannot be used', { faults });
  return [...done.values()];
}

import { dirname } from 'node:path';
import { BootstrapError } from '../base/errors.ts';
import { errorAt, type Fault, type Located, uniqueFaults } from '../base/fault.ts';
import { buildCluster } from './build-cluster.ts';
import { checkNetworking } from './checks/networking.ts';
import { checkMembers, checkNodes } from './checks/nodes.ts';
import { checkRequires } from './checks/requires.ts';
import { checkSettings } from './checks/settings.ts';
import type { Cluster } from './cluster.ts';
import { type GivenSources, readContents } from './contents.ts';
import { withDefaults } from './defaults.ts';
import { type Profile, type ProfileFolder, resolveProfiles } from './profiles.ts';
import { readTextFile } from './read-file.ts';
import { asList, asText } from './read-tree.ts';
import { readYaml } from './read-yaml.ts';
import { applySet } from './set-option.ts';
import { at, fromJson, type MapTree, mergeTrees, pruneNulls, setAt, type Tree } from './tree.ts';
import { validateDocument } from './validate-document.ts';

export interface LoadOptions {
  /** The cluster file, and how it is named in messages. */
  readonly file: string;
  readonly shown: string;
  /** Its text, where it is not read from `file` (a cluster file that is about to be written). */
  readonly text?: string;
  /** Files that it names, where they are not read from disk either. */
  readonly sources?: GivenSources;
  readonly profileFolders: readonly ProfileFolder[];
  /** `--profile`: replaces the file's list. */
  readonly profiles?: readonly string[];
  /** `--set` options in their order. */
  readonly sets?: readonly string[];
}

export interface LoadedCluster {
  readonly cluster: Cluster;
  readonly warnings: readonly Fault[];
}

/** What is wrong with a cluster file, and what can be made of the part that is sound. */
export interface InspectedCluster {
  /** Undefined where not even a node is left. Where there are errors it is good for further checks only. */
  readonly cluster: Cluster | undefined;
  readonly faults: readonly Fault[];
}

/**
 * Reads the cluster file, lays it over its profiles and defaults and checks everything.
 * @throws BootstrapError `cluster-file` with every fault there is; `usage` for bad options or where there is no file
 */
export function loadCluster(options: LoadOptions): LoadedCluster {
  const { cluster, faults } = inspectCluster(options);
  if (!cluster || faults.some((fault) => fault.severity === 'error')) throw clusterFileError(options.shown, faults);
  return { cluster, warnings: faults };
}

/**
 * The same, for who wants to look for further faults in what is sound.
 * @throws BootstrapError `cluster-file` where the file is no YAML map at all; `usage` for bad options or no file
 */
export function inspectCluster(options: LoadOptions): InspectedCluster {
  const document = readClusterFile(options);
  const structure = validateDocument(document, 'Cluster');
  const { profiles, faults: profileFaults } = profilesFor(document, options);
  const spec = withDefaults(mergedSpec(profiles, document));
  const sound = structure.length ? withDefaults(mergedSpec(profiles, withoutFaulty(document, structure))) : spec;
  const contents = readContents(sound, dirname(options.file), options.sources);
  // values of the wrong shape are reported once, by the schema; the checks pass over what they cannot read
  const faults = [
    ...structure,
    ...profileFaults,
    ...checkNodes(spec),
    ...checkMembers(spec),
    ...checkNetworking(spec),
    ...checkSettings(spec),
    ...checkRequires(spec, profiles),
    ...contents.faults,
  ];
  const name = asText(at(document, ['metadata', 'name'])) ?? 'kubernetes';
  const names = profiles.map((profile) => profile.name);
  return {
    cluster: asList(at(sound, ['nodes'])).some(isNode)
      ? buildCluster(name, names, sound, contents, dirname(options.file))
      : undefined,
    faults: uniqueFaults(faults.map((fault) => placed(fault, spec))),
  };
}

function profilesFor(
  document: Tree,
  options: LoadOptions,
): { readonly profiles: readonly Profile[]; readonly faults: readonly Fault[] } {
  try {
    return {
      profiles: resolveProfiles(chosenProfiles(document, options.profiles), options.profileFolders),
      faults: [],
    };
  } catch (error) {
    if (!(error instanceof BootstrapError) || !error.faults.length) throw error;
    return { profiles: [], faults: error.faults };
  }
}

const isNode = (node: Tree) => asText(at(node, ['name'])) !== undefined && asList(at(node, ['addresses'])).length > 0;

/** The tree without the values at which there is an error. */
function withoutFaulty(tree: Tree, faults: readonly Fault[]): Tree {
  const paths = new Set(faults.map((fault) => fault.at?.path));
  const isSound = (value: Tree) => !paths.has(value.path);
  const prune = (value: Tree): Tree => {
    if (value.kind === 'list') return { ...value, items: value.items.filter(isSound).map(prune) };
    if (value.kind === 'scalar') return value;
    return {
      ...value,
      entries: new Map([...value.entries].filter(([, v]) => isSound(v)).map(([k, v]) => [k, prune(v)])),
    };
  };
  const pruned = prune(tree);
  const nodes = at(pruned, ['spec', 'nodes']);
  if (nodes?.kind !== 'list') return pruned;
  return setAt(pruned, ['spec', 'nodes'], { ...nodes, items: nodes.items.filter(isNode) });
}

/** The error for a cluster file with these faults; warnings among them are shown too. */
export function clusterFileError(shown: string, faults: readonly Fault[]): BootstrapError {
  const errors = faults.filter((fault) => fault.severity === 'error').length;
  return new BootstrapError('cluster-file', `${shown} has ${errors} error${errors === 1 ? '' : 's'}`, { faults });
}

/** A default that does not go with the rest stands nowhere; the user looks for it under "spec". */
function placed(fault: Fault, spec: MapTree): Fault {
  return fault.at?.origin.kind === 'default' ? { ...fault, at: { path: fault.at.path, origin: spec.origin } } : fault;
}

function readClusterFile({ file, shown, text, sets = [] }: LoadOptions): Tree {
  const read = readYaml({
    file: shown,
    text: text ?? readTextFile(file, shown),
    origin: (place) => ({ kind: 'file', place }),
  });
  if (read.faults.length) throw clusterFileError(shown, read.faults);
  const [document, second] = read.documents;
  const start: Located = { path: '', origin: { kind: 'file', place: { file: shown, line: 1, column: 1 } } };
  if (second)
    throw clusterFileError(shown, [errorAt(second, 'a second document begins here; a cluster file holds one')]);
  if (!document || (document.kind === 'scalar' && document.value === null)) {
    throw clusterFileError(shown, [
      errorAt(
        start,
        'is empty',
        'it must hold apiVersion, kind: Cluster and spec; `bootstrap init` writes one where there is none',
      ),
    ]);
  }
  return sets.reduce(applySet, document);
}

function chosenProfiles(
  document: Tree,
  options: readonly string[] | undefined,
): readonly { readonly name: string; readonly at?: Located }[] {
  if (options?.length)
    return options.map((name) => ({ name, at: { path: '', origin: { kind: 'option', text: `--profile ${name}` } } }));
  return asList(at(document, ['spec', 'profiles'])).flatMap((tree) => {
    const name = asText(tree);
    return name === undefined ? [] : [{ name, at: tree }];
  });
}

function mergedSpec(profiles: readonly Profile[], document: Tree): MapTree {
  const own = at(document, ['spec']);
  const empty = fromJson({}, 'spec', document.origin);
  const layers = [...profiles.map((p) => p.spec), own ?? empty];
  const merged = pruneNulls(layers.reduce<Tree>((base, over) => mergeTrees(base, over) ?? base, empty));
  return merged.kind === 'map' ? merged : (empty as MapTree);
}

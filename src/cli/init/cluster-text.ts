import { existsSync, lstatSync } from 'node:fs';
import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parse, parseDocument } from 'yaml';
import { BootstrapError } from '../../base/errors.ts';
import { describeOrigin, type Fault } from '../../base/fault.ts';
import { convertKubeadm } from '../../spec/from-kubeadm/convert.ts';
import { readTextFile } from '../../spec/read-file.ts';
import { asList, asStrings, asText } from '../../spec/read-tree.ts';
import { readYaml } from '../../spec/read-yaml.ts';
import { isPlain, masterTrees } from '../../spec/roles.ts';
import { parseSet } from '../../spec/set-option.ts';
import { at, type Tree } from '../../spec/tree.ts';
import type { InitOptions } from '../commands/init.ts';
import type { Io } from '../io.ts';
import type { Workspace } from '../workspace.ts';
import { describeCluster, hostsOf, parseNodeOption } from './describe.ts';
import { type NewNode, newClusterText } from './new-cluster.ts';

/** The cluster file that `init` goes by. */
export interface ClusterText {
  readonly content: string;
  /** The same, where it is still to be written. */
  readonly written?: string;
  /** What the user should know about it. */
  readonly notes: readonly string[];
  readonly warnings: readonly Fault[];
}

/**
 * The cluster file that is there, or the one to write: from a kubeadm configuration, options, questions or this machine.
 * Options that describe a new cluster are accepted beside an existing file only where they say the same, so that the
 * same command can be given twice.
 */
export async function clusterText(space: Workspace, options: InitOptions, io: Io): Promise<ClusterText> {
  const shown = space.show(space.clusterFile);
  const exists = existsSync(space.clusterFile);
  if (!exists && lstatSync(space.clusterFile, { throwIfNoEntry: false })) {
    throw new BootstrapError('usage', `${shown} is a link to something that is not there`);
  }
  if (exists) {
    const content = readTextFile(space.clusterFile, shown);
    const tree = readYaml({ file: shown, text: content, origin: (place) => ({ kind: 'file', place }) }).documents[0];
    const difference = tree && options.fromKubeadm === undefined ? describesOther(tree, options) : undefined;
    if (options.fromKubeadm !== undefined && !isDeepStrictEqual(parse(fromKubeadm(options).content), parse(content))) {
      throw conflict(shown, `it is not what --from-kubeadm ${options.fromKubeadm} gives`);
    }
    if (difference) throw conflict(shown, difference);
    return { content, notes: tree ? unnamedProfiles(tree, shown, options) : [], warnings: [] };
  }
  const made =
    options.fromKubeadm === undefined
      ? { content: newClusterText(await describeCluster(options, io)), notes: [], warnings: [] }
      : fromKubeadm(options);
  const content = withSets(made.content, options.set ?? []);
  return { content, written: content, notes: made.notes, warnings: made.warnings };
}

function conflict(shown: string, difference: string): BootstrapError {
  return new BootstrapError('usage', `${shown} is there already, and ${difference}`, {
    hint: 'edit that file and run `bootstrap init` without these options, or choose another directory with --dir',
  });
}

/** In what the options differ from the file that is there; undefined where they say the same or nothing. */
function describesOther(tree: Tree, options: InitOptions): string | undefined {
  const differs = (
    option: string,
    given: string | undefined,
    path: readonly string[],
    found = asText(at(tree, path)),
  ): string | undefined =>
    given !== undefined && given !== found
      ? `${option} ${given} is not what stands there (${found ?? 'nothing'})`
      : undefined;
  const masters = (options.node ?? []).map(parseNodeOption);
  const described = (option: string, given: readonly NewNode[], found: string) =>
    given.length && found !== given.map((n) => `${n.name}=${n.addresses.join(',')}`).join(' ')
      ? `${option} describes other nodes than stand there (${found || 'none'})`
      : undefined;
  return (
    differs('--name', options.name, ['metadata', 'name'], asText(at(tree, ['metadata', 'name'])) ?? 'kubernetes') ??
    differs('--endpoint', options.endpoint, ['spec', 'controlPlaneEndpoint']) ??
    described('--node', masters, nodeList(masterTrees(at(tree, ['spec']) ?? tree))) ??
    described('--host', hostsOf(options), nodeList(asList(at(tree, ['spec', 'nodes'])).filter(isPlain)))
  );
}

function nodeList(nodes: readonly Tree[]): string {
  return nodes.map((node) => `${asText(at(node, ['name']))}=${asStrings(at(node, ['addresses'])).join(',')}`).join(' ');
}

/** `--profile` counts for one run only; a file that does not name it would mean something else at the next. */
function unnamedProfiles(tree: Tree, shown: string, { profile = [] }: InitOptions): readonly string[] {
  const named = asStrings(at(tree, ['spec', 'profiles']));
  if (!profile.length || profile.join() === named.join()) return [];
  return [
    `note: --profile counts for this run only; to keep it, write \`profiles: [${profile.join(', ')}]\` under spec in ${shown}`,
  ];
}

function fromKubeadm(options: InitOptions): ClusterText {
  const path = options.fromKubeadm ?? '';
  const converted = convertKubeadm({
    text: readTextFile(resolve(path), path),
    file: path,
    extraNodes: (options.node ?? []).map(parseNodeOption),
    ...(options.endpoint !== undefined && { endpoint: options.endpoint }),
    ...(options.name !== undefined && { name: options.name }),
    ...(options.profile && { profiles: options.profile }),
  });
  const notes = converted.notCarried.map(
    ({ at: { path: field, origin }, why }) => `not carried over: ${describeOrigin(origin)}: ${field}: ${why}`,
  );
  return { content: converted.text, notes, warnings: converted.warnings };
}

/** `--set` on a new cluster file is written into it. */
function withSets(content: string, sets: readonly string[]): string {
  if (!sets.length) return content;
  const doc = parseDocument(content);
  for (const { segments, raw, yaml } of sets.map(parseSet))
    doc.setIn(segments, yaml ? parseDocument(raw).contents : raw);
  return doc.toString({ lineWidth: 0, flowCollectionPadding: false });
}

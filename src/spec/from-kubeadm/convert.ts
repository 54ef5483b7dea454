import { errorAt, type Fault, type Located, uniqueFaults, warningAt } from '../../base/fault.ts';
import { checkNetworking } from '../checks/networking.ts';
import { checkMembers, checkNodes } from '../checks/nodes.ts';
import { checkSettings } from '../checks/settings.ts';
import { withDefaults } from '../defaults.ts';
import { clusterFileError } from '../load.ts';
import { readYaml } from '../read-yaml.ts';
import { parsePath } from '../set-option.ts';
import { at, fromJson, type MapTree, pruneNulls, setAt, type Tree } from '../tree.ts';
import { validateDocument } from '../validate-document.ts';
import type { Placed } from './cluster-wide.ts';
import type { Carried, NotCarried, Outcome } from './outcome.ts';
import { type KubeadmDocuments, sortDocuments } from './read-documents.ts';
import { type KubeadmOptions, settle } from './settle.ts';
import { clusterFileText } from './write.ts';

export interface KubeadmInput extends KubeadmOptions {
  /** The kubeadm configuration: one YAML document or several. */
  readonly text: string;
  /** Its name for messages, as the user wrote it. */
  readonly file: string;
}

export interface KubeadmConversion {
  /** The cluster file: what kubeadm would set up, written out where bootstrap's defaults are others. */
  readonly text: string;
  readonly carried: readonly Carried[];
  /** Every field that has no place in the cluster file, or that nobody knows, in the order of the file. */
  readonly notCarried: readonly NotCarried[];
  readonly warnings: readonly Fault[];
}

/**
 * Makes a cluster file of a kubeadm configuration (v1beta3 or v1beta4; ClusterConfiguration, InitConfiguration,
 * JoinConfigurations of further masters,
 * KubeletConfiguration, KubeProxyConfiguration). Every field is either carried over or named.
 * @throws BootstrapError `cluster-file` with all faults, each placed in the kubeadm configuration
 */
export function convertKubeadm(input: KubeadmInput): KubeadmConversion {
  const start: Located = { path: '', origin: { kind: 'file', place: { file: input.file, line: 1, column: 1 } } };
  const documents = readDocuments(input, start);
  const outcome: Outcome = { carried: [], notCarried: [...documents.notCarried], faults: [...documents.faults] };
  const { placed, complete } = settle(documents, input, start, outcome);
  const tree = assemble(placed, start);
  const faults = [...outcome.faults, ...validateDocument(tree, 'Cluster'), ...checkTogether(tree, complete)];
  const errors = uniqueFaults(faults.filter(({ severity }) => severity === 'error'));
  if (errors.length) throw clusterFileError(input.file, errors);
  const notCarried = inFileOrder(outcome.notCarried);
  const above = new Map(
    placed.flatMap(({ path, comment }) => (comment === undefined ? [] : [[path, comment] as const])),
  );
  return {
    text: clusterFileText(tree, { head: headLines(input.file, documents, notCarried), above }),
    carried: inFileOrder(outcome.carried),
    notCarried,
    warnings: documents.cluster
      ? []
      : [warningAt(start, "holds no ClusterConfiguration; the cluster is made with kubeadm's defaults")],
  };
}

function readDocuments({ text, file }: KubeadmInput, start: Located): KubeadmDocuments {
  const read = readYaml({ file, text, origin: (place) => ({ kind: 'file', place }) });
  if (read.faults.length) throw clusterFileError(file, read.faults);
  const documents = sortDocuments(read.documents);
  if (documents.cluster && documents.init) return documents;
  // one that cannot be read may be the one that is missing
  if (documents.faults.length) throw clusterFileError(file, documents.faults);
  if (documents.cluster || documents.init) return documents;
  const fault = errorAt(
    start,
    'holds neither a ClusterConfiguration nor an InitConfiguration',
    'it is the file that `kubeadm init --config` takes; see `kubeadm config print init-defaults`',
  );
  throw clusterFileError(file, [fault]);
}

function assemble(placed: readonly Placed[], { origin }: Located): MapTree {
  const root = fromJson({ apiVersion: 'bootstrap/v1alpha1', kind: 'Cluster', spec: {} }, '', origin);
  return placed.reduce<Tree>((tree, { path, tree: value }) => setAt(tree, parsePath(path), value), root) as MapTree;
}

/** The checks of the cluster file, made here so that their faults are placed in the kubeadm configuration. */
function checkTogether(tree: MapTree, complete: boolean): readonly Fault[] {
  const pruned = pruneNulls(at(tree, ['spec']) ?? tree);
  if (pruned.kind !== 'map') return [];
  const spec = withDefaults(pruned);
  const networking = checkNetworking(spec);
  return complete ? [...checkNodes(spec), ...checkMembers(spec), ...networking, ...checkSettings(spec)] : networking;
}

function headLines(
  file: string,
  { cluster, init }: KubeadmDocuments,
  notCarried: readonly NotCarried[],
): readonly string[] {
  const version = (cluster ?? init)?.version;
  return [
    'The cluster, as `bootstrap` reads it. All fields: bootstrap config schema',
    `Made by \`bootstrap init --from-kubeadm\` from ${file} (kubeadm.k8s.io/${version}).`,
    ...(notCarried.length ? ['Not carried over:'] : []),
    ...notCarried.map(
      ({ at: { path, origin }, why }) =>
        `  ${origin.kind === 'file' ? `line ${origin.place.line}: ` : ''}${path}: ${why}`,
    ),
  ];
}

function inFileOrder<T extends { readonly at: Located }>(entries: readonly T[]): readonly T[] {
  const place = ({ at: { origin } }: T) => ('place' in origin ? origin.place : { line: 0, column: 0 });
  return [...entries].sort((a, b) => place(a).line - place(b).line || place(a).column - place(b).column);
}

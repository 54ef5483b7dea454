import { errorAt, type Located, type Origin } from '../../base/fault.ts';
import { asText } from '../read-tree.ts';
import { fromJson, type MapTree, type Tree } from '../tree.ts';
import { sameAddress, sameValue } from './compare.ts';
import { dualStackOf } from './dual-stack.ts';
import {
  type Block,
  type ExtraNode,
  matchExtras,
  type NodeDocument,
  type NodeSource,
  type Setting,
  toSource,
} from './node-sources.ts';
import type { Outcome } from './outcome.ts';
import type { FieldValue } from './sort-fields.ts';

/** A node on its way into the cluster file. */
interface Draft {
  readonly name: Tree;
  readonly addresses: readonly Tree[];
  readonly taints: FieldValue | undefined;
  readonly settings: readonly Setting[];
  /** What is reported as carried over once the node's place in the list is known. */
  readonly carried: readonly { readonly at: Located; readonly field: string }[];
}

export interface NodesResult {
  readonly nodes: Tree;
  readonly count: number;
  /** What all nodes agree on: where in the spec, and what. */
  readonly clusterWide: readonly { readonly path: string; readonly tree: Tree }[];
}

/**
 * The masters of the documents, completed with and followed by those of the command line.
 * @param start where it is said that there is none
 */
export function assembleNodes(
  documents: readonly NodeDocument[],
  extras: readonly ExtraNode[],
  start: Located,
  outcome: Outcome,
): NodesResult {
  const sources = documents.map(toSource);
  const matches = matchExtras(sources, extras);
  const drafts = sources.flatMap((source, i) => draftOf(source, matches[i], outcome) ?? []);
  const used = new Set(matches);
  for (const extra of extras) if (!used.has(extra)) drafts.push(draftOfExtra(extra, sources[0]));
  if (!sources.length && !extras.length) {
    const message =
      'names no node: there is no InitConfiguration with nodeRegistration.name and localAPIEndpoint.advertiseAddress';
    outcome.faults.push(errorAt(start, message, 'pass --node NAME=ADDRESS, once for each master'));
  }
  return placeDrafts(drafts, start.origin, outcome);
}

function draftOf(source: NodeSource, extra: ExtraNode | undefined, outcome: Outcome): Draft | undefined {
  const given = extra && extraTrees(extra);
  const name = source.name?.tree ?? given?.name;
  if (!name || (!source.address && !given)) {
    if (!source.broken) outcome.faults.push(missing(source));
    return undefined;
  }
  const dualStack = given || !source.address ? undefined : dualStackOf(source.address.tree, source.settings);
  const addresses = given?.addresses ?? dualStack?.addresses ?? (source.address ? [source.address.tree] : []);
  const overruled = given && source.address && !sameAddress(asText(addresses[0]), asText(source.address.tree));
  if (overruled && source.address)
    outcome.notCarried.push({ at: source.address.at, why: `${optionText(extra)} is taken instead` });
  const settings = dualStack?.settings ?? source.settings;
  const emptied = source.settings.find(({ block }) => !settings.some((left) => left.block === block));
  const carried = [
    ...(source.name ? [{ at: source.name.at, field: 'name' }] : []),
    ...(source.address && !overruled ? [{ at: source.address.at, field: 'addresses[0]' }] : []),
    ...(emptied?.at ? [{ at: emptied.at, field: 'addresses' }] : []),
  ];
  return { name, addresses, taints: source.taints, settings, carried };
}

function missing({ document, name, address }: NodeSource) {
  const field = `${document.kind === 'JoinConfiguration' ? 'controlPlane.' : ''}localAPIEndpoint.advertiseAddress`;
  const what = [...(name ? [] : ['nodeRegistration.name']), ...(address ? [] : [field])];
  const message = `${what.join(' and ')} ${what.length > 1 ? 'are' : 'is'} missing; kubeadm would ask the machine that it runs on`;
  return errorAt(
    document.at,
    message,
    `pass --node ${asText(name?.tree) ?? 'NAME'}=${asText(address?.tree) ?? 'ADDRESS'}`,
  );
}

const optionText = (extra: ExtraNode) => `--node ${extra.name}=${extra.addresses.join(',')}`;

function extraTrees(extra: ExtraNode): { readonly name: Tree; readonly addresses: readonly Tree[] } {
  const origin: Origin = { kind: 'option', text: optionText(extra) };
  return {
    name: fromJson(extra.name, '', origin),
    addresses: extra.addresses.map((address) => fromJson(address, '', origin)),
  };
}

/**
 * A node that only the command line names: it listens on the same port and has the same container runtime as the first
 * one; where that one's document is meant for no certain node, all of it counts.
 */
function draftOfExtra(extra: ExtraNode, first: NodeSource | undefined): Draft {
  const forAny = first && !first.name && !first.address;
  const settings = (first?.settings ?? []).filter(({ block }) => forAny || block !== 'kubelet.extraArgs');
  return {
    ...extraTrees(extra),
    taints: forAny ? first.taints : undefined,
    settings: settings.map((setting) => ({ ...setting, at: undefined })),
    carried: [],
  };
}

const BLOCKS: readonly Block[] = ['apiServer.bindPort', 'kubelet.criSocket', 'kubelet.extraArgs'];

/** Puts what all nodes agree on into the cluster's blocks and the rest into the nodes' own. */
function placeDrafts(drafts: readonly Draft[], origin: Origin, outcome: Outcome): NodesResult {
  const clusterWide = BLOCKS.flatMap((block) => {
    const [first, ...others] = drafts.map(({ settings }) => settings.find((setting) => setting.block === block));
    const shared = first && others.every((other) => other && sameValue(other.tree, first.tree));
    return shared ? [{ block, path: `spec.${block}`, tree: first.tree }] : [];
  });
  const shared = new Set(clusterWide.map(({ block }) => block));
  const items = drafts.map((draft, i) => {
    const node = `spec.nodes[${i}]`;
    for (const { at, field } of draft.carried) outcome.carried.push({ at, to: `${node}.${field}` });
    for (const { at, block } of draft.settings)
      if (at) outcome.carried.push({ at, to: `${shared.has(block) ? 'spec' : node}.${block}` });
    if (draft.taints) outcome.carried.push({ at: draft.taints.at, to: `${node}.taints` });
    return nodeTree(
      draft,
      draft.settings.filter(({ block }) => !shared.has(block)),
    );
  });
  return { nodes: { kind: 'list', path: 'spec.nodes', origin, items }, count: drafts.length, clusterWide };
}

function nodeTree({ name, addresses, taints }: Draft, settings: readonly Setting[]): Tree {
  const { origin } = name;
  const map = (path: string, entries: readonly (readonly [string, Tree])[]): MapTree => ({
    kind: 'map',
    path,
    origin,
    entries: new Map(entries),
  });
  const blocks = new Map<string, (readonly [string, Tree])[]>();
  for (const { block, tree } of settings) {
    const [component = '', field = ''] = block.split('.');
    blocks.set(component, [...(blocks.get(component) ?? []), [field, tree]]);
  }
  return map(name.path.replace(/\.?name$/, ''), [
    ['name', name],
    [
      'addresses',
      {
        kind: 'list',
        path: addresses[0]?.path ?? 'addresses',
        origin: addresses[0]?.origin ?? origin,
        items: addresses,
      },
    ],
    ...(taints ? [['taints', taints.tree] as const] : []),
    ...[...blocks].map(([component, fields]) => [component, map(component, fields)] as const),
  ]);
}

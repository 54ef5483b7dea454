import type { Located } from '../../base/fault.ts';
import { asText } from '../read-tree.ts';
import type { Tree } from '../tree.ts';
import { sameAddress } from './compare.ts';
import type { KubeadmDocument } from './read-documents.ts';
import { lowerCase } from './scalars.ts';
import type { FieldValue } from './sort-fields.ts';

/** A node of the command line: `--node cp1=10.0.0.11`. */
export interface ExtraNode {
  readonly name: string;
  readonly addresses: readonly string[];
}

/** A document that describes a node, with its sorted fields. */
export interface NodeDocument {
  readonly document: KubeadmDocument;
  readonly values: ReadonlyMap<string, FieldValue>;
  /** Some of its values cannot be used; what they were for is not missing. */
  readonly broken: boolean;
}

/** The settings of a node that have a place in the blocks of the whole cluster and in those of one node. */
export type Block = 'apiServer.bindPort' | 'kubelet.criSocket' | 'kubelet.extraArgs';

export interface Setting {
  readonly block: Block;
  readonly tree: Tree;
  /** Where it is reported from; undefined for a copy. */
  readonly at: Located | undefined;
}

const BLOCKS: Readonly<Record<string, Block>> = {
  'localAPIEndpoint.bindPort': 'apiServer.bindPort',
  'nodeRegistration.criSocket': 'kubelet.criSocket',
  'nodeRegistration.kubeletExtraArgs': 'kubelet.extraArgs',
};

/** What one document says of its node. */
export interface NodeSource {
  readonly document: KubeadmDocument;
  readonly broken: boolean;
  readonly name: FieldValue | undefined;
  readonly address: FieldValue | undefined;
  readonly taints: FieldValue | undefined;
  readonly settings: readonly Setting[];
}

export function toSource({ document, values, broken }: NodeDocument): NodeSource {
  const get = (path: string) => values.get(path) ?? values.get(`controlPlane.${path}`);
  const settings = Object.entries(BLOCKS).flatMap(([path, block]): Setting[] => {
    const value = get(path);
    return value ? [{ block, tree: value.tree, at: value.at }] : [];
  });
  const name = get('nodeRegistration.name');
  return {
    document,
    broken,
    // kubeadm makes the name lower-case (GetHostname, cmd/kubeadm/app/util/node.go)
    name: name && { ...name, tree: lowerCase(name.tree) },
    address: get('localAPIEndpoint.advertiseAddress'),
    taints: get('nodeRegistration.taints'),
    settings,
  };
}

/** Which node of the command line completes which document: that of its name, else of its address, else the next one. */
export function matchExtras(
  sources: readonly NodeSource[],
  extras: readonly ExtraNode[],
): readonly (ExtraNode | undefined)[] {
  const free = new Set(extras);
  const claim = (test: (extra: ExtraNode) => boolean): ExtraNode | undefined => {
    const found = [...free].find(test);
    if (found) free.delete(found);
    return found;
  };
  const sure = sources.map(({ name, address }) => {
    const text = asText(name?.tree);
    if (text !== undefined) return claim((extra) => extra.name.toLowerCase() === text);
    const ip = asText(address?.tree);
    return ip === undefined ? undefined : claim((extra) => extra.addresses.some((own) => sameAddress(own, ip)));
  });
  return sources.map(
    ({ name, address, broken }, i) => sure[i] ?? (name || address || broken ? undefined : claim(() => true)),
  );
}

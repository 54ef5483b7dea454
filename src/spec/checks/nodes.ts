import ipaddr from 'ipaddr.js';
import { errorAt, type Fault, warningAt } from '../../base/fault.ts';
import { type Family, familyOf, unusableAddress } from '../cidr.ts';
import { isAddress } from '../names.ts';
import { asList, asStrings, asText } from '../read-tree.ts';
import { masterTrees } from '../roles.ts';
import { at, locate, type MapTree, type Tree } from '../tree.ts';

/** Names and addresses of the nodes: unique, usable, of families that fit together. */
export function checkNodes(spec: MapTree): readonly Fault[] {
  const list = at(spec, ['nodes']);
  if (!list)
    return [
      errorAt(
        locate(spec, ['nodes']),
        'is missing: there must be at least one node',
        'write `nodes: [{name: cp1, addresses: [10.0.0.11]}]`',
      ),
    ];
  const nodes = asList(list);
  return [
    ...duplicates(
      nodes.flatMap((node) => at(node, ['name']) ?? []),
      'node name',
    ),
    ...duplicates(
      nodes.flatMap((node) => at(node, ['hostname']) ?? []),
      'host name',
    ),
    ...duplicates(
      nodes.flatMap((node) => asList(at(node, ['addresses']))),
      'address',
    ),
    ...nodes.flatMap((node) => asList(at(node, ['addresses'])).flatMap(checkUsable)),
    ...nodes.flatMap(checkFamilies),
    ...checkSameFirstFamily(nodes),
    ...nodes.flatMap(checkTaints),
    ...checkTransport(spec, nodes),
  ];
}

/** The same value twice; addresses are compared by value, so that `fd00::1` and `fd00:0::1` are the same. */
function duplicates(values: readonly Tree[], what: string): readonly Fault[] {
  const first = new Map<string, Tree>();
  const faults: Fault[] = [];
  for (const value of values) {
    const text = asText(value);
    if (text === undefined) continue;
    const key = isAddress(text) ? ipaddr.parse(text).toNormalizedString() : text.toLowerCase();
    const earlier = first.get(key);
    if (earlier)
      faults.push(
        errorAt(
          value,
          `${JSON.stringify(text)} is the ${what} of ${earlier.path.replace(/\.(name|hostname)$/, '')} already`,
        ),
      );
    else first.set(key, value);
  }
  return faults;
}

/** kubeadm's and etcd's rule: other masters must be able to reach it. */
function checkUsable(tree: Tree): readonly Fault[] {
  const text = asText(tree);
  if (text === undefined || !isAddress(text)) return [];
  const why = unusableAddress(text);
  return why ? [errorAt(tree, `${JSON.stringify(text)} is ${why}; the other nodes cannot reach it`)] : [];
}

function families(node: Tree): readonly Family[] {
  return asStrings(at(node, ['addresses']))
    .filter(isAddress)
    .map(familyOf);
}

function checkFamilies(node: Tree): readonly Fault[] {
  const [first, second] = families(node);
  const tree = at(node, ['addresses', 1]);
  const text = asText(tree);
  if (!tree || text === undefined || first === undefined || first !== second) return [];
  return [
    errorAt(
      tree,
      `${JSON.stringify(text)} is a second IPv${first} address`,
      'a second address is for dual stack: give one of the other family',
    ),
  ];
}

function checkSameFirstFamily(nodes: readonly Tree[]): readonly Fault[] {
  const [first, ...others] = nodes;
  const wanted = first && families(first)[0];
  return others.flatMap((node) => {
    const family = families(node)[0];
    if (family === undefined || wanted === undefined || family === wanted) return [];
    const tree = at(node, ['addresses', 0]) ?? node;
    return [
      errorAt(
        tree,
        `is IPv${family}, but the first address of ${first?.path} is IPv${wanted}`,
        'list the same family first on all nodes',
      ),
    ];
  });
}

/** There is one machine that `bootstrap` runs on. */
function checkTransport(spec: MapTree, nodes: readonly Tree[]): readonly Fault[] {
  const common = at(spec, ['transport']);
  const local = nodes.filter((node) => asText(at(node, ['transport']) ?? common) === 'local');
  const [first, second] = local;
  if (!first || !second) return [];
  return [
    errorAt(
      at(second, ['transport']) ?? common ?? second,
      `${first.path} and ${second.path} would both be the machine that bootstrap runs on`,
      'give `transport: local` to that one node only',
    ),
  ];
}

function checkTaints(node: Tree): readonly Fault[] {
  const seen = new Set<string>();
  return asList(at(node, ['taints'])).flatMap((taint) => {
    const [name, effect] = [asText(at(taint, ['key'])), asText(at(taint, ['effect']))];
    const key = `${name}:${effect}`;
    if (name === undefined || effect === undefined || !seen.has(key)) {
      seen.add(key);
      return [];
    }
    return [errorAt(taint, `the taint ${key} stands twice`)];
  });
}

/** etcd's members: an even number stands no more failures than the odd one below it. */
export function checkMembers(spec: MapTree): readonly Fault[] {
  const nodes = at(spec, ['nodes']);
  const count = masterTrees(spec).length;
  if (!nodes || count === 0 || at(spec, ['etcd', 'external'])) return [];
  if (count % 2 === 0) {
    const message = `${count} nodes make ${count} etcd members; an even number survives no more failures than ${count - 1}`;
    return [
      errorAt(
        nodes,
        message,
        `use ${count - 1 === 1 ? '1 or 3' : `${count - 1} or ${count + 1}`} nodes, or etcd elsewhere (spec.etcd.external)`,
      ),
    ];
  }
  if (count > 7)
    return [warningAt(nodes, `${count} etcd members slow every write down; etcd's own advice is at most 7`)];
  return [];
}

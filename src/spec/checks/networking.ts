import { errorAt, type Fault, warningAt } from '../../base/fault.ts';
import { addressText, type Cidr, contains, familyOf, overlaps, parseCidrList, unusableAddress } from '../cidr.ts';
import { isAddress } from '../names.ts';
import { asList, asStrings, asText } from '../read-tree.ts';
import { at, type MapTree, type Tree } from '../tree.ts';

/** Service and pod networks: large enough, apart from each other and from the nodes, of fitting families. */
export function checkNetworking(spec: MapTree): readonly Fault[] {
  const serviceTree = at(spec, ['networking', 'serviceSubnet']);
  const podTree = at(spec, ['networking', 'podSubnet']);
  const services = cidrs(serviceTree);
  const pods = cidrs(podTree);
  return [
    ...(serviceTree
      ? services.flatMap((cidr) => [
          ...checkUsable(serviceTree, cidr),
          ...checkServiceSize(serviceTree, cidr),
          ...checkHostBits(serviceTree, cidr),
        ])
      : []),
    ...(podTree ? pods.flatMap((cidr) => [...checkPodSize(spec, podTree, cidr), ...checkHostBits(podTree, cidr)]) : []),
    ...(podTree ? checkOverlap(podTree, services, pods) : []),
    ...checkNodesOutside(spec, services, 'the service subnet'),
    ...checkNodesOutside(spec, pods, 'the pod subnet'),
    ...checkFirstFamily(spec, serviceTree, services),
    ...checkDualStack(podTree, services, pods),
    ...checkSecondFamily(spec, services),
  ];
}

function cidrs(tree: Tree | undefined): readonly Cidr[] {
  const parsed = parseCidrList(asText(tree) ?? '');
  return 'error' in parsed ? [] : parsed;
}

function checkUsable(tree: Tree, cidr: Cidr): readonly Fault[] {
  const why = unusableAddress(addressText(cidr.first, cidr.family));
  return why ? [errorAt(tree, `${cidr.text} begins with ${why}`)] : [];
}

/** kubeadm's limits: at least 10 addresses (DNS takes the tenth), at most 20 host bits (the apiserver's bitmap). */
function checkServiceSize(tree: Tree, cidr: Cidr): readonly Fault[] {
  const hostBits = (cidr.family === 4 ? 32 : 128) - cidr.bits;
  if (hostBits < 4)
    return [
      errorAt(
        tree,
        `${cidr.text} has ${2 ** hostBits} addresses; services need at least 16`,
        `use /${cidr.family === 4 ? 28 : 124} or larger`,
      ),
    ];
  if (hostBits > 20)
    return [
      errorAt(
        tree,
        `${cidr.text} is too large: the apiserver takes at most 20 host bits`,
        `use /${cidr.family === 4 ? 12 : 108} or smaller`,
      ),
    ];
  return [];
}

const flagNumber = (spec: MapTree, ...names: readonly string[]): number | undefined => {
  for (const name of names) {
    const tree = at(spec, ['controllerManager', 'extraArgs', name]);
    if (tree?.kind === 'scalar' && /^\d+$/.test(tree.source)) return Number(tree.source);
  }
  return undefined;
};

/** kubeadm's rule: a node's range (/24, /64) must fit into the pod subnet, at most 16 bits below it. */
function checkPodSize(spec: MapTree, tree: Tree, cidr: Cidr): readonly Fault[] {
  const nodeMask =
    flagNumber(spec, `node-cidr-mask-size-ipv${cidr.family}`, ...(cidr.family === 4 ? ['node-cidr-mask-size'] : [])) ??
    (cidr.family === 4 ? 24 : 64);
  if (cidr.bits > nodeMask)
    return [errorAt(tree, `${cidr.text} is smaller than the /${nodeMask} that each node gets from it`)];
  if (nodeMask - cidr.bits > 16) {
    return [
      errorAt(
        tree,
        `${cidr.text} is too large: a node's /${nodeMask} may be at most 16 bits longer`,
        `use /${nodeMask - 16} or longer, or set node-cidr-mask-size-ipv${cidr.family}`,
      ),
    ];
  }
  return [];
}

function checkHostBits(tree: Tree, cidr: Cidr): readonly Fault[] {
  const network = `${addressText(cidr.first, cidr.family)}/${cidr.bits}`;
  const [address = ''] = cidr.text.split('/');
  if (network === cidr.text || !isAddress(address) || contains({ ...cidr, last: cidr.first }, address)) return [];
  return [warningAt(tree, `${cidr.text} has host bits set`, `the network is ${network}`)];
}

function checkOverlap(tree: Tree, services: readonly Cidr[], pods: readonly Cidr[]): readonly Fault[] {
  return services.flatMap((service) =>
    pods
      .filter((pod) => overlaps(service, pod))
      .map((pod) => errorAt(tree, `${pod.text} overlaps the service subnet ${service.text}`)),
  );
}

/** It works until an address that a node has is handed out, which may take years: worth a warning, not a refusal. */
function checkNodesOutside(spec: MapTree, networks: readonly Cidr[], what: string): readonly Fault[] {
  const addresses = asList(at(spec, ['nodes'])).flatMap((node) => asList(at(node, ['addresses'])));
  return addresses.flatMap((tree) => {
    const text = asText(tree) ?? '';
    if (!isAddress(text)) return [];
    return networks
      .filter((cidr) => contains(cidr, text))
      .map((cidr) =>
        warningAt(
          tree,
          `${JSON.stringify(text)} lies in ${what} ${cidr.text}: an address given to a service or pod may hide that node`,
        ),
      );
  });
}

/** The apiserver refuses to start where its advertise address and its first service range are of different families. */
function checkFirstFamily(spec: MapTree, serviceTree: Tree | undefined, services: readonly Cidr[]): readonly Fault[] {
  const text = asText(at(spec, ['nodes', 0, 'addresses', 0])) ?? '';
  const [first] = services;
  if (!serviceTree || !first || !isAddress(text) || familyOf(text) === first.family) return [];
  const message = `begins with IPv${first.family} (${first.text}), but the nodes' first addresses are IPv${familyOf(text)}`;
  const hint = familyOf(text) === 6 ? ', for example fd00:96::/112' : '';
  return [
    errorAt(
      serviceTree,
      message,
      `the apiserver takes only the same family for both: give one of IPv${familyOf(text)}${hint}`,
    ),
  ];
}

function checkDualStack(podTree: Tree | undefined, services: readonly Cidr[], pods: readonly Cidr[]): readonly Fault[] {
  if (!podTree || services.length === 0 || pods.length === 0) return [];
  const missing = services.filter((service) => !pods.some((pod) => pod.family === service.family));
  return missing.map((cidr) =>
    errorAt(podTree, `has no IPv${cidr.family} network, but the service subnet has one (${cidr.text})`),
  );
}

/** Pods of one family on that node, of two on the others: it works, and is seldom meant. */
function checkSecondFamily(spec: MapTree, services: readonly Cidr[]): readonly Fault[] {
  if (services.length < 2) return [];
  return asList(at(spec, ['nodes'])).flatMap((node) => {
    const addresses = at(node, ['addresses']);
    const known = new Set(asStrings(addresses).filter(isAddress).map(familyOf));
    const missing = services.find((cidr) => !known.has(cidr.family));
    return addresses && known.size && missing
      ? [
          warningAt(
            addresses,
            `has no IPv${missing.family} address, but services have IPv${missing.family} ones (${missing.text})`,
          ),
        ]
      : [];
  });
}

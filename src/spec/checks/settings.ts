import { errorAt, type Fault, warningAt } from '../../base/fault.ts';
import { didYouMean } from '../../base/suggest.ts';
import { isBeyondKnown, newestPatch, parseVersion } from '../../kubernetes/version.ts';
import { unusableAddress } from '../cidr.ts';
import { parseDuration } from '../duration.ts';
import { parseEndpoint } from '../endpoint.ts';
import { isAddress } from '../names.ts';
import { asList, asStrings, asText } from '../read-tree.ts';
import { masterTrees } from '../roles.ts';
import { at, locate, type MapTree, type Tree } from '../tree.ts';
import { checkProxy } from './proxy.ts';
import { checkRoles } from './roles.ts';
import { checkServe } from './serve.ts';

/** What fits the schema one by one but not together. */
export function checkSettings(spec: MapTree): readonly Fault[] {
  return [
    ...checkVersion(spec),
    ...checkEndpoint(spec),
    ...checkEtcd(spec),
    ...checkValidity(spec),
    ...checkNodeLists(spec),
    ...checkFiles(spec),
    ...checkHostDirs(spec),
    ...checkProxy(spec),
    ...checkRoles(spec),
    ...checkServe(spec),
  ];
}

function checkVersion(spec: MapTree): readonly Fault[] {
  const tree = at(spec, ['kubernetesVersion']);
  const version = parseVersion(asText(tree) ?? '');
  if (!tree || 'error' in version || !isBeyondKnown(version)) return [];
  return [
    warningAt(
      tree,
      `${version.text} is newer than the newest release of that minor known here, v1.${version.minor}.${newestPatch(version.minor)}`,
    ),
  ];
}

function checkEndpoint(spec: MapTree): readonly Fault[] {
  const nodes = masterTrees(spec);
  const tree = at(spec, ['controlPlaneEndpoint']);
  if (!tree) {
    if (nodes.length < 2) return [];
    const message = `spec.controlPlaneEndpoint is missing: with ${nodes.length} nodes there must be one address for all of them`;
    return [
      errorAt(
        { path: '', origin: locate(spec, ['nodes']).origin },
        message,
        'give the name or address of your load balancer, host[:port]',
      ),
    ];
  }
  const endpoint = parseEndpoint(asText(tree) ?? '', 6443);
  const unusable = 'host' in endpoint && isAddress(endpoint.host) ? unusableAddress(endpoint.host) : undefined;
  // a loopback address is right where every node has a load balancer of its own
  const say = unusable?.includes('loopback') ? warningAt : errorAt;
  if (unusable) return [say(tree, `${JSON.stringify(asText(tree))} is ${unusable}: others cannot reach the API there`)];
  const owner =
    'host' in endpoint ? nodes.find((node) => asStrings(at(node, ['addresses'])).includes(endpoint.host)) : undefined;
  if (!owner || nodes.length < 2) return [];
  return [
    warningAt(
      tree,
      `is the address of ${owner.path}: when that node is down, nobody reaches the API`,
      'use a load balancer or a DNS name',
    ),
  ];
}

function checkEtcd(spec: MapTree): readonly Fault[] {
  const external = at(spec, ['etcd', 'external']);
  if (!external) return [];
  const faults: Fault[] = [];
  const own = at(spec, ['etcd', 'local']);
  if (own)
    faults.push(errorAt(own, 'stands beside spec.etcd.external', 'etcd is either local or external: remove one'));
  for (const node of masterTrees(spec)) {
    const local = at(node, ['etcd', 'local']);
    if (local) faults.push(errorAt(local, 'has no effect: etcd is external'));
  }
  const [ca, cert, key] = ['caFile', 'certFile', 'keyFile'].map((name) => at(external, [name]));
  if (Boolean(cert) !== Boolean(key))
    faults.push(
      errorAt(external, `"${cert ? 'keyFile' : 'certFile'}" is missing: a client certificate and its key go together`),
    );
  const endpoints = asList(at(external, ['endpoints']));
  for (const tree of endpoints) {
    if (asText(tree)?.startsWith('http://') && (ca || cert || key))
      faults.push(errorAt(tree, 'is plain http, but certificates are given', 'write https://'));
  }
  if (endpoints.some((tree) => asText(tree)?.startsWith('https://')) && !ca)
    faults.push(errorAt(external, '"caFile" is missing: the apiserver needs the CA of an https endpoint'));
  return faults;
}

function checkValidity(spec: MapTree): readonly Fault[] {
  const [caTree, certTree] = [at(spec, ['pki', 'caValidity']), at(spec, ['pki', 'certValidity'])];
  const [ca, cert] = [parseDuration(asText(caTree) ?? ''), parseDuration(asText(certTree) ?? '')];
  if (!certTree || !caTree || ca === undefined || cert === undefined) return [];
  const worst = certTree.origin.kind === 'default' ? caTree : certTree;
  if (cert > ca)
    return [
      errorAt(
        worst,
        `certificates would be valid for ${asText(certTree)}, longer than the ${asText(caTree)} of the CA that signs them`,
      ),
    ];
  const days = Math.round(ca / 864e5);
  if (ca > 100 * 365.25 * 864e5) return [errorAt(caTree, `is ${days} days; more than 100 years is not accepted`)];
  if (cert < 3.6e6)
    return [errorAt(certTree, `${asText(certTree)} is too short to deliver and renew anything; use 1h or more`)];
  return [];
}

/** Names of nodes in `patches`, `files` and `staticPods`. */
function checkNodeLists(spec: MapTree): readonly Fault[] {
  const names = asList(at(spec, ['nodes'])).flatMap((node) => asText(at(node, ['name'])) ?? []);
  const lists = ['patches', 'files', 'staticPods']
    .flatMap((key) => asList(at(spec, [key])))
    .flatMap((entry) => [at(entry, ['nodes']), at(entry, ['stopped'])]);
  return lists
    .flatMap((list) => asList(list))
    .flatMap((tree: Tree) => {
      const name = asText(tree) ?? '';
      return names.includes(name)
        ? []
        : [
            errorAt(
              tree,
              `there is no node ${JSON.stringify(name)}`,
              didYouMean(name, names) ?? `nodes: ${names.join(', ')}`,
            ),
          ];
    });
}

/** The same path twice for one node. */
function checkFiles(spec: MapTree): readonly Fault[] {
  const names = asList(at(spec, ['nodes'])).flatMap((node) => asText(at(node, ['name'])) ?? []);
  const seen = new Map<string, Tree>();
  const faults: Fault[] = [];
  for (const file of asList(at(spec, ['files']))) {
    const path = asText(at(file, ['path'])) ?? '';
    const list = at(file, ['nodes']);
    const keys = (list ? asStrings(list) : names).map((node) => `${node}:${path}`);
    const earlier = keys.map((key) => seen.get(key)).find(Boolean);
    if (earlier) faults.push(errorAt(at(file, ['path']) ?? file, `${path} is given by ${earlier.path} already`));
    for (const key of keys) if (!seen.has(key)) seen.set(key, file);
  }
  return faults;
}

function checkHostDirs(spec: MapTree): readonly Fault[] {
  return asList(at(spec, ['hostCACertDirs'])).flatMap((tree) => {
    const path = asText(tree) ?? '';
    const own = path === '/' || path === '/etc' || path === '/etc/kubernetes' || path.startsWith('/etc/kubernetes/');
    return own ? [errorAt(tree, `${path} is not a directory of CA certificates`)] : [];
  });
}

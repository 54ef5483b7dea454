import { errorAt, type Fault, warningAt } from '../../base/fault.ts';
import { canonicalAddress } from '../../pki/addresses.ts';
import { parseCidr } from '../../spec/cidr.ts';
import { parseEtcdUrl } from '../args.ts';
import type { NodeInput } from '../context.ts';
import { type FlagUse, lastUse } from '../flag-use.ts';
import { KUBELET_CONFIG, KUBELET_KUBECONFIG, type PodComponent } from '../layout.ts';
import { placeOfFlag } from '../place.ts';
import { hasApi } from '../view/common.ts';

type Check = (input: NodeInput, value: string, flags: readonly FlagUse[]) => Complaint | undefined;

interface Complaint {
  readonly message: string;
  readonly hint?: string | undefined;
  readonly severity?: 'warning';
}

/** Flags that say the same as a field of the cluster file, or as a file that is rendered, which does not follow them. */
const CHECKS: Readonly<Record<PodComponent | 'kubelet', Readonly<Record<string, Check>>>> = {
  'kube-apiserver': {
    'service-cluster-ip-range': ({ cluster }, value) =>
      sameNetworks(value, cluster.networking.serviceSubnets)
        ? undefined
        : {
            message: `the certificate of kube-apiserver and the kubelet's clusterDNS follow spec.networking.serviceSubnet (${cluster.networking.serviceSubnets.join(',')}), not this`,
            hint: 'set spec.networking.serviceSubnet',
          },
    'advertise-address': advertised,
  },
  'kube-controller-manager': {
    'cluster-cidr': ({ cluster }, value) => network(value, cluster.networking.podSubnets, 'podSubnet'),
    'service-cluster-ip-range': ({ cluster }, value) =>
      cluster.networking.podSubnets.length
        ? network(value, cluster.networking.serviceSubnets, 'serviceSubnet')
        : undefined,
  },
  'kube-scheduler': {},
  etcd: {
    name: member,
    'data-dir': ({ node }, value) =>
      value === node.etcd.dataDir
        ? undefined
        : {
            severity: 'warning',
            message: `the volume of the data is that of spec.etcd.local.dataDir (${node.etcd.dataDir}), not this`,
            hint: 'set spec.etcd.local.dataDir',
          },
  },
  kubelet: {
    config: (_, value) =>
      value === KUBELET_CONFIG
        ? undefined
        : {
            message: `the configuration that is rendered is ${KUBELET_CONFIG}`,
            hint: 'set spec.kubelet.config, or patch kubeletconfiguration',
          },
    kubeconfig: ({ cluster }, value) => {
      if (!hasApi(cluster)) {
        const message = 'all nodes have "role: node", so there is no API server and the kubelet is set up to run alone';
        return { message, hint: 'take it out, or add masters' };
      }
      if (value === KUBELET_KUBECONFIG) return undefined;
      return { message: `the kubeconfig that is rendered is ${KUBELET_KUBECONFIG}` };
    },
    'hostname-override': ({ cluster, node }, value) =>
      value.toLowerCase() === node.name
        ? undefined
        : {
            message: hasApi(cluster)
              ? `the kubelet signs in as system:node:${node.name} and may not register as ${JSON.stringify(value)}`
              : `the node is called ${node.name} everywhere else`,
            hint: 'set the name in spec.nodes[].name',
          },
    'node-ip': ({ node }, value) => {
      const own = new Set(node.addresses.map(canonical));
      const other = value.split(',').find((address) => !own.has(canonical(address)) && !/^[0:.]+$/.test(address));
      return other === undefined
        ? undefined
        : {
            severity: 'warning',
            message: `${other} is none of the addresses of the node (${node.addresses.join(', ')})`,
            hint: 'set spec.nodes[].addresses',
          };
    },
  },
};

/** What a user's flag says against the rest of the cluster file. */
export function checkContradictions(
  input: NodeInput,
  component: PodComponent | 'kubelet',
  flags: readonly FlagUse[],
): readonly Fault[] {
  return Object.entries(CHECKS[component]).flatMap(([flag, check]) => {
    const use = lastUse(flags, flag);
    if (!use?.value || use.by === 'template') return [];
    const found = check(input, use.value, flags);
    if (!found) return [];
    const place = placeOfFlag(input, component, use);
    const message = `--${flag}: ${found.message}`;
    return [found.severity ? warningAt(place, message, found.hint) : errorAt(place, message, found.hint)];
  });
}

function network(value: string, wanted: readonly string[], field: string): Complaint | undefined {
  if (!wanted.length || sameNetworks(value, wanted)) return undefined;
  return {
    message: `${value} is not spec.networking.${field} (${wanted.join(',')})`,
    hint: `set spec.networking.${field} and leave the flag out`,
  };
}

/** Both ways of writing count as one; a list that is no networks is for the catalogue to tell. */
function sameNetworks(value: string, wanted: readonly string[]): boolean {
  const key = (text: string) => {
    const cidr = parseCidr(text.trim());
    return 'error' in cidr ? undefined : `${cidr.family} ${cidr.first}/${cidr.bits}`;
  };
  const given = value.split(',').map(key);
  return given.includes(undefined) || given.join() === wanted.map(key).join();
}

function canonical(address: string): string {
  return canonicalAddress(address.trim()) ?? address.trim();
}

/** The kubeconfigs of the node and its certificate are for the first address. */
function advertised({ cluster, node }: NodeInput, value: string): Complaint | undefined {
  const names = [node.addresses[0], ...node.apiServer.certSANs, cluster.endpoint?.host ?? ''].map(canonical);
  if (names.includes(canonical(value))) return undefined;
  return {
    message: `${value} is not in the certificate of kube-apiserver, which is for ${node.addresses[0]}`,
    hint: `make ${value} the first of spec.nodes[].addresses, or add it to spec.apiServer.certSANs`,
  };
}

/** etcd does not start where --initial-cluster does not hold the member as it calls itself. */
function member(_: NodeInput, value: string, flags: readonly FlagUse[]): Complaint | undefined {
  return memberFault(value, flags);
}

function memberFault(name: string, flags: readonly FlagUse[]): Complaint | undefined {
  const members = lastUse(flags, 'initial-cluster')
    ?.value?.split(',')
    .map((text) => text.trim());
  if (!members) return undefined;
  const own = members.filter((text) => text.startsWith(`${name}=`)).map((text) => urlKey(text.slice(name.length + 1)));
  if (!own.length)
    return { message: `--initial-cluster has no member ${JSON.stringify(name)}, so etcd does not start` };
  const advertisedUrls = (lastUse(flags, 'initial-advertise-peer-urls')?.value ?? '').split(',').map(urlKey);
  return own.toSorted().join() === advertisedUrls.toSorted().join()
    ? undefined
    : {
        message: `--initial-cluster has ${JSON.stringify(name)} at other URLs than --initial-advertise-peer-urls, so etcd does not start`,
        hint: 'every member needs a name of its own',
      };
}

function urlKey(text: string): string {
  const url = parseEtcdUrl(text);
  return url ? `${url.scheme} ${canonical(url.host)} ${url.port}` : text.trim();
}

/** The same where not the name but --initial-cluster is the user's. */
export function checkMember(input: NodeInput, flags: readonly FlagUse[]): readonly Fault[] {
  const name = lastUse(flags, 'name');
  const members = lastUse(flags, 'initial-cluster');
  if (!name?.value || !members || name.by !== 'template' || members.by === 'template') return [];
  const found = memberFault(name.value, flags);
  return found ? [errorAt(placeOfFlag(input, 'etcd', members), found.message)] : [];
}

import { join } from 'node:path';
import { MASTERS, type MasterName } from './cluster.ts';
import { CLUSTER, KUBE_BIN } from './places.ts';
import { admin, inHost } from './rig.ts';

export const kubectl = (...args: readonly string[]): Promise<string> =>
  admin(join(KUBE_BIN, 'kubectl'), '--kubeconfig', join(CLUSTER, 'admin.conf'), ...args);

export const kubeJson = async (...args: readonly string[]) => JSON.parse(await kubectl(...args, '-o', 'json'));

/** A static pod as the API shows it. */
export interface StaticPod {
  readonly name: string;
  readonly node: string;
  readonly uid: string;
  /** Id of its container; another one each time it is started. */
  readonly container: string;
  readonly restarts: number;
  /** When its container was started, and when it became Ready; ISO 8601, whole seconds. */
  readonly started: string;
  readonly ready: string | undefined;
}

/** All pods that kubelets made from manifests, by name. */
export async function staticPods(): Promise<readonly StaticPod[]> {
  const { items } = await kubeJson('get', 'pods', '-n', 'kube-system', '-l', 'tier=control-plane');
  return items
    .map((pod: KubePod): StaticPod => {
      const status = pod.status.containerStatuses?.[0];
      const ready = pod.status.conditions?.find(({ type }) => type === 'Ready');
      return {
        name: pod.metadata.name,
        node: pod.spec.nodeName,
        uid: pod.metadata.uid,
        container: status?.containerID ?? '',
        restarts: status?.restartCount ?? 0,
        started: status?.state.running?.startedAt ?? '',
        ready: ready?.status === 'True' ? ready.lastTransitionTime : undefined,
      };
    })
    .sort((a: StaticPod, b: StaticPod) => (a.name < b.name ? -1 : 1));
}

interface KubePod {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly spec: { readonly nodeName: string };
  readonly status: {
    readonly containerStatuses?: readonly {
      readonly containerID?: string;
      readonly restartCount: number;
      readonly state: { readonly running?: { readonly startedAt: string } };
    }[];
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly lastTransitionTime: string;
    }[];
  };
}

/** What etcdctl says of all members: which one leads, and how many are well. */
export async function etcdMembers(): Promise<{ readonly leader: string | undefined; readonly healthy: number }> {
  const urls = Object.entries(MASTERS).map(([name, address]) => ({ name, url: `https://${address}:2379` }));
  const dir = join(CLUSTER, 'nodes/cp1/etc/kubernetes/pki/etcd');
  const text = await admin(
    join(KUBE_BIN, 'etcdctl'),
    `--endpoints=${urls.map(({ url }) => url).join(',')}`,
    `--cacert=${dir}/ca-bundle.crt`,
    `--cert=${dir}/healthcheck-client.crt`,
    `--key=${dir}/healthcheck-client.key`,
    ...['endpoint', 'status', '-w', 'json'],
  );
  const all: readonly EtcdctlStatus[] = JSON.parse(text);
  const leads = all.find(({ Status }) => Status.leader === Status.header.member_id);
  return {
    leader: urls.find(({ url }) => url === leads?.Endpoint)?.name,
    healthy: all.filter(({ Status }) => Status.leader && !Status.errors?.length).length,
  };
}

interface EtcdctlStatus {
  readonly Endpoint: string;
  readonly Status: {
    readonly header: { readonly member_id: number };
    readonly leader: number;
    readonly errors?: readonly string[];
  };
}

/** SHA-256 of each file of the control plane on a node, by path. */
export async function filesOn(node: MasterName): Promise<ReadonlyMap<string, string>> {
  const text = await inHost(
    node,
    'find /etc/kubernetes /etc/systemd/system/kubelet.service.d /var/lib/kubelet/config.yaml -type f -exec sha256sum {} +',
  );
  return new Map(
    text
      .trim()
      .split('\n')
      .map((line) => [line.slice(66), line.slice(0, 64)] as const),
  );
}

import { BootstrapError } from '../../base/errors.ts';
import { below } from '../../render/json.ts';
import { MANIFESTS, POD_COMPONENTS, PORTS, type PodComponent } from '../../render/layout.ts';
import type { Master } from '../apply/master.ts';
import { kubeletHealthPort, tlsCertificatesOf, wantedPods } from '../apply/wanted.ts';
import { bare } from '../bare.ts';
import { etcdReports } from '../etcd-reports.ts';
import type { NodeFacts } from '../node-facts.ts';
import { nodePath } from '../objects/object-path.ts';
import type { PlainNode } from '../plain/plain-node.ts';
import { driftOf } from '../plan/drift.ts';
import { straysOf } from '../plan/strays.ts';
import type { ApiClient } from '../probe/api-client.ts';
import { mirrorPod } from '../probe/mirror-pod.ts';
import { etcdView } from '../probe/quorum.ts';
import type { Sight } from '../sight.ts';
import { factsRequest } from '../survey.ts';
import { certificatesIn } from './certificates.ts';
import { manifestDigests } from './manifest-digests.ts';
import type {
  CertificateServed,
  EtcdObservation,
  NodeComponent,
  NodeObservation,
  PodDigests,
  PodSeen,
} from './observe.ts';

/** One master that can be reached. */
export interface Watched {
  readonly master: Master;
  readonly sight: Sight;
}

/** Where the kubelet keeps the client certificate that it got by itself (client-go, util/certificate: certificate_store.go). */
const KUBELET_OWN = '/var/lib/kubelet/pki/kubelet-client-current.pem';

/** Looks at one master: its machine, and what runs on it. Where the machine cannot be read it counts as not reached. */
export async function observeNode({ master, sight }: Watched, api: ApiClient | undefined): Promise<NodeObservation> {
  const { agent, bundle, name } = master;
  try {
    const sent = Date.now();
    const facts = await agent.facts(factsRequest(master));
    const received = Date.now();
    const [files, identity] = await Promise.all([agent.read(pathsOf(facts)), agent.kubeletIdentity()]);
    const manifests = [...files].filter(([path]) => path.startsWith(`${MANIFESTS}/`));
    const [apiServer, controllerManager, scheduler, kubelet, pods, served, kubeletVersion] = await Promise.all([
      sight.apiServer(),
      sight.controllerManager(),
      sight.scheduler(),
      sight.kubelet(kubeletHealthPort(bundle) ?? PORTS.kubeletHealth),
      api && podsOf(api, master),
      servedBy(master, sight),
      api && kubeletVersionOf(api, name),
    ]);
    const health = {
      'kube-apiserver': apiServer,
      'kube-controller-manager': controllerManager,
      'kube-scheduler': scheduler,
      kubelet,
    };
    const unwell = (['kubelet', ...POD_COMPONENTS] as const).filter(
      (component) =>
        (component !== 'etcd' && !health[component].ok) || (component !== 'kubelet' && !pods?.get(component)?.ready),
    );
    const logs = await Promise.all(
      (facts.current === undefined ? [] : unwell).map(
        async (component) => [component, await agent.logs(component, 5)] as const,
      ),
    );
    return {
      node: name,
      contact: { kind: 'reached', facts, clock: { sent, received } },
      pods,
      health,
      manifests: new Map(manifests.flatMap(([path, content]) => manifestEntry(path, content))),
      logs: new Map<NodeComponent, string>(logs.filter(([, text]) => text)),
      certificates: certificatesIn(
        new Map([
          ...[...files].filter(([path]) => path.endsWith('.crt')),
          ...(identity ? [[KUBELET_OWN, Buffer.from(identity)] as const] : []),
        ]),
      ),
      served,
      drift: driftOf(facts),
      strays: straysOf(bundle, facts, MANIFESTS),
      kubeletVersion,
    };
  } catch (error) {
    return unreached(name, error);
  }
}

/**
 * Looks at a host without a control plane: its machine, its kubelet and its files.
 * @param api of the cluster that it has joined, where one answers
 */
export async function observePlain(node: PlainNode, api: ApiClient | undefined): Promise<NodeObservation> {
  const { agent, bundle, name } = node;
  try {
    const sent = Date.now();
    const facts = await agent.facts(factsRequest(node));
    const received = Date.now();
    const [files, identity, kubelet, kubeletVersion] = await Promise.all([
      agent.read(certificatesOf(facts)),
      agent.kubeletIdentity(),
      node.kubeletHealth(kubeletHealthPort(bundle) ?? PORTS.kubeletHealth),
      api && kubeletVersionOf(api, name),
    ]);
    const log = facts.current === undefined || kubelet.ok ? '' : await agent.logs('kubelet', 5);
    return {
      ...NOTHING_SEEN,
      node: name,
      isPlain: true,
      contact: { kind: 'reached', facts, clock: { sent, received } },
      health: { kubelet },
      logs: new Map<NodeComponent, string>(log ? [['kubelet', log]] : []),
      certificates: certificatesIn(
        new Map([...files, ...(identity ? [[KUBELET_OWN, Buffer.from(identity)] as const] : [])]),
      ),
      drift: driftOf(facts),
      strays: straysOf(bundle, facts, MANIFESTS),
      kubeletVersion,
    };
  } catch (error) {
    return { ...unreached(name, error), isPlain: true };
  }
}

const NOTHING_SEEN = {
  pods: undefined,
  health: {},
  manifests: new Map(),
  logs: new Map(),
  certificates: [],
  served: [],
  drift: [],
  strays: [],
  kubeletVersion: undefined,
} as const;

/** What is known of a node that cannot be looked at, by the error that says why. */
export function unreached(node: string, error: unknown): NodeObservation {
  const why = bare(node, error instanceof Error ? error : new Error(String(error)));
  return {
    node,
    ...NOTHING_SEEN,
    contact: { kind: 'unreachable', why, hint: error instanceof BootstrapError ? error.hint : undefined },
  };
}

/** What etcd's members say, of all nodes of the cluster. */
export async function observeEtcd(
  nodes: readonly string[],
  sights: ReadonlyMap<string, Sight>,
): Promise<EtcdObservation> {
  const reports = await etcdReports(nodes, sights, 'certain');
  const view = etcdView(reports);
  if (view.members.length) return { kind: 'seen', view };
  return { kind: 'silent', why: reports.map(({ node, problem }) => `${node}: ${problem ?? 'no answer'}`).join('; ') };
}

/** Manifests, and certificates of the current revision: nothing that is secret. */
function pathsOf(facts: NodeFacts): readonly string[] {
  const names = new Set(facts.manifests);
  return [
    ...POD_COMPONENTS.map((component) => `${component}.yaml`)
      .filter((name) => names.has(name))
      .map((name) => `${MANIFESTS}/${name}`),
    ...certificatesOf(facts),
  ];
}

function certificatesOf({ index }: NodeFacts): readonly string[] {
  return index.map(({ path }) => path).filter((path) => path.endsWith('.crt'));
}

function manifestEntry(path: string, content: Buffer): readonly (readonly [PodComponent, PodDigests])[] {
  const component = POD_COMPONENTS.find((name) => path === `${MANIFESTS}/${name}.yaml`);
  return component ? [[component, manifestDigests(content.toString())]] : [];
}

async function podsOf(api: ApiClient, { bundle }: Master): Promise<ReadonlyMap<PodComponent, PodSeen> | undefined> {
  try {
    const found = await Promise.all(
      wantedPods(bundle).map(async ({ component: name, mirror }) => {
        const component = POD_COMPONENTS.find((one) => one === name);
        const pod = component && (await mirrorPod(api, mirror));
        return pod ? [[component, pod] as const] : [];
      }),
    );
    return new Map(found.flat());
  } catch {
    return undefined;
  }
}

async function kubeletVersionOf(api: ApiClient, node: string): Promise<string | undefined> {
  const object = await api.get(nodePath(node)).catch(() => undefined);
  const version = below(object, 'status', 'nodeInfo', 'kubeletVersion');
  return typeof version === 'string' ? version : undefined;
}

async function servedBy({ bundle }: Master, sight: Sight): Promise<readonly CertificateServed[]> {
  const found = await Promise.all(
    tlsCertificatesOf(bundle).map(async ({ component, path }): Promise<readonly CertificateServed[]> => {
      const port = sight.endpoints()[component]?.port;
      const leaf = await sight.leaf(component);
      if (!leaf || port === undefined) return [];
      return [
        {
          component: component === 'etcd' ? 'etcd' : 'kube-apiserver',
          port,
          path,
          notBefore: Date.parse(leaf.notBefore),
          notAfter: Date.parse(leaf.notAfter),
          fingerprint: leaf.fingerprint,
        },
      ];
    }),
  );
  return found.flat();
}

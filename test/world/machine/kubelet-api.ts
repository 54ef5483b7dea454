import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { type ApiClient, apiClient } from '../api-client.ts';
import { at, type Json, listAt, microTime, textAt } from '../json.ts';
import { type KubeletIdentity, kubeletIdentity } from './kubelet-identity.ts';
import { type MachineSettings, onNode } from './settings.ts';

/** Milliseconds between two renewals of the node's lease (nodeLeaseDurationSeconds / 4: 10 s). */
const LEASE_MS = 2000;

/** What the kubelet needs of the API that its kubeconfig names. */
export interface KubeletApi {
  readonly client: ApiClient;
  readonly identity: KubeletIdentity;
}

/**
 * The API as a kubeconfig of the node names it; one whose files cannot be read ends the kubelet. Its CA is read once, at the
 * start (reference/rotation.md: the kubelet keeps its roots until it is restarted).
 */
export function apiOf(settings: MachineSettings, kubeconfig: string | undefined): KubeletApi | undefined {
  if (kubeconfig === undefined) return undefined;
  try {
    const config = parse(readFileSync(onNode(settings, kubeconfig), 'utf8')) as Json;
    const server = new URL(textAt(config, 'clusters', 0, 'cluster', 'server'));
    const ca = readFileSync(onNode(settings, textAt(config, 'clusters', 0, 'cluster', 'certificate-authority')));
    const identity = kubeletIdentity(settings, {
      cert: textAt(config, 'users', 0, 'user', 'client-certificate'),
      key: textAt(config, 'users', 0, 'user', 'client-key'),
    });
    const nobody = { cert: '', key: '' };
    const client = apiClient(server.hostname, Number(server.port || 443), () => ({
      ca,
      ...(identity.current() ?? nobody),
    }));
    return { client, identity };
  } catch (error) {
    throw new Error(
      `command failed err="unable to load ${kubeconfig}: ${String(error).replaceAll(settings.root, '')}"`,
    );
  }
}

/** Makes the Node once the API answers (pkg/kubelet/kubelet_node_status.go); later calls do nothing. */
export function registerNode(
  api: ApiClient,
  node: string,
  flags: ReadonlyMap<string, string>,
  config: Json,
  version: string,
): () => Promise<void> {
  let registered = false;
  return async () => {
    if (registered) return;
    const labels = (flags.get('node-labels') ?? '').split(',').filter(Boolean);
    const answer = await api.request('/api/v1/nodes?fieldManager=kubelet', {
      method: 'POST',
      body: {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: {
          name: node,
          labels: {
            'kubernetes.io/hostname': node,
            'kubernetes.io/os': 'linux',
            ...Object.fromEntries(labels.map((label) => [label.split('=')[0], label.split('=')[1] ?? ''])),
          },
        },
        spec: at(config, 'registerWithTaints') ? { taints: listAt(config, 'registerWithTaints') } : {},
        status: {
          addresses: [
            { type: 'InternalIP', address: flags.get('node-ip') ?? '127.0.0.1' },
            { type: 'Hostname', address: node },
          ],
          conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady' }],
          daemonEndpoints: { kubeletEndpoint: { Port: Number(at(config, 'port') ?? 10250) } },
          nodeInfo: { kubeletVersion: version },
        },
      },
    });
    if (answer.status >= 300 && answer.status !== 409) throw new Error(`POST nodes: ${answer.text}`);
    registered = true;
  };
}

/** Renews the node's lease where it is time to, at once after the start (component-helpers/apimachinery/lease). */
export function heartbeat(api: ApiClient, node: string): () => Promise<void> {
  const path = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
  let last = 0;
  return async () => {
    if (Date.now() - last < LEASE_MS) return;
    const spec = { holderIdentity: node, leaseDurationSeconds: 40, renewTime: microTime() };
    const renewed = await api.request(`${path}/${node}`, {
      method: 'PATCH',
      type: 'application/merge-patch+json',
      body: { spec },
    });
    const metadata = { name: node, namespace: 'kube-node-lease' };
    const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
    const { status, text } = renewed.status === 404 ? await api.request(path, { method: 'POST', body }) : renewed;
    if (status >= 300) throw new Error(`Failed to ensure lease exists: ${text}`);
    last = Date.now();
  };
}

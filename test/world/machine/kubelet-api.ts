import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { type ApiClient, apiClient } from '../api-client.ts';
import { at, type Json, listAt, textAt } from '../json.ts';
import { type MachineSettings, onNode } from './settings.ts';

const KUBELET_VERSION = 'v1.36.2';

/**
 * The API as a kubeconfig of the node names it; a kubeconfig whose files cannot be read ends the kubelet. Its files are
 * read once, at the start (reference/rotation.md: the kubelet keeps its roots until it is restarted).
 */
export function apiOf(settings: MachineSettings, kubeconfig: string | undefined): ApiClient | undefined {
  if (kubeconfig === undefined) return undefined;
  try {
    const config = parse(readFileSync(onNode(settings, kubeconfig), 'utf8')) as Json;
    const read = (path: string) => readFileSync(onNode(settings, path));
    const server = new URL(textAt(config, 'clusters', 0, 'cluster', 'server'));
    return apiClient(server.hostname, Number(server.port || 443), {
      ca: read(textAt(config, 'clusters', 0, 'cluster', 'certificate-authority')),
      cert: read(textAt(config, 'users', 0, 'user', 'client-certificate')),
      key: read(textAt(config, 'users', 0, 'user', 'client-key')),
    });
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
          nodeInfo: { kubeletVersion: KUBELET_VERSION },
        },
      },
    });
    if (answer.status >= 300 && answer.status !== 409) throw new Error(`POST nodes: ${answer.text}`);
    registered = true;
  };
}

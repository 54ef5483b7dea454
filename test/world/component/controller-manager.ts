import { readFileSync } from 'node:fs';
import type { ApiClient } from '../api-client.ts';
import { certificatesIn } from '../authorities.ts';
import { at, type Json, type JsonMap, listAt, mapAt, textAt } from '../json.ts';
import { onChange } from '../watched.ts';
import { lead } from './election.ts';
import { type Flags, fatal, flag } from './flags.ts';
import { kubeconfigClient } from './kubeconfig-client.ts';
import { mayBeSigned, type SigningPair, signed, signingPair } from './signing.ts';

const ROOT_CA = 'kube-root-ca.crt';

/**
 * What the leader among the controller-managers does here: kube-root-ca.crt in every namespace with what --root-ca-file
 * held when it started (pkg/controller/certificates/rootcacertpublisher), the service account `default` in every namespace,
 * and certificates for kubelets, approved and signed with the pair of --cluster-signing-cert-file as it is on the disk.
 */
export function controllerManager(flags: Flags): void {
  const api = kubeconfigClient(flag(flags, 'kubeconfig'));
  const rootFile = flag(flags, 'root-ca-file');
  const rootCA = rootFile ? readFileSync(rootFile, 'utf8') : undefined;
  const pair = followedPair(flags);
  lead(api, 'kube-controller-manager', async () => {
    const namespaces = await namesIn(api, '/api/v1/namespaces');
    if (rootCA !== undefined) await publishRoot(api, namespaces, rootCA);
    await makeAccounts(api, namespaces);
    const signer = pair();
    if (signer) await signRequests(api, signer);
  });
}

/** At the start one that cannot be used ends it; later it changes nothing (pkg/controller/certificates/signer/ca_provider.go). */
function followedPair(flags: Flags): () => SigningPair | undefined {
  const files = [flag(flags, 'cluster-signing-cert-file'), flag(flags, 'cluster-signing-key-file')] as const;
  if (!files[0] || !files[1]) return () => undefined;
  let pair: SigningPair;
  try {
    pair = signingPair(...files);
  } catch (error) {
    return fatal(
      `error starting "certificatesigningrequest-signing-controller": failed to start kubernetes.io/kube-apiserver-client-kubelet certificate controller: ${(error as Error).message}`,
    );
  }
  onChange(files, () => {
    try {
      pair = signingPair(...files);
    } catch (error) {
      console.error(`E dynamic_serving_content.go:145] ${(error as Error).message}`);
    }
  });
  return () => pair;
}

const itemsOf = async (api: ApiClient, path: string): Promise<readonly Json[]> =>
  listAt((await api.request(path)).body, 'items');

const namesIn = async (api: ApiClient, path: string): Promise<readonly string[]> =>
  (await itemsOf(api, path)).map((item) => textAt(item, 'metadata', 'name'));

async function publishRoot(api: ApiClient, namespaces: readonly string[], text: string): Promise<void> {
  const there = new Map(
    (await itemsOf(api, `/api/v1/configmaps?fieldSelector=metadata.name%3D${ROOT_CA}`)).map((item) => [
      textAt(item, 'metadata', 'namespace'),
      item,
    ]),
  );
  const data = { 'ca.crt': text };
  for (const namespace of namespaces) {
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const live = there.get(namespace);
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: ROOT_CA, namespace }, data };
    if (!live) await api.request(path, { method: 'POST', body: object });
    else if (textAt(live, 'data', 'ca.crt') !== text || Object.keys(mapAt(live, 'data')).length !== 1) {
      await api.request(`${path}/${ROOT_CA}`, { method: 'PUT', body: { ...(live as JsonMap), data } });
    }
  }
}

async function makeAccounts(api: ApiClient, namespaces: readonly string[]): Promise<void> {
  const there = (await itemsOf(api, '/api/v1/serviceaccounts?fieldSelector=metadata.name%3Ddefault')).map((item) =>
    textAt(item, 'metadata', 'namespace'),
  );
  for (const namespace of namespaces.filter((name) => !there.includes(name))) {
    await api.request(`/api/v1/namespaces/${namespace}/serviceaccounts`, {
      method: 'POST',
      body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } },
    });
  }
}

async function signRequests(api: ApiClient, pair: SigningPair): Promise<void> {
  const path = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
  for (const request of await itemsOf(api, path)) {
    if (at(request, 'status', 'certificate') || !mayBeSigned(request)) continue;
    const csr = Buffer.from(textAt(request, 'spec', 'request'), 'base64').toString('utf8');
    const certificate = await signed(csr, pair);
    if (!certificatesIn(certificate).length) continue;
    const approved = { type: 'Approved', status: 'True', reason: 'AutoApproved' };
    await api.request(`${path}/${textAt(request, 'metadata', 'name')}/status`, {
      method: 'PATCH',
      type: 'application/merge-patch+json',
      body: { status: { conditions: [approved], certificate: Buffer.from(certificate).toString('base64') } },
    });
  }
}

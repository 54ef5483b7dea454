import type { JsonMap } from '../../render/json.ts';
import { together } from '../objects/together.ts';
import type { ApiClient, CallOptions } from '../probe/api-client.ts';
import { seenIn } from '../probe/probe-error.ts';
import {
  apiServiceFindings,
  authenticationFindings,
  clusterInfoFindings,
  crdFindings,
  ROOT_CA,
  rootCaFindings,
  tokenSecretFindings,
  webhookFindings,
} from './bundle-findings.ts';
import type { CaPair } from './cas.ts';
import { masterKubeletFindings, renewedNodes, requestFindings } from './certificate-findings.ts';
import { type Finding, sorted } from './finding.ts';
import {
  type KubeletLook,
  kubeletCertificateFindings,
  kubeletLook,
  kubeletTrustFindings,
  REFUSED,
  type SigningTime,
} from './kubelet-findings.ts';
import { nameOf } from './object-text.ts';
import { fullNames, podFindings, SEEN_BY_PODS_AFTER } from './pod-findings.ts';

export interface SurveyInput {
  readonly api: ApiClient;
  /** The CAs that are being rotated; the etcd CA is known to nobody in the API. */
  readonly kubernetes: CaPair | undefined;
  readonly frontProxy: CaPair | undefined;
  /** Since when both are trusted by all masters, milliseconds since 1970. */
  readonly trustedSince: number;
  /** Names of the nodes that this program cares for itself. */
  readonly masters: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly signal?: AbortSignal;
}

export interface DistrustInput extends SurveyInput {
  readonly signing: SigningTime;
  /** Master → `agent.kubeletIdentity()`. */
  readonly kubeletIdentities: ReadonlyMap<string, string>;
}

/**
 * Who would not know the servers any more once their certificates come from the new CA.
 * @returns in a fixed order; nothing of a Secret but its name comes out
 * @throws ProbeError where the API does not show everything
 */
export async function surveyBeforeIssue(input: SurveyInput): Promise<readonly Finding[]> {
  return sorted(await trustFindings(input, await look(input)));
}

/**
 * The same, and whose client certificate would not be taken any more once the old CA is trusted by nobody.
 * @throws ProbeError where the API does not show everything
 */
export async function surveyBeforeDistrust(input: DistrustInput): Promise<readonly Finding[]> {
  const { api, kubernetes, signing, kubeletIdentities, now } = input;
  const found = await look(input);
  const trust = trustFindings(input, found);
  if (!kubernetes) return sorted(trust);
  const requests = await api.list('/apis/certificates.k8s.io/v1/certificatesigningrequests', few(input, 200));
  return sorted([
    ...trust,
    ...kubeletCertificateFindings(found.kubelets, signing, renewedNodes(requests, kubernetes, now), now),
    ...requestFindings(requests, kubernetes, now),
    ...masterKubeletFindings(kubeletIdentities, kubernetes),
  ]);
}

type Objects = readonly JsonMap[];

interface Found {
  readonly authentication: JsonMap | undefined;
  readonly clusterInfo: JsonMap | undefined;
  readonly namespaces: Objects;
  readonly rootCas: Objects;
  readonly tokenSecrets: Objects;
  readonly validating: Objects;
  readonly mutating: Objects;
  readonly apiServices: Objects;
  readonly crds: Objects;
  readonly pods: Objects;
  readonly replicaSets: Objects;
  readonly kubelets: readonly KubeletLook[];
}

const NOTHING: Found = {
  authentication: undefined,
  clusterInfo: undefined,
  namespaces: [],
  rootCas: [],
  tokenSecrets: [],
  validating: [],
  mutating: [],
  apiServices: [],
  crds: [],
  pods: [],
  replicaSets: [],
  kubelets: [],
};

const ADMISSION = '/apis/admissionregistration.k8s.io/v1';

async function look(input: SurveyInput): Promise<Found> {
  const { api, kubernetes, signal } = input;
  const call: CallOptions = { ...(signal && { signal }) };
  const authentication = await api.get(
    '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication',
    call,
  );
  if (!kubernetes) return { ...NOTHING, authentication };
  const list = (path: string, limit: number, fieldSelector?: string) =>
    api.list(path, few(input, limit, fieldSelector));
  const [
    clusterInfo,
    namespaces,
    rootCas,
    tokenSecrets,
    validating,
    mutating,
    apiServices,
    crds,
    nodes,
    pods,
    replicaSets,
  ] = await Promise.all([
    api.get('/api/v1/namespaces/kube-public/configmaps/cluster-info', call),
    list('/api/v1/namespaces', 500),
    list('/api/v1/configmaps', 500, `metadata.name=${ROOT_CA}`),
    list('/api/v1/secrets', 200, 'type=kubernetes.io/service-account-token'),
    list(`${ADMISSION}/validatingwebhookconfigurations`, 50),
    list(`${ADMISSION}/mutatingwebhookconfigurations`, 50),
    list('/apis/apiregistration.k8s.io/v1/apiservices', 200),
    // one may have a megabyte, and a page must not have eight
    list('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', 5),
    list('/api/v1/nodes', 100),
    list('/api/v1/pods', 100),
    list('/apis/apps/v1/replicasets', 200),
  ]);
  const others = nodes.map(nameOf).filter((name) => !input.masters.includes(name));
  const kubelets = await together(others, (node) => kubeletOf(input, node));
  return {
    authentication,
    clusterInfo,
    namespaces,
    rootCas,
    tokenSecrets,
    validating,
    mutating,
    apiServices,
    crds,
    pods,
    replicaSets,
    kubelets,
  };
}

function few(
  { signal }: SurveyInput,
  limit: number,
  fieldSelector?: string,
): Parameters<ApiClient['list']>[1] & object {
  return { query: { limit, ...(fieldSelector && { fieldSelector }) }, seconds: 30, ...(signal && { signal }) };
}

async function kubeletOf({ api, now, signal }: SurveyInput, node: string): Promise<KubeletLook> {
  const silent = (problem: string): KubeletLook => ({
    node,
    problem,
    startedAt: undefined,
    certificateEnds: undefined,
  });
  try {
    const path = `/api/v1/nodes/${encodeURIComponent(node)}/proxy/metrics`;
    const { status, text } = await api.request('GET', path, { seconds: 5, ...(signal && { signal }) });
    if (status === 200) return kubeletLook(node, text, now);
    return silent(status === 401 ? REFUSED : `it answers with ${status}`);
  } catch (error) {
    return silent(seenIn(error));
  }
}

function trustFindings(input: SurveyInput, found: Found): readonly Finding[] {
  const { kubernetes, frontProxy, trustedSince } = input;
  const authentication = authenticationFindings(found.authentication, { kubernetes, frontProxy });
  if (!kubernetes) return authentication;
  return [
    ...authentication,
    ...rootCaFindings(found.namespaces, found.rootCas, kubernetes),
    ...clusterInfoFindings(found.clusterInfo, kubernetes),
    ...tokenSecretFindings(found.tokenSecrets, kubernetes),
    ...webhookFindings('ValidatingWebhookConfiguration', found.validating, kubernetes),
    ...webhookFindings('MutatingWebhookConfiguration', found.mutating, kubernetes),
    ...apiServiceFindings(found.apiServices, kubernetes),
    ...crdFindings(found.crds, kubernetes),
    ...kubeletTrustFindings(found.kubelets, trustedSince),
    ...podFindings({
      pods: found.pods,
      replicaSets: found.replicaSets,
      tokenSecrets: fullNames(found.tokenSecrets),
      startedBefore: trustedSince + SEEN_BY_PODS_AFTER,
    }),
  ];
}

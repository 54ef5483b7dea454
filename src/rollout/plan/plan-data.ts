import type { ClusterNode } from '../../spec/cluster.ts';
import type { Json } from '../../spec/tree.ts';
import type { CertificateFacts, FileChange, FileState, NodePlan, ObjectChange, Plan } from '../plan.ts';
import { octal } from './drift.ts';
import { nodeChanges, planChanges } from './plan-node.ts';

type Data = { readonly [key: string]: Json };

/** A plan as data, for scripts and for the plan file. Its keys are stable; it holds no secret. */
export function planData(plan: Plan): Data {
  const { cluster, mode, quorum, leader, unwell, expired, nodes, plainNodes, served, objects } = plan;
  return {
    cluster,
    mode,
    changes: planChanges(plan),
    quorum: { ...quorum },
    leader: leader ?? null,
    unwell: Object.fromEntries(unwell),
    expired: Object.fromEntries(
      [...expired].map(([node, { certificates, kubelet }]) => [
        node,
        {
          certificates: certificates.map(({ path, notAfter }) => ({
            path,
            notAfter: new Date(notAfter).toISOString(),
          })),
          kubelet: kubelet ?? null,
        },
      ]),
    ),
    nodes: [...nodes.map((each) => nodeData(each, 'master')), ...plainNodes.map((each) => nodeData(each, 'node'))],
    served: served.map(({ node, kind, pods }) => ({ node, kind, pods: pods.map((pod) => ({ ...pod })) })),
    objects: objects?.map(objectData) ?? null,
  };
}

function nodeData(plan: NodePlan, role: ClusterNode['role']): Data {
  const { node, digest, observed, currentRevision, changes, drift, strays, clashes, kubelet, kubeletWhy } = plan;
  return {
    node,
    role,
    digest,
    observed,
    revision: currentRevision ?? null,
    recorded: plan.recorded,
    changes: nodeChanges(plan),
    unfinished: plan.unfinished ? { ...plan.unfinished } : null,
    files: changes.map(changeData),
    drift: drift.map((each) => ({ ...each })),
    strays,
    clashes: clashes.map((each) => ({ ...each })),
    kubelet: { action: kubelet, why: kubeletWhy },
    pods: plan.pods.map(({ pod, kind, why }) => ({ pod, kind, why })),
  };
}

function changeData({ kind, path, effect, sensitive, before, after, diff, certificates }: FileChange): Data {
  return {
    kind,
    path,
    effect: effect.kind,
    sensitive,
    before: stateData(before, sensitive),
    after: stateData(after, sensitive),
    diff: diff ?? null,
    certificates: certificates
      ? { before: certificates.before.map(certificateData), after: certificates.after.map(certificateData) }
      : null,
  };
}

/** Digits of a secret's SHA-256 that are shown: enough to tell two apart, too few to find a short one by trying. */
const FINGERPRINT = 12;

export function fingerprint(sha256: string): string {
  return sha256.slice(0, FINGERPRINT);
}

function stateData(state: FileState | undefined, sensitive: boolean): Json {
  if (!state) return null;
  const { sha256, mode, owner } = state;
  return { sha256: sensitive ? fingerprint(sha256) : sha256, mode: octal(mode), owner };
}

function certificateData(certificate: CertificateFacts): Data {
  return { ...certificate };
}

function objectData({ kind, object, fields }: ObjectChange): Data {
  return { kind, object, fields };
}

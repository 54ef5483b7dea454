import { type Bundle, bundleDigest } from '../../bundle/bundle.ts';
import { certificateProblems, certificateStatuses, nodesWithExpired } from './certificates.ts';
import { clockProblems, clockSkew } from './clock.ts';
import { componentsOf } from './components.ts';
import { etcdProblems, etcdStatus } from './etcd.ts';
import { kubeletVersionProblem } from './kubelet-version.ts';
import { nodeProblems } from './node-problems.ts';
import type { ClusterObservation, EtcdObservation, NodeObservation } from './observe.ts';
import type { NodeStatus, Problem, ProblemCode, RevisionStatus, Status } from './status.ts';
import { listed, oneLine } from './words.ts';

/**
 * What the observations mean: the state of everything, and what is wrong with it, worst first.
 * Pure; takes any combination of things seen and not seen, and never throws.
 * @param bundles what the cluster file wants now; a node without one is not compared
 * @param now milliseconds since the epoch, by this machine's clock
 */
export function statusOf(observed: ClusterObservation, bundles: readonly Bundle[], now: number): Status {
  const wanted = new Map(bundles.map((bundle) => [bundle.node, bundleDigest(bundle)]));
  const nodes = observed.nodes.map((node) => nodeStatus(node, observed.etcd, wanted.get(node.node), now));
  const etcd = etcdStatus(observed);
  const certificates = certificateStatuses(observed.nodes, now);
  const applied = observed.nodes.length === 0 || observed.nodes.some(isApplied) || !observed.nodes.some(isReached);
  const clocks = nodes.flatMap(({ node, clock }) => (clock ? [{ node, clock }] : []));
  const versions = nodes.flatMap(({ node, kubeletVersion }) =>
    kubeletVersion === undefined ? [] : kubeletVersionProblem(node, kubeletVersion, observed.kubernetesVersion),
  );
  const expired = nodesWithExpired(certificates);
  const problems = [
    ...(applied ? [] : [nothingApplied(observed.nodes)]),
    ...(etcd && applied ? etcdProblems(etcd, observed.nodes.some(isReached), expired.size > 0) : []),
    ...observed.nodes.flatMap((node, i) => {
      const status = nodes[i];
      return status
        ? nodeProblems(status, node, expired.has(node.node)).filter(({ code }) => applied || code !== 'never-applied')
        : [];
    }),
    ...certificateProblems(certificates, observed.nodes, now),
    ...clockProblems(clocks),
    ...versions,
  ];
  const { name, kubernetesVersion, endpoint } = observed;
  return {
    cluster: { name, kubernetesVersion, endpoint, etcd: whichEtcd(observed.etcd) },
    applied,
    nodes,
    etcd: applied ? etcd : undefined,
    certificates,
    problems: worstFirst(problems),
  };
}

function whichEtcd({ kind }: EtcdObservation): Status['cluster']['etcd'] {
  return kind === 'external' || kind === 'none' ? kind : 'local';
}

/** The exit status of the command: 0 where all is well, 2 where anything is a problem. */
export function statusExit({ problems }: Status): 0 | 2 {
  return problems.length ? 2 : 0;
}

function isReached({ contact }: NodeObservation): boolean {
  return contact.kind === 'reached';
}

/** A kubeadm cluster was brought up by somebody, too: that is no bare node. */
function isApplied({ contact, pods }: NodeObservation): boolean {
  if (contact.kind === 'unreachable') return Boolean(pods?.size);
  const { current, revisions, transaction, manifests, reverted } = contact.facts;
  return current !== undefined || revisions.length > 0 || [transaction, reverted].some(Boolean) || manifests.length > 0;
}

function nothingApplied(nodes: readonly NodeObservation[]): Problem {
  const reached = nodes.filter(isReached);
  const bare = reached.map(({ node }) => node);
  return {
    severity: 'error',
    code: 'nothing-applied',
    node: undefined,
    component: undefined,
    what: `nothing has been applied to ${listed(bare, 5)} yet`,
    hint: reached.every(({ isPlain }) => isPlain)
      ? '`bootstrap apply` brings what the cluster file says'
      : '`bootstrap apply` brings the control plane up',
  };
}

function nodeStatus(
  observed: NodeObservation,
  etcd: EtcdObservation,
  wanted: string | undefined,
  now: number,
): NodeStatus {
  const { node, isPlain, contact, drift, strays, kubeletVersion } = observed;
  const facts = contact.kind === 'reached' ? contact.facts : undefined;
  return {
    node,
    role: isPlain ? 'node' : 'master',
    unreachable: contact.kind === 'unreachable' ? oneLine(contact.why) : undefined,
    components: componentsOf(observed, etcd, now),
    revision: revisionStatus(observed, wanted),
    drift: drift.map(({ path, detail, what }) => ({ path: oneLine(path), detail: oneLine(detail || what) })),
    strays: strays.map((path) => oneLine(path)),
    clock: clockSkew(observed),
    disk: facts && { ...facts.disk },
    lock: facts?.lock && {
      who: oneLine(facts.lock.who),
      since: oneLine(facts.lock.since, 40),
      secondsLeft: facts.lock.secondsLeft,
      live: facts.lock.secondsLeft > 0,
    },
    kubeletVersion,
  };
}

function revisionStatus({ contact }: NodeObservation, wanted: string | undefined): RevisionStatus {
  if (contact.kind === 'unreachable') {
    const none = undefined;
    return { current: none, at: none, by: none, wanted: none, unfinished: none, reverted: none };
  }
  const { current, revisions, transaction, lock, reverted } = contact.facts;
  const revision = revisions.find(({ number }) => number === current);
  return {
    current,
    // one that Ignition or a tar has written knows no time: equal input gives equal bytes (src/deliver/user-data/record.ts)
    at: revision && revision.at !== '-' ? oneLine(revision.at, 40) : undefined,
    by: revision && oneLine(revision.by, 80),
    wanted: wanted === undefined || current === undefined ? undefined : revision?.digest === wanted,
    unfinished: transaction && {
      to: transaction.to,
      state: transaction.state,
      live: lock !== undefined && lock.secondsLeft > 0,
    },
    reverted: reverted && { revision: reverted.revision, at: oneLine(reverted.at, 40), why: oneLine(reverted.why) },
  };
}

const CODES_FIRST: readonly ProblemCode[] = [
  'nothing-applied',
  // what else is wrong then mostly follows from it
  'certificate-expired',
  'etcd-quorum',
  'unreachable',
  'component',
];

/** Errors before warnings; of these what stops the cluster before what merely stands out; else in the nodes' order. */
function worstFirst(problems: readonly Problem[]): readonly Problem[] {
  const rank = ({ severity, code }: Problem) => {
    const place = CODES_FIRST.indexOf(code);
    return (severity === 'error' ? 0 : 100) + (place < 0 ? CODES_FIRST.length : place);
  };
  return [...problems].sort((a, b) => rank(a) - rank(b));
}

import type { EtcdMember } from './etcd-client.ts';
import type { MemberReport } from './etcd-report.ts';

/** One member of etcd, as the cluster and it itself see it. */
export interface EtcdMemberView {
  /** '' for one that was added and has never started. */
  readonly name: string;
  readonly id: string;
  /** It counts for the quorum; a learner does not. */
  readonly voter: boolean;
  readonly learner: boolean;
  /** It answers, follows (or is) the leader and, a voter, serves reads through the quorum. */
  readonly healthy: boolean;
  readonly leader: boolean;
  /**
   * It surely holds no part of a quorum: nobody listens there, or it says itself that it has no leader. One that is not
   * healthy and not out may be well, and just not answer us.
   */
  readonly out: boolean;
  /** Entries between the last one that any member knows and the last one that this one has applied. */
  readonly lag: number | undefined;
  /** Bytes. */
  readonly dbSize: number | undefined;
  readonly dbSizeInUse: number | undefined;
  readonly version: string | undefined;
  readonly alarms: readonly string[];
  /** The node that it was seen or is expected on. */
  readonly endpointNode: string | undefined;
  /** Why it is not healthy. */
  readonly problem: string | undefined;
  readonly peerUrls: readonly string[];
}

export interface EtcdView {
  /** By name; empty where nobody could say who the members are. */
  readonly members: readonly EtcdMemberView[];
  /** Healthy voters that a quorum takes; 0 where the members are not known. */
  readonly needed: number;
  readonly healthyVoters: number;
  /** Name of the leader, as long as a quorum follows it. */
  readonly leader: string | undefined;
  /** All members that answer say the same of cluster, members, leader and term. */
  readonly agreed: boolean;
  /** What they disagree on, in words. */
  readonly disagreements: readonly string[];
  /** Nodes on which no etcd listens. */
  readonly deadNodes: readonly string[];
}

/** Puts together what the members of all nodes said. */
export function etcdView(unsorted: readonly MemberReport[]): EtcdView {
  const reports = [...unsorted].sort((a, b) => (a.node < b.node ? -1 : 1));
  const best = authority(reports);
  const list = best?.members ?? [];
  const highest = Math.max(0, ...reports.map(({ status }) => status?.raftIndex ?? 0));
  const views = list.map((member) => memberView(member, reportOf(member, reports), highest, reports));
  const voters = views.filter(({ voter }) => voter);
  const needed = list.length ? Math.floor(voters.length / 2) + 1 : 0;
  const healthyVoters = voters.filter(({ healthy }) => healthy).length;
  const hasQuorum = needed > 0 && healthyVoters >= needed;
  const leader = hasQuorum ? list.find(({ id }) => id === best?.status?.leaderId)?.name : undefined;
  const disagreements = disagreementsOf(reports, list);
  return {
    members: views
      .map((view) => ({ ...view, leader: leader !== undefined && view.name === leader && view.voter }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    needed,
    healthyVoters,
    leader,
    agreed: list.length > 0 && !disagreements.length,
    disagreements,
    deadNodes: reports.filter(({ isDead }) => isDead).map(({ node }) => node),
  };
}

/** The report that knows best who the members are: one with a quorum behind it, then the one furthest on. */
function authority(reports: readonly MemberReport[]): MemberReport | undefined {
  const rank = ({ serves, status }: MemberReport) => [Number(serves), status?.raftTerm ?? 0, status?.raftIndex ?? 0];
  const known = reports.filter(({ members }) => members?.length);
  return [...known].sort((a, b) => {
    const [p, q] = [rank(a), rank(b)];
    return p.map((value, i) => (q[i] ?? 0) - value).find((difference) => difference !== 0) ?? 0;
  })[0];
}

/** By its id, or by its name where it does not say its id. */
function reportOf(member: EtcdMember, reports: readonly MemberReport[]): MemberReport | undefined {
  return (
    reports.find(({ status }) => status?.memberId === member.id) ??
    reports.find((report) => !report.status && member.name !== '' && report.member === member.name)
  );
}

function memberView(
  member: EtcdMember,
  report: MemberReport | undefined,
  highest: number,
  reports: readonly MemberReport[],
): Omit<EtcdMemberView, 'leader'> {
  const status = report?.status;
  const follows = status !== undefined && status.leaderId !== '0';
  const alarms = reports.flatMap((one) => one.alarms.filter(({ memberId }) => memberId === member.id));
  return {
    name: member.name,
    id: member.id,
    voter: !member.isLearner,
    learner: member.isLearner,
    healthy: follows && (member.isLearner || report?.serves === true),
    out: member.name === '' || report?.isDead === true || (status !== undefined && !follows),
    lag: status && Math.max(0, highest - status.raftAppliedIndex),
    dbSize: status?.dbSize,
    dbSizeInUse: status?.dbSizeInUse,
    version: status?.version,
    alarms: [...new Set(alarms.map(({ alarm }) => alarm))],
    endpointNode: report?.node,
    problem: member.name === '' ? 'it has never started' : report ? report.problem : 'nobody has asked it',
    peerUrls: member.peerUrls,
  };
}

function disagreementsOf(reports: readonly MemberReport[], list: readonly EtcdMember[]): readonly string[] {
  const names = new Map(list.map(({ id, name }) => [id, name]));
  const leaderName = (id: string) => (id === '0' ? 'nobody' : (names.get(id) ?? `a member ${id} that is none`));
  const membersText = (members: readonly EtcdMember[]) =>
    members
      .map(({ id, name, isLearner }) => `${name || id}${isLearner ? ' (learner)' : ''}`)
      .sort()
      .join(' ');
  const answering = reports.flatMap(({ node, status, members }) => (status ? [{ node, status, members }] : []));
  const differ = (what: string, said: readonly (readonly [node: string, value: string])[]) =>
    new Set(said.map(([, value]) => value)).size > 1
      ? [`the etcd members disagree on ${what}: ${said.map(([node, value]) => `${node} says ${value}`).join(', ')}`]
      : [];
  const outsiders = answering.filter(({ status }) => list.length && !names.has(status.memberId));
  return [
    ...differ(
      'which cluster it is',
      answering.map(({ node, status }) => [node, status.clusterId]),
    ),
    ...differ(
      'the leader',
      answering.map(({ node, status }) => [node, leaderName(status.leaderId)]),
    ),
    ...differ(
      'the term',
      answering.map(({ node, status }) => [node, String(status.raftTerm)]),
    ),
    ...differ(
      'who the members are',
      answering.flatMap(({ node, members }) => (members ? [[node, membersText(members)] as const] : [])),
    ),
    ...outsiders.map(({ node }) => `the etcd on ${node} is not a member of the cluster`),
  ];
}

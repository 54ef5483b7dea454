import type { ClusterObservation, EtcdObservation, MemberSeen } from './observe.ts';
import type { EtcdStatus, MemberStatus, Problem } from './status.ts';
import type { Verdict } from './verdict.ts';
import { listed, oneLine } from './words.ts';

/** Raft entries; a member that is well applies thousands a second. */
const LAG_LIMIT = 1000;

/** What etcd says of the member of one node; undefined where etcd runs elsewhere. */
export function etcdVerdict(node: string, etcd: EtcdObservation): Verdict | undefined {
  if (etcd.kind === 'external' || etcd.kind === 'none') return undefined;
  const not = (state: Verdict['state'], detail: string): Verdict => ({ state, detail, cause: 'not-well' });
  if (etcd.kind === 'silent') return not('failing', 'no etcd member answers');
  const member = etcd.view.members.find(({ name }) => name === node);
  if (!member) return not('failing', 'it is no member of the etcd cluster');
  if (member.alarms.length) return not('failing', `alarm ${listed(member.alarms.map((alarm) => oneLine(alarm, 40)))}`);
  if (!member.healthy)
    return not('failing', `its member is not well${member.problem ? `: ${oneLine(member.problem, 120)}` : ''}`);
  if (member.learner || !member.voter) return not('starting', 'its member is a learner yet, no voter');
  if (member.lag !== undefined && member.lag > LAG_LIMIT) {
    return not('starting', `its member is ${member.lag} entries behind`);
  }
  return { state: 'ok', detail: '', cause: 'none' };
}

/** The members, and how many of them may fail. Undefined with an external etcd. */
export function etcdStatus({ etcd, members, nodes }: ClusterObservation): EtcdStatus | undefined {
  if (etcd.kind === 'external' || etcd.kind === 'none') return undefined;
  if (etcd.kind === 'silent') {
    const voters = members.length;
    const needed = Math.floor(voters / 2) + 1;
    const none = {
      members: [],
      voters,
      healthyVoters: 0,
      unseen: 0,
      needed,
      spare: -needed,
      leader: undefined,
      disagreements: [],
    };
    return { ...none, silent: oneLine(etcd.why) };
  }
  const { needed, healthyVoters, leader, disagreements = [] } = etcd.view;
  const unreached = new Set(nodes.filter(({ contact }) => contact.kind === 'unreachable').map(({ node }) => node));
  const voters = etcd.view.members.filter(({ voter }) => voter);
  return {
    members: etcd.view.members.map((member) => memberStatus(member, members)),
    voters: voters.length,
    healthyVoters,
    unseen: voters.filter(({ name, healthy }) => !healthy && unreached.has(name)).length,
    needed,
    spare: healthyVoters - needed,
    leader: leader && oneLine(leader, 60),
    disagreements: disagreements.map((each) => oneLine(each)),
    silent: undefined,
  };
}

function memberStatus(
  { name, id, healthy, learner, leader, lag, dbSize, alarms }: MemberSeen,
  nodes: readonly string[],
) {
  const status: MemberStatus = {
    name: oneLine(name, 60),
    id: oneLine(id, 40),
    healthy,
    learner,
    leader,
    lag,
    dbSize,
    alarms: alarms.map((alarm) => oneLine(alarm, 40)),
    foreign: !nodes.includes(name),
  };
  return status;
}

const EXPIRED =
  'certificates have expired: with new ones its members find each other again; remove no member and no data';

/**
 * What is wrong with etcd as a whole; a single member that is not well is its node's problem.
 * @param expired certificates have expired
 */
export function etcdProblems(etcd: EtcdStatus, anyReached: boolean, expired: boolean): readonly Problem[] {
  const problem = (code: 'etcd-quorum' | 'etcd-member', severity: Problem['severity'], what: string, hint: string) =>
    ({ severity, code, node: undefined, component: 'etcd', what, hint }) as const;
  const foreign = etcd.members
    .filter((member) => member.foreign)
    .map(({ name, id }) =>
      problem(
        'etcd-member',
        'warning',
        name
          ? `member ${name} (${id}) belongs to no node of the cluster file, but counts for the quorum`
          : `a member that was added has never started (${id}), but counts for the quorum`,
        `once nothing runs there any more: \`etcdctl member remove ${id}\` on a master`,
      ),
    );
  if (etcd.silent !== undefined) {
    const what = `no member answers: ${etcd.silent}`;
    const hint = expired
      ? EXPIRED
      : 'where the masters are up, `bootstrap apply` starts all members together; never remove their data';
    return anyReached && etcd.voters > 1 ? [problem('etcd-quorum', 'error', what, hint), ...foreign] : foreign;
  }
  const { healthyVoters, unseen, voters, needed } = etcd;
  if (voters > 1 && healthyVoters + unseen < needed) {
    const what = `quorum lost: ${healthyVoters} of ${voters} members up, ${needed} needed: nothing can be written`;
    const hint = expired
      ? EXPIRED
      : 'bring members back as said for their nodes; remove no member and no data to get there';
    return [problem('etcd-quorum', 'error', what, hint), ...foreign];
  }
  if (etcd.leader === undefined && healthyVoters >= needed) {
    const hint =
      'an election takes a second: `bootstrap status` again; where it stays so, look at the network between the masters';
    return [problem('etcd-quorum', 'error', 'it has no leader: nothing can be written', hint), ...foreign];
  }
  if (etcd.disagreements.length) {
    const hint = 'just after an election that passes: `bootstrap status` again; nothing is applied while it stays so';
    return [problem('etcd-member', 'warning', listed(etcd.disagreements), hint), ...foreign];
  }
  return foreign;
}

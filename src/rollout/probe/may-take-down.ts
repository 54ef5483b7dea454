import type { EtcdMemberView, EtcdView } from './quorum.ts';

/**
 * How many entries a member may be behind. A member that lags and is then needed must first catch up, and etcd takes no
 * writes while it is 5000 behind (server/etcdserver/v3_server.go, maxGapBetweenApplyAndCommitIndex), and needs a whole
 * snapshot from there on (DefaultSnapshotCatchUpEntries). The members are not asked in the same instant, so a busy
 * cluster, which writes some thousand entries a second, always shows some hundreds.
 */
const MAX_LAG = 1000;

export interface TakeDownOptions {
  readonly maxLag?: number;
  /**
   * With one or two voters no member can be taken down without writes stopping until it is back. True = that is meant;
   * everything else must still be in order.
   */
  readonly acceptOutage?: boolean;
}

/**
 * The reasons against taking the etcd member of a node down now; empty where it may be.
 *
 * One that is healthy may be taken down where all else is in perfect order, since for a while it is the spare that is
 * used up. One that is not may be where no quorum depends on it: there are enough healthy voters besides it, or it
 * cannot be part of a quorum anyway. What we could not look at counts as possibly well, never as dead.
 * @param name of the node, or of the member
 */
export function mayTakeDown(view: EtcdView, name: string, options: TakeDownOptions = {}): readonly string[] {
  const member =
    view.members.find(({ endpointNode }) => endpointNode === name) ?? view.members.find((m) => m.name === name);
  if (!view.members.length) return ['no etcd member says who the members are, so the quorum is not known'];
  if (!member) return view.deadNodes.includes(name) ? [] : [`etcd has no member that is known to run on ${name}`];
  return member.healthy ? healthyDown(view, member, options) : unhealthyDown(view, member);
}

function healthyDown(
  view: EtcdView,
  member: EtcdMemberView,
  { maxLag = MAX_LAG, acceptOutage = false }: TakeDownOptions,
): readonly string[] {
  const { members, needed } = view;
  const voters = members.filter(({ voter }) => voter);
  const others = voters.filter((one) => one.id !== member.id);
  const left = others.filter(({ healthy }) => healthy).length;
  const isOutageMeant = acceptOutage && voters.length < 3;
  return [
    ...others.filter(({ healthy }) => !healthy).map(unwell),
    ...members.filter(({ learner }) => learner).map((one) => `${called(one)} is still a learner`),
    ...members
      .filter(({ lag }) => lag !== undefined && lag > maxLag)
      .map((one) => `${called(one)} is ${one.lag} entries behind (${maxLag} at most)`),
    ...members.flatMap((one) => one.alarms.map((alarm) => `${called(one)} has raised the alarm ${alarm}`)),
    ...(view.leader === undefined ? ['etcd has no leader that a quorum follows'] : []),
    ...view.disagreements,
    ...(left < needed && !isOutageMeant ? [tooFew(member, left, needed)] : []),
  ];
}

function unhealthyDown({ members, needed }: EtcdView, member: EtcdMemberView): readonly string[] {
  if (member.out) return [];
  const voters = members.filter(({ voter }) => voter);
  const left = voters.filter(({ healthy }) => healthy).length;
  const perhaps = voters.filter(({ healthy, out }) => healthy || !out).length;
  if (left >= needed || perhaps < needed) return [];
  return [
    `${unwell(member)}; it may still be part of the quorum, for besides it only ${left} of ${needed} needed members are known to be healthy`,
  ];
}

function called({ name, peerUrls, id }: EtcdMemberView): string {
  return `etcd member ${name || peerUrls[0] || id}`;
}

function unwell(member: EtcdMemberView): string {
  return `${called(member)} is not healthy${member.problem ? `: ${member.problem}` : ''}`;
}

function tooFew(member: EtcdMemberView, left: number, needed: number): string {
  return `without ${called(member)} there are ${left} healthy members, and ${needed} are needed`;
}

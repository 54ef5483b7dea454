import type { CallOptions } from './api-client.ts';
import {
  type EtcdAlarm,
  type EtcdMember,
  type EtcdStatus,
  etcdAlarms,
  etcdMembers,
  etcdRead,
  etcdStatus,
} from './etcd-client.ts';
import type { HttpClient } from './https-client.ts';
import { ProbeError, seenIn } from './probe-error.ts';

/** What was seen of the etcd member of one node. */
export interface MemberReport {
  readonly node: string;
  /** The name that its member has (--name). */
  readonly member: string;
  /** Undefined where it did not answer. */
  readonly status: EtcdStatus | undefined;
  /** As it knows them; undefined where it did not say. */
  readonly members: readonly EtcdMember[] | undefined;
  readonly alarms: readonly EtcdAlarm[];
  /** A read through the quorum succeeded there. */
  readonly serves: boolean;
  /** It is certain that nobody listens at its client URL. Any other silence leaves open whether it is alive. */
  readonly isDead: boolean;
  /** What is wrong, in words. */
  readonly problem: string | undefined;
}

/** A member that could not even be asked, e.g. because its node cannot be reached. */
export function silentMember(node: string, problem: string, member = node): MemberReport {
  return { node, member, status: undefined, members: undefined, alarms: [], serves: false, isDead: false, problem };
}

export interface ReportOptions extends CallOptions {
  /** The member's name; default that of the node. */
  readonly member?: string;
  /**
   * Asks the node itself whether somebody listens there (`listens`), since a forwarded port does not say. Without it a
   * member behind a forwarded port is never taken for dead.
   */
  readonly listens?: () => Promise<boolean | undefined>;
}

/**
 * Asks a member all that a decision about quorum needs. Takes up to twice as long as one call may.
 * @throws nothing but the signal's reason
 */
export async function etcdReport(
  node: string,
  etcd: HttpClient,
  { member = node, listens, ...options }: ReportOptions = {},
): Promise<MemberReport> {
  let status: EtcdStatus;
  try {
    status = await etcdStatus(etcd, options);
  } catch (error) {
    const silent = silentMember(node, seenIn(error), member);
    return { ...silent, isDead: await isSurelyDead(error, listens) };
  }
  // without a leader a question to the quorum only takes its time
  const hasLeader = status.leaderId !== '0';
  const [read, members, alarms] = await Promise.all([
    // a learner serves no such reads
    hasLeader && !status.isLearner ? problemOf(etcdRead(etcd, options)) : undefined,
    etcdMembers(etcd, hasLeader ? 'linearizable' : 'local', options)
      .catch((error) => (hasLeader && seenIn(error) ? etcdMembers(etcd, 'local', options) : undefined))
      .catch((error) => void seenIn(error)),
    // each member counts the alarms among its errors, so that the cluster need not be asked where there are none
    status.errors.length && hasLeader ? etcdAlarms(etcd, options).catch((error) => alarmsIn(status, error)) : [],
  ]);
  const problem = hasLeader ? read : 'it has no leader';
  return {
    node,
    member,
    status,
    members,
    alarms,
    serves: hasLeader && !status.isLearner && read === undefined,
    isDead: false,
    problem,
  };
}

async function isSurelyDead(error: unknown, listens: ReportOptions['listens']): Promise<boolean> {
  if (!(error instanceof ProbeError)) return false;
  return error.problem === 'refused' || (error.problem === 'hung-up' && (await listens?.()) === false);
}

async function problemOf(work: Promise<void>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return seenIn(error);
  }
}

/** `memberID:10276657743932975437 alarm:NOSPACE` */
function alarmsIn(status: EtcdStatus, error: unknown): readonly EtcdAlarm[] {
  seenIn(error);
  return status.errors.flatMap((text) => {
    const [, memberId, alarm] = /memberID:(\d+) alarm:(\w+)/.exec(text) ?? [];
    return memberId && alarm ? [{ memberId, alarm }] : [];
  });
}

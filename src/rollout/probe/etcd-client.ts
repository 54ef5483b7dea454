import type { SecretPem } from '../../base/pem.ts';
import type { Reach } from '../../deliver/transport/transport.ts';
import { below, isMap, type JsonMap } from '../../render/json.ts';
import { listAt } from '../../render/overlay.ts';
import type { Json } from '../../spec/tree.ts';
import type { CallOptions } from './api-client.ts';
import { type HttpClient, openHttp } from './https-client.ts';
import { ProbeError } from './probe-error.ts';

/** What one member says of itself. Ids are uint64 in decimal; sizes are bytes. */
export interface EtcdStatus {
  readonly clusterId: string;
  readonly memberId: string;
  /** `0` = it knows of no leader. */
  readonly leaderId: string;
  readonly isLearner: boolean;
  /** The last entry of the log that it knows to be committed, and the last that it has applied. */
  readonly raftIndex: number;
  readonly raftAppliedIndex: number;
  readonly raftTerm: number;
  readonly dbSize: number;
  readonly dbSizeInUse: number;
  readonly version: string;
  /** E.g. `etcdserver: no leader`, or an alarm: `memberID:… alarm:NOSPACE`. */
  readonly errors: readonly string[];
}

export interface EtcdMember {
  readonly id: string;
  /** '' for one that was added and has never started. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

export interface EtcdAlarm {
  readonly memberId: string;
  /** `NOSPACE`, `CORRUPT`. */
  readonly alarm: string;
}

export interface EtcdOptions {
  readonly what: string;
  readonly reach: Reach;
  /** Undefined where it serves plain HTTP. */
  readonly tls:
    | { readonly identity: string; readonly ca: string; readonly cert: string; readonly key: SecretPem }
    | undefined;
}

/**
 * A client of one etcd member, by the JSON gateway that etcd 3.4 and later have at their client URLs.
 * @throws ProbeError `tls` where certificate, key or CA cannot be used
 */
export function openEtcd({ what, reach, tls }: EtcdOptions): HttpClient {
  const client = tls && {
    server: { ca: tls.ca, identity: tls.identity },
    client: { certificate: tls.cert, key: tls.key },
  };
  return openHttp({ what, reach, tls: client });
}

/** @throws ProbeError, as all here */
export async function etcdStatus(etcd: HttpClient, options?: CallOptions): Promise<EtcdStatus> {
  const answer = await call(etcd, 'maintenance/status', {}, options);
  const status = {
    clusterId: id(below(answer, 'header', 'cluster_id')),
    memberId: id(below(answer, 'header', 'member_id')),
    leaderId: id(below(answer, 'leader')),
    isLearner: below(answer, 'isLearner') === true,
    raftIndex: number(below(answer, 'raftIndex')),
    raftAppliedIndex: number(below(answer, 'raftAppliedIndex')),
    raftTerm: number(below(answer, 'raftTerm')),
    dbSize: number(below(answer, 'dbSize')),
    dbSizeInUse: number(below(answer, 'dbSizeInUse')),
    version: String(below(answer, 'version') ?? ''),
    errors: strings(answer, 'errors'),
  };
  if (status.memberId === '0') throw new ProbeError(etcd.what, 'answer', 'its answer is not that of an etcd');
  return status;
}

/**
 * All members of the cluster.
 * @param how `linearizable`: as the quorum has it now (etcd 3.4 does not know that and gives its own); `local`: as this
 * member knows it, which needs no quorum
 */
export async function etcdMembers(
  etcd: HttpClient,
  how: 'linearizable' | 'local',
  options?: CallOptions,
): Promise<readonly EtcdMember[]> {
  const answer = await call(etcd, 'cluster/member/list', { linearizable: how === 'linearizable' }, options);
  return listAt(answer, 'members').map((member) => ({
    id: id(below(member, 'ID')),
    name: String(below(member, 'name') ?? ''),
    peerUrls: strings(member, 'peerURLs'),
    clientUrls: strings(member, 'clientURLs'),
    isLearner: below(member, 'isLearner') === true,
  }));
}

/** Alarms of all members. The question goes through the log of the cluster: it needs a quorum. */
export async function etcdAlarms(etcd: HttpClient, options?: CallOptions): Promise<readonly EtcdAlarm[]> {
  const answer = await call(etcd, 'maintenance/alarm', { action: 'GET' }, options);
  return listAt(answer, 'alarms').map((one) => ({
    memberId: id(below(one, 'memberID')),
    alarm: String(below(one, 'alarm') ?? 'NONE'),
  }));
}

/** Reads through the quorum: succeeds only on a member that reaches a leader whom a majority follows. */
export async function etcdRead(etcd: HttpClient, options?: CallOptions): Promise<void> {
  await call(etcd, 'kv/range', { key: Buffer.from('health').toString('base64'), count_only: true }, options);
}

/**
 * Makes another member the leader. Only the leader itself takes this, and only for a voter that keeps up.
 * @param memberId in decimal
 */
export async function moveLeader(etcd: HttpClient, memberId: string, options?: CallOptions): Promise<void> {
  await call(etcd, 'maintenance/transfer-leadership', { targetID: memberId }, options);
}

async function call(etcd: HttpClient, method: string, body: Json, options: CallOptions = {}): Promise<JsonMap> {
  const { seconds = 5, signal } = options;
  const { status, text } = await etcd.request({
    method: 'POST',
    path: `/v3/${method}`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    milliseconds: seconds * 1000,
    // none of these does harm when it is done twice
    repeatable: true,
    ...(signal && { signal }),
  });
  const answer = parseKeepingDigits(text);
  if (status === 200 && isMap(answer)) return answer;
  if (status === 200) throw new ProbeError(etcd.what, 'answer', 'its answer is not a JSON object');
  const said = below(answer, 'message') ?? below(answer, 'error');
  const message = typeof said === 'string' ? said : `status ${status}`;
  throw new ProbeError(etcd.what, 'http', `${method} fails: ${message}`, { status });
}

/**
 * JSON in which whole numbers too long for a JavaScript number are strings. The gateway sends uint64 as strings, but
 * nothing promises that, and an id that has lost a digit is another member's.
 */
export function parseKeepingDigits(text: string): Json | undefined {
  const quoted = text.replace(/"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g, (token) =>
    token.startsWith('"') ? token : `"${token}"`,
  );
  try {
    return JSON.parse(quoted) as Json;
  } catch {
    return undefined;
  }
}

/** Left out where it is 0, as protobuf has it. */
function id(value: Json | undefined): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '0';
}

function number(value: Json | undefined): number {
  return Number(id(value));
}

function strings(value: Json | undefined, key: string): readonly string[] {
  return listAt(value, key).filter((one) => typeof one === 'string');
}

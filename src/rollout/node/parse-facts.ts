import { readIndexLine } from '../../bundle/revision-index.ts';
import type { FileFacts, LockFacts, NodeFacts, RevisionFacts, TransactionFacts } from '../node-facts.ts';

const TYPE_BITS = 0o170000;
const REGULAR = 0o100000;

type Fields = readonly string[];

/**
 * Reads what the script's verb `facts` printed: lines of a name and fields with tabs between, SHA-256 as `sha256sum`
 * prints them, `end`.
 * @throws Error where it is not whole
 */
export function parseFacts(output: string): NodeFacts {
  const lines = output.split('\n');
  if (lines.pop() !== '' || lines.pop() !== 'end') throw new Error('the answer is cut off');
  const records = new Map<string, Fields[]>();
  const hashes = new Map<string, string>();
  for (const line of lines) {
    const hash = /^([0-9a-f]{64}) [ *]\.(\/.*)$/s.exec(line);
    if (hash) {
      hashes.set(hash[2] ?? '', hash[1] ?? '');
      continue;
    }
    const [name = '', ...fields] = line.split('\t');
    records.set(name, [...(records.get(name) ?? []), fields]);
  }
  const all = (name: string): readonly Fields[] => records.get(name) ?? [];
  const one = (name: string): Fields | undefined => all(name)[0];
  const need = (name: string): Fields => one(name) ?? missing(name);

  const [hostname = '', nanoseconds = '', uptime = ''] = need('node');
  const [active = '', enabled = ''] = need('kubelet');
  const [freeBytes, writable] = need('disk');
  const index = all('index').flatMap((fields) => readIndexLine(fields.join('\t')) ?? []);
  const owners = new Map(index.map(({ path, owner }) => [path, owner]));
  const ownerOf = need('owners')[0] === 'yes' ? undefined : (path: string) => owners.get(path) ?? 'root:root';
  const [current] = one('current') ?? [];
  const reverted = one('reverted');
  return {
    hostname,
    clock: Number(BigInt(nanoseconds) / 1_000_000n),
    uptimeSeconds: Number(uptime),
    kubelet: { active, enabled },
    disk: { freeBytes: Number(freeBytes), writable: writable === 'yes' },
    hasEtcdData: need('etcd-data')[0] === 'yes',
    files: new Map(all('stat').map((fields) => readStat(fields, hashes, ownerOf))),
    manifests: all('manifest').map(([name = '']) => name),
    revisions: all('revision')
      .map(readRevision)
      .sort((a, b) => a.number - b.number),
    current: current === undefined ? undefined : Number(current),
    index,
    transaction: readTransaction(one('transaction')),
    lock: readLock(one('lock')),
    reverted: reverted && { revision: Number(reverted[0]), at: reverted[1] ?? '', why: reverted[2] ?? '' },
  };
}

function missing(name: string): never {
  throw new Error(`the answer has no line '${name}'`);
}

/**
 * @param ownerOf where the script may not give files away (a prefix, no root), everything counts as owned by whom it
 * should be: there is nothing that could be done about it
 */
function readStat(
  fields: Fields,
  hashes: ReadonlyMap<string, string>,
  ownerOf: ((path: string) => string) | undefined,
): readonly [string, FileFacts] {
  const [hex = '', user = '', group = '', uid = '', gid = '', shown = ''] = fields;
  const path = shown.slice(1);
  const bits = Number.parseInt(hex, 16);
  const sha256 = hashes.get(path);
  const isFile = (bits & TYPE_BITS) === REGULAR && sha256 !== undefined;
  const named = (name: string, id: string) => (name === 'UNKNOWN' ? id : name);
  const owner = ownerOf ? ownerOf(path) : `${named(user, uid)}:${named(group, gid)}`;
  return [path, { type: isFile ? 'file' : 'other', sha256: isFile ? sha256 : '', mode: bits & 0o7777, owner }];
}

function readRevision([number, digest = '', at = '', by = '', word]: Fields): RevisionFacts {
  return { number: Number(number), digest, at, by, ...(word === 'taken-back' && { takenBack: true as const }) };
}

function readTransaction(fields: Fields | undefined): TransactionFacts | undefined {
  const [state, to, from, digest = ''] = fields ?? [];
  if (state !== 'preparing' && state !== 'placing' && state !== 'placed') return undefined;
  return { state, to: Number(to), from: Number(from), digest };
}

/** Reads the fields of a `lock` line, which is also printed where somebody else holds it. */
export function readLock(fields: Fields | undefined): LockFacts | undefined {
  if (!fields) return undefined;
  const [token = '', since = '', left, who = ''] = fields;
  return { token, who, since, secondsLeft: Number(left) };
}

import { sha256 } from '../../base/sha256.ts';
import type { UnifiedDiff } from '../../base/unified-diff.ts';
import type { Bundle, BundleFile, FileEffect } from '../../bundle/bundle.ts';
import type { IndexEntry } from '../../bundle/revision-index.ts';
import { INPUTS_DIGEST, MANIFEST_DIGEST } from '../../render/stamp.ts';
import { podOfFile } from '../../render/static-pods/manifest-file.ts';
import type { FileFacts, NodeFacts } from '../node-facts.ts';
import type { FileChange, FileState } from '../plan.ts';
import { certificatesIn } from './certificate-facts.ts';
import { mayHoldSecret } from './secrets.ts';

export interface FileChangesInput {
  readonly bundle: Bundle;
  readonly facts: NodeFacts;
  /** Contents of files on the node, by path; those of `pathsToRead`. */
  readonly contents: ReadonlyMap<string, Buffer>;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly diff: UnifiedDiff;
}

/** What happens to each file, in the order of their paths. */
export function fileChanges(input: FileChangesInput): readonly FileChange[] {
  const { bundle, facts } = input;
  const written = bundle.files.flatMap((file) => {
    const now = facts.files.get(file.path);
    const change = writing(input, file, now);
    return change ? [change] : [];
  });
  const removed = leftovers(bundle, facts).map((entry) => removing(input, entry));
  return [...written, ...removed].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Files of the current revision that are wanted no more and are still there. */
export function leftovers(bundle: Bundle, facts: NodeFacts): readonly IndexEntry[] {
  const wanted = new Set(bundle.files.map((file) => file.path));
  return facts.index.filter(({ path }) => !wanted.has(path) && facts.files.has(path));
}

export function stateOf(file: BundleFile): FileState {
  return { sha256: file.sha256 ?? sha256(file.content), mode: file.mode, owner: file.owner };
}

function writing(input: FileChangesInput, file: BundleFile, now: FileFacts | undefined): FileChange | undefined {
  const after = stateOf(file);
  const before = now && seenState(now);
  if (before && now.type === 'file' && sameState(before, after)) return undefined;
  const rewritten = before?.sha256 !== after.sha256;
  const old = rewritten ? input.contents.get(file.path) : file.content;
  return {
    kind: before ? 'change' : 'create',
    path: file.path,
    effect: file.effect,
    before,
    after,
    rewritten,
    ...described(input, file.sensitive, before && !old ? 'unknown' : before && old, file.content),
  };
}

function removing(input: FileChangesInput, entry: IndexEntry): FileChange {
  const { path } = entry;
  const now = input.facts.files.get(path);
  const old = input.contents.get(path);
  return {
    kind: 'remove',
    path,
    effect: effectOfRemoved(entry),
    before: now && seenState(now),
    after: undefined,
    rewritten: true,
    // whether it was a secret is told nowhere: what was not read is taken for one
    ...described(input, old === undefined, old, undefined),
  };
}

/** Pods need not be known here: one that is to read a file no more has another manifest, and is restarted for that. */
function effectOfRemoved({ path, effect }: IndexEntry): FileEffect {
  if (effect === 'manifest') return { kind: 'manifest', pod: podOfFile(path) };
  if (effect === 'kubelet-unit') return { kind: 'kubelet-unit' };
  return effect === 'kubelet' || effect === 'pods+kubelet' ? { kind: 'kubelet' } : { kind: 'none' };
}

type Description = Pick<FileChange, 'sensitive' | 'diff' | 'certificates'>;

const NOTHING = Buffer.alloc(0);

/** What may be told of a file's content before (undefined = not there) and after (undefined = removed). */
function described(
  { now, diff }: FileChangesInput,
  isSecret: boolean,
  before: Buffer | 'unknown' | undefined,
  after: Buffer | undefined,
): Description {
  const known = before === 'unknown' ? undefined : before;
  if (isSecret || mayHoldSecret(known) || mayHoldSecret(after)) {
    return { sensitive: true, diff: undefined, certificates: undefined };
  }
  const [older, newer] = [certificatesIn(known, now), certificatesIn(after, now)];
  if (older || newer) {
    return { sensitive: false, diff: undefined, certificates: { before: older ?? [], after: newer ?? [] } };
  }
  const [a, b] = [before === 'unknown' ? undefined : shownText(known ?? NOTHING), shownText(after ?? NOTHING)];
  return {
    sensitive: false,
    diff: a === undefined || b === undefined ? undefined : diff(a, b),
    certificates: undefined,
  };
}

const DIGESTS = new RegExp(`^(\\s*(?:${INPUTS_DIGEST}|${MANIFEST_DIGEST}): )"?[0-9a-f]{64}"?$`, 'gm');

/** Undefined for what is no text, or text that only a program can read: keys, certificates that are damaged. */
function shownText(content: Buffer): string | undefined {
  const text = content.toString('utf8');
  if (text.includes('\0') || (text.includes('\ufffd') && !Buffer.from(text).equals(content))) return undefined;
  if (text.includes('-----BEGIN ')) return undefined;
  return text.replace(DIGESTS, '$1…');
}

function seenState({ sha256, mode, owner }: FileFacts): FileState {
  return { sha256, mode, owner };
}

function sameState(a: FileState, b: FileState): boolean {
  return a.sha256 === b.sha256 && a.mode === b.mode && a.owner === b.owner;
}

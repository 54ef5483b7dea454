import { octal } from '../rollout/plan/drift.ts';
import { fingerprint } from '../rollout/plan/plan-data.ts';
import type { FileChange, NodePlan, PodChange } from '../rollout/plan.ts';
import { certificateLines, certificateWords } from './plan-certificates.ts';

/** What is said of one file, apart from its path. */
export interface FileText {
  /** On the line of the path, in words. */
  readonly words: readonly string[];
  /** What is in it cannot be shown: its fingerprint stands for it, after the first word. */
  readonly opaque: boolean;
  /** Below it, as it is: a diff, a certificate. */
  readonly below: readonly string[];
  /** The same on two nodes: what happens there needs to be said only once. */
  readonly key: string;
}

/** What happens to a file on one node. */
export function fileText(change: FileChange, pods: readonly PodChange[], verbose: boolean): FileText {
  const content = contentWords(change);
  const words = [...content, ...stateWords(change), ...laterWords(change, pods)];
  const below = belowOf(change, verbose);
  const compared = below.filter((line) => /^[+-]/.test(line));
  const opaque = content[0] === SECRET || content[0] === OPAQUE;
  return {
    words,
    opaque,
    below,
    key: JSON.stringify([change.kind, change.path, words, change.certificates ? [] : compared]),
  };
}

const SECRET = 'secret';
const OPAQUE = 'content';

function contentWords({ kind, sensitive, rewritten, diff, certificates }: FileChange): readonly string[] {
  if (!rewritten || kind === 'remove') return [];
  if (sensitive) return [SECRET];
  if (certificates) return [certificateWords(certificates)];
  if (kind === 'create') return [];
  if (diff === '') return ['only the digest of what it reads'];
  return diff === undefined ? [OPAQUE] : [];
}

function stateWords({ before, after }: FileChange): readonly string[] {
  if (!before || !after) return [];
  return [
    ...(before.mode === after.mode ? [] : [`mode ${octal(before.mode)} → ${octal(after.mode)}`]),
    ...(before.owner === after.owner ? [] : [`owner ${before.owner} → ${after.owner}`]),
  ];
}

/** A file that was changed by hand and is put back has no new digest, so that its readers are not restarted for it. */
function laterWords({ kind, effect, rewritten }: FileChange, pods: readonly PodChange[]): readonly string[] {
  if (!rewritten || kind !== 'change' || effect.kind !== 'pods') return [];
  const later = effect.pods.filter((pod) => !pods.some((change) => change.pod === pod));
  if (!later.length) return [];
  return [
    later.length === 1 ? `${later[0]} reads it at its next start` : `${later.join(', ')} read it at their next start`,
  ];
}

function belowOf({ kind, diff, certificates }: FileChange, verbose: boolean): readonly string[] {
  if (certificates) return verbose ? certificateLines(certificates) : [];
  return diff && (kind === 'change' || verbose) ? diff.trimEnd().split('\n') : [];
}

/** Fingerprints of an opaque file on some nodes: one where all have the same, else of each. */
export function fingerprintWords(path: string, nodes: readonly NodePlan[]): readonly string[] {
  const each = nodes.flatMap(({ node, changes }) => {
    const change = changes.find((one) => one.path === path);
    return change?.rewritten ? [{ node, words: fingerprints(change) }] : [];
  });
  const different = [...new Set(each.map(({ words }) => words))];
  return different.length < 2 ? different : each.map(({ node, words }) => `${node} ${words}`);
}

function fingerprints({ before, after }: FileChange): string {
  return [before, after].flatMap((state) => (state ? [fingerprint(state.sha256) || 'no file'] : [])).join(' → ');
}

import { dirname } from 'node:path/posix';
import { BootstrapError } from '../base/errors.ts';
import { sha256 } from '../base/sha256.ts';
import type { Bundle, BundleFile } from './bundle.ts';

/** The name under which a revision keeps the node's script, for what the node does by itself. */
export const SCRIPT_FILE = 'node.sh';

/** One file of a revision. */
export interface IndexEntry {
  readonly path: string;
  readonly sha256: string;
  readonly mode: number;
  readonly owner: string;
  /** The kind of its effect; `pods+kubelet` where both read it at their start. */
  readonly effect: string;
}

/**
 * What a revision consists of, as the node's script reads it: a line for each directory, then one for each file in the
 * order in which they are put in place. Fields with tabs between: type (d, f, s for the script), SHA-256, mode (octal),
 * owner, what it is (its effect), path. The last line is `end`: a file that was cut off is told by it.
 * @param script undefined for a revision that comes without one: what came up by itself gets it with its next revision
 * @throws BootstrapError `refused` for a path that no line can hold
 */
export function revisionIndex(bundle: Bundle, script?: Buffer): string {
  const lines = [
    ...bundle.directories.map(({ path, mode, owner }) => ['d', '-', mode.toString(8), owner, '-', path]),
    ...inPlacingOrder(bundle.files).map(({ path, content, mode, owner, effect }) => [
      'f',
      sha256(content),
      mode.toString(8),
      owner,
      effectWord(effect),
      path,
    ]),
    ...(script ? [['s', sha256(script), '700', '-', '-', SCRIPT_FILE]] : []),
  ];
  for (const line of lines) if (line[0] !== 's') checkLine(bundle.node, line);
  return `${lines.map((line) => line.join('\t')).join('\n')}\nend\n`;
}

/**
 * @param line fields to be read with tabs between, the path last
 * @throws BootstrapError `refused` for a path that no such line can hold
 */
export function checkLine(node: string, line: readonly string[]): void {
  const path = line.at(-1) ?? '';
  if (isPlain(path) && !line.some((field) => /[\t\n\0]/.test(field))) return;
  throw new BootstrapError('refused', `${node}: ${JSON.stringify(path)} cannot be a file's path on a node`);
}

/** An effect as far as it matters when the revision is put back some day. */
export function effectWord(effect: BundleFile['effect']): string {
  return effect.kind === 'pods' && effect.kubelet ? 'pods+kubelet' : effect.kind;
}

/**
 * Reads one line of it; undefined for one that is no file of the revision. `seed` stands in revisions from before the
 * kubelet's certificate lay with the others: a file that is written where it is absent, and from then on the node's own.
 */
export function readIndexLine(line: string): IndexEntry | undefined {
  const [type, hash = '', mode = '', owner = '', kind = '', path = ''] = line.split('\t');
  if (type !== 'f' || kind === 'seed') return undefined;
  return { path, sha256: hash, mode: Number.parseInt(mode, 8), owner, effect: kind };
}

/**
 * Certificates and keys first, then kubeconfigs, other files, what the kubelet reads, and the manifests last: a pod that is
 * started anew finds everything else in place. Directory by directory, as node.sh renames what lies in one all at once: so
 * both files of a pair, which have to fit at every moment.
 */
export function inPlacingOrder(files: readonly BundleFile[]): readonly BundleFile[] {
  const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  return [...files].sort(
    (a, b) => rank(a) - rank(b) || compare(dirname(a.path), dirname(b.path)) || compare(a.path, b.path),
  );
}

function rank({ path, effect }: BundleFile): number {
  if (effect.kind === 'manifest') return 4;
  if (/\.(crt|key|pem|pub)$/.test(path)) return 0;
  if (effect.kind === 'kubelet-unit') return 3;
  if (/^\/etc\/kubernetes\/[^/]+\.conf$/.test(path)) return 1;
  return effect.kind === 'kubelet' || path.startsWith('/var/lib/kubelet/') ? 3 : 2;
}

function isPlain(path: string): boolean {
  const [root, ...names] = path.split('/');
  return root === '' && names.length > 0 && !names.some((name) => name === '' || name === '.' || name === '..');
}

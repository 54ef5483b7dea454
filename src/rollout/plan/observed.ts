import { createHash } from 'node:crypto';
import type { Bundle } from '../../bundle/bundle.ts';
import type { NodeFacts } from '../node-facts.ts';

/**
 * SHA-256 (hex) over what a plan relies on: state of every file that is wanted or of the current revision, names in the
 * manifests directory, number and index of the current revision, and what is under way. Left out is what comes and goes
 * by itself: clock, uptime, free space, lock, the kubelet's state, what is kept of older revisions, what etcd has.
 */
export function observedDigest(facts: NodeFacts, bundle: Bundle): string {
  const relevant = new Set([...facts.index, ...bundle.files].map((file) => file.path));
  const files = [...facts.files]
    .filter(([path]) => relevant.has(path))
    .map(([path, { type, sha256, mode, owner }]) => ['file', path, type, sha256, mode, owner]);
  const index = facts.index.map(({ path, sha256, mode, owner }) => ['index', path, sha256, mode, owner]);
  const { current, transaction } = facts;
  const lines = [
    ['current', current ?? null],
    ['transaction', ...(transaction ? [transaction.state, transaction.to, transaction.from, transaction.digest] : [])],
    ['manifests', ...[...facts.manifests].sort()],
    ...files,
    ...index,
  ];
  return createHash('sha256')
    .update(
      lines
        .map((line) => `${JSON.stringify(line)}\n`)
        .sort()
        .join(''),
    )
    .digest('hex');
}

import { createHash } from 'node:crypto';
import type { Bundle } from '../../bundle/bundle.ts';
import type { NodeFacts } from '../node-facts.ts';

/**
 * SHA-256 (hex) over what a plan relies on: state of every file that is wanted or of the current revision, names in the
 * manifests directory, number and index of the current revision, and what is under way. Left out is what comes and goes
 * by itself: clock, uptime, free space, lock, the kubelet's state, what is kept of older revisions, what etcd has; and
 * of seeded files all but whether they are there, since the kubelet renews its certificate when it likes.
 */
export function observedDigest(facts: NodeFacts, bundle: Bundle): string {
  const seeds = new Set([
    ...facts.index.filter((entry) => entry.seed).map((entry) => entry.path),
    ...bundle.files.filter((file) => file.effect.kind === 'seed').map((file) => file.path),
  ]);
  const relevant = new Set([...facts.index, ...bundle.files].map((file) => file.path));
  const files = [...facts.files]
    .filter(([path]) => relevant.has(path))
    .map(([path, { type, sha256, mode, owner }]) =>
      seeds.has(path) ? ['file', path] : ['file', path, type, sha256, mode, owner],
    );
  const index = facts.index.map(({ path, sha256, mode, owner, seed }) => ['index', path, sha256, mode, owner, seed]);
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

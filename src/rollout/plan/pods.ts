import type { BundleFile } from '../../bundle/bundle.ts';
import type { FileChange, PodChange } from '../plan.ts';
import type { FileChangesInput } from './file-changes.ts';
import { manifestReasons } from './manifest-reasons.ts';
import { calledIn, readManifest, sameManifest } from './read-manifest.ts';

/** What happens to the static pods because of these changes, sorted by name. */
export function podChanges(
  { bundle, contents }: FileChangesInput,
  changes: readonly FileChange[],
): readonly PodChange[] {
  const wanted = new Map(bundle.files.map((file) => [file.path, file]));
  const found = changes.flatMap((change) => {
    if (change.effect.kind !== 'manifest' || !change.rewritten) return [];
    const file = wanted.get(change.path);
    const of = (pod: string, one: PodChange | undefined) => (one ? [{ path: change.path, ...one, pod }] : []);
    if (!file) return of(removedPod(change.effect.pod, contents.get(change.path)), STOP(change));
    return of(change.effect.pod, writtenPod(change.effect.pod, change, file, contents.get(change.path), changes));
  });
  return merged(found).sort((a, b) => (a.pod < b.pod ? -1 : 1));
}

const STOP = ({ effect }: FileChange): PodChange => ({
  pod: effect.kind === 'manifest' ? effect.pod : '',
  kind: 'stop',
  why: ['its manifest goes'],
});

function removedPod(called: string, content: Buffer | undefined): string {
  const manifest = content && readManifest(content);
  return (manifest && calledIn(manifest)) ?? called;
}

function writtenPod(
  pod: string,
  change: FileChange,
  file: BundleFile,
  old: Buffer | undefined,
  changes: readonly FileChange[],
): PodChange | undefined {
  if (!change.before) return { pod, kind: 'start', why: ['its manifest is new'] };
  if (old && sameManifest(old, file.content)) return undefined;
  // flags of what must not be shown are not shown either
  if (!old || change.sensitive) return { pod, kind: 'restart', why: ['its manifest changes'] };
  const [before, after] = [readManifest(old), readManifest(file.content)];
  // the kubelet ends a pod whose file it cannot read (measured, kubelet-static-pods.md)
  if (!before) return { pod, kind: 'start', why: ['its manifest could not be read'] };
  return { pod, kind: 'restart', why: after ? manifestReasons(pod, before, after, changes) : ['its manifest changes'] };
}

/** A pod whose manifest goes in one place and comes in another is started anew. */
function merged(found: readonly (PodChange & { readonly path: string })[]): PodChange[] {
  const pods = new Map<string, PodChange & { readonly path: string }>();
  for (const change of found) {
    const other = pods.get(change.pod);
    const [from, to] = other?.kind === 'stop' ? [other, change] : [change, other];
    const moved = to && from.kind === 'stop' && to.kind === 'start';
    pods.set(
      change.pod,
      moved ? { ...to, kind: 'restart', why: [`its manifest moves from ${from.path} to ${to.path}`] } : change,
    );
  }
  return [...pods.values()].map(({ pod, kind, why }) => ({ pod, kind, why }));
}

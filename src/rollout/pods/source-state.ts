import { MANIFESTS, POD_SERVER_CA, STOPPED_PODS } from '../../render/layout.ts';
import { manifestFile } from '../../render/static-pods/manifest-file.ts';
import { type DeclaredPod, stoppedFile } from './declared.ts';
import type { NodeSeen, PodsSeen } from './seen.ts';
import type { PodProblem, SourceState } from './truth-types.ts';

/** What the kubelet is given of a pod that is declared, and what is wrong with that. */
export interface Sourced {
  readonly state: SourceState;
  /** Whether the kubelet runs it as things are. */
  readonly isGiven: boolean;
  /** The digest of what the kubelet is given. */
  readonly digest: string | undefined;
  readonly problem: Omit<PodProblem, 'node' | 'pod'> | undefined;
}

/** What was declared beside what lies on the node, or is published for it. Of a node that was reached. */
export function sourceOf(pod: DeclaredPod, node: NodeSeen, published: PodsSeen['published']): Sourced {
  if (pod.via === 'http') return byUrl(pod, node, published);
  return pod.isStopped ? kept(pod, node) : byFile(pod, node);
}

const apply = (node: string) => `\`bootstrap apply --node ${node}\``;

function notApplied(state: SourceState, what: string, node: string, more: Partial<Sourced> = {}): Sourced {
  const problem = { code: 'not-applied', what, todo: apply(node) } as const;
  return { state, isGiven: false, digest: undefined, problem, ...more };
}

function byFile(pod: DeclaredPod, seen: NodeSeen): Sourced {
  const { node } = seen;
  const path = pod.file?.path ?? manifestFile(pod);
  const there = seen.files.get(path);
  const applied = seen.index.get(path);
  const digest = seen.manifests.find((each) => each.path === path)?.digest;
  if (there === undefined) {
    if (seen.index.has(stoppedFile(pod)))
      return notApplied('stopped', 'is to run again by the cluster file, but that was not applied yet', node);
    if (applied === undefined) return notApplied('not applied', 'is declared, but not applied yet', node);
    const problem = {
      code: 'edited',
      what: `somebody has taken its file out of ${MANIFESTS}`,
      todo: `${apply(node)} puts it back; \`bootstrap pods stop ${pod.called}\` keeps it out`,
    } as const;
    return { state: 'missing', isGiven: false, digest: undefined, problem };
  }
  if (there === pod.file?.sha256) return { state: 'in place', isGiven: true, digest, problem: undefined };
  if (there === applied)
    return notApplied('older', 'has an older manifest on the node: the new one is not applied yet', node, {
      isGiven: true,
      digest,
    });
  return { state: 'edited', isGiven: true, digest, problem: editedThere(path, node) };
}

function kept(pod: DeclaredPod, seen: NodeSeen): Sourced {
  const { node } = seen;
  const path = pod.file?.path ?? stoppedFile(pod);
  const active = manifestFile(pod);
  if (seen.files.has(active)) {
    const digest = seen.manifests.find((each) => each.path === active)?.digest;
    if (seen.index.has(active))
      return notApplied('left', 'is stopped in the cluster file, but that is not applied yet', node, {
        isGiven: true,
        digest,
      });
    const problem = {
      code: 'edited',
      what: `is stopped, but somebody has put ${active} back`,
      todo: `remove that file on ${node}, or \`bootstrap pods start ${pod.called}\``,
    } as const;
    return { state: 'edited', isGiven: true, digest, problem };
  }
  const there = seen.files.get(path);
  const none = { isGiven: false, digest: undefined } as const;
  if (there === pod.file?.sha256) return { state: 'stopped', ...none, problem: undefined };
  if (there === undefined) {
    if (!seen.index.has(path)) return notApplied('not applied', 'is declared as stopped, but not applied yet', node);
    const problem = {
      code: 'edited',
      what: `somebody has taken its file out of ${STOPPED_PODS}`,
      todo: `${apply(node)} puts it back`,
    } as const;
    return { state: 'missing', ...none, problem };
  }
  if (there === seen.index.get(path))
    return notApplied('older', 'an older manifest of it is kept on the node: the new one is not applied yet', node);
  return { state: 'edited', ...none, problem: editedThere(path, node) };
}

function byUrl(pod: DeclaredPod, seen: NodeSeen, published: PodsSeen['published']): Sourced {
  const { node } = seen;
  const digest = published?.get(node)?.get(pod.called);
  if (pod.isStopped) {
    const none = { state: 'stopped', isGiven: false, digest: undefined, problem: undefined } as const;
    if (digest === undefined || !polls(seen)) return none;
    return notApplied('left', 'is stopped in the cluster file, but still served', node, { isGiven: true, digest });
  }
  if (seen.index.has(manifestFile(pod)))
    return notApplied('older', 'is to come by URL, but its file is still on the node: not applied yet', node, {
      isGiven: true,
      digest: seen.manifests.find(({ path }) => path === manifestFile(pod))?.digest,
    });
  if (digest === undefined) return notApplied('not applied', 'is declared, but not published for the server yet', node);
  if (!polls(seen))
    return notApplied('not applied', 'is published, but the node does not know the URL yet: not applied', node);
  if (digest !== pod.digest)
    return notApplied('older', 'is published with an older manifest: the new one is not applied yet', node, {
      isGiven: true,
      digest,
    });
  return { state: 'by URL', isGiven: true, digest, problem: undefined };
}

/** The node's revision holds what is only there where its kubelet asks the server. */
export function polls({ index }: NodeSeen): boolean {
  return [...index.keys()].some((path) => path.startsWith(`${POD_SERVER_CA}/`));
}

function editedThere(path: string, node: string): Omit<PodProblem, 'node' | 'pod'> {
  return {
    code: 'edited',
    what: `somebody has changed ${path} on the node`,
    todo: `take the change into the cluster file, if it is wanted; then ${apply(node)}`,
  };
}

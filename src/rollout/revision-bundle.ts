import { type Bundle, type BundleFile, type FileEffect, makeBundle } from '../bundle/bundle.ts';
import { type IndexEntry, readIndexLine } from '../bundle/revision-index.ts';
import { podOfFile } from '../render/static-pods/manifest-file.ts';
import type { NodeAgent } from './agent.ts';

/** Where a node keeps its revisions (templates/node/node.sh). */
const REVISIONS = '/var/lib/bootstrap/revisions';

/**
 * What a node has kept as a revision, as a bundle. Contents that only root may read are left where they are, except those
 * of manifests: their SHA-256 says whether they differ.
 * @returns undefined where the node has no such revision
 */
export async function revisionBundle(agent: NodeAgent, revision: number): Promise<Bundle | undefined> {
  const base = `${REVISIONS}/${revision}`;
  const index = (await agent.read([`${base}/index`])).get(`${base}/index`);
  if (!index) return undefined;
  const entries = index
    .toString()
    .split('\n')
    .flatMap((line) => readIndexLine(line) ?? []);
  const open = entries.filter(isOpen).map(({ path }) => `${base}/files${path}`);
  const contents = await agent.read(open);
  return makeBundle(
    agent.node,
    [],
    entries.map((entry): BundleFile => {
      const { path, sha256, mode, owner } = entry;
      const content = isOpen(entry) ? contents.get(`${base}/files${path}`) : undefined;
      const effect = effectOf(entry);
      const common = { path, mode, owner, effect };
      return content
        ? { ...common, content, sensitive: false }
        : { ...common, content: Buffer.alloc(0), sha256, sensitive: true };
    }),
  );
}

/** Others on the node may read it as well, or it is a manifest, in which nothing secret stands. */
function isOpen({ mode, effect }: IndexEntry): boolean {
  return effect === 'manifest' || (mode & 0o004) !== 0;
}

function effectOf({ effect, path }: IndexEntry): FileEffect {
  switch (effect) {
    case 'manifest':
      return { kind: 'manifest', pod: podOfFile(path) };
    case 'pods':
      return { kind: 'pods', pods: [] };
    case 'pods+kubelet':
      return { kind: 'pods', pods: [], kubelet: true };
    case 'kubelet':
    case 'kubelet-unit':
      return { kind: effect };
    default:
      return { kind: 'none' };
  }
}

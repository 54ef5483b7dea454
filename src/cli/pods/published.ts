import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { INDEX, listFile, parseIndex } from '../../deliver/serve/served-index.ts';
import { below, isList, isMap } from '../../render/json.ts';
import { calledIn } from '../../rollout/plan/read-manifest.ts';
import { digestOf } from '../../rollout/pods/declared.ts';
import type { PodsSeen } from '../../rollout/pods/seen.ts';
import type { Json } from '../../spec/tree.ts';

/** What the cluster directory has for its server of pods; undefined where nothing was published that could be served. */
export function readPublished(dir: string): PodsSeen['published'] {
  const root = join(dir, 'serve');
  if (!existsSync(join(root, INDEX))) return undefined;
  try {
    const { nodes } = parseIndex(readFileSync(join(root, INDEX), 'utf8'));
    return new Map(
      Object.entries(nodes).flatMap(([node, { list }]) =>
        list ? [[node, podsIn(readFileSync(join(root, listFile(node)), 'utf8'))] as const] : [],
      ),
    );
  } catch {
    return undefined;
  }
}

/** Pod → digest of a PodList. */
function podsIn(text: string): ReadonlyMap<string, string> {
  const items = below(JSON.parse(text) as Json, 'items');
  return new Map(
    (isList(items) ? items.filter(isMap) : []).flatMap((pod) => {
      const called = calledIn(pod);
      return called === undefined ? [] : [[called, digestOf(pod) ?? ''] as const];
    }),
  );
}

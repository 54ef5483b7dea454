import { type Fault, warningAt } from '../../base/fault.ts';
import { locate } from '../../spec/tree.ts';
import type { NodeInput } from '../context.ts';
import { BLOCK_OF, type PodComponent } from '../layout.ts';

/** Of one name only the last counts, so the others are there by mistake. */
export function checkEnvs({ node }: NodeInput, component: PodComponent): readonly Fault[] {
  const block = BLOCK_OF[component];
  const names = node[block].extraEnvs.map(({ name }) => name);
  return names.flatMap((name, i) => {
    const first = names.indexOf(name);
    if (first === i) return [];
    const place = locate(node.blocks, [block, 'extraEnvs', i, 'name']);
    return [warningAt(place, `${JSON.stringify(name)} is set twice, at [${first}] too; only the last counts`)];
  });
}

import { errorAt, type Fault } from '../../../base/fault.ts';
import { at, locate, type Tree, toJson } from '../../../spec/tree.ts';
import { containersOf, isSetAt, keysAt } from '../parts.ts';
import { compareQuantities, isWhole } from '../quantity.ts';
import { show } from '../show.ts';
import type { StaticPod } from '../static-pod.ts';

/** Resources of a container by their short names; others have a domain (pkg/apis/core/helper). */
const NAMES: ReadonlySet<string> = new Set(['cpu', 'memory', 'ephemeral-storage']);

/** pkg/apis/core/validation, validateResourceRequirements. */
export function checkResources({ tree }: StaticPod): readonly Fault[] {
  return [
    ...containersOf(tree).flatMap((container) => checkOne(at(container.tree, ['resources']))),
    ...checkOne(at(tree, ['spec', 'resources'])),
  ];
}

function checkOne(resources: Tree | undefined): readonly Fault[] {
  if (resources?.kind !== 'map') return [];
  const faults: Fault[] = [];
  for (const list of ['requests', 'limits']) {
    for (const name of keysAt(resources, list)) {
      const value = at(resources, [list, name]);
      const place = locate(resources, [list, name]);
      if (!NAMES.has(name) && !name.startsWith('hugepages-') && !name.includes('/')) {
        faults.push(errorAt(place, `there is no resource ${JSON.stringify(name)}`, `known: ${[...NAMES].join(', ')}`));
      }
      if (value && compareQuantities(toJson(value), 0) === -1) {
        faults.push(errorAt(place, `${show(value)} must not be negative`));
      }
      // pkg/apis/core/helper, IsIntegerResourceName: devices are counted
      if (value && name.includes('/') && !isWhole(toJson(value))) {
        faults.push(errorAt(place, `${show(value)} must be a whole number`));
      }
    }
  }
  for (const name of keysAt(resources, 'requests')) {
    const [request, limit] = [at(resources, ['requests', name]), at(resources, ['limits', name])];
    const mayDiffer = NAMES.has(name);
    if (!request || !limit) {
      if (request && !mayDiffer && isSetAt(resources, 'requests', name)) {
        const message = `${name} needs a limit too, of the same amount`;
        faults.push(errorAt(locate(resources, ['requests', name]), message, `set limits.${name}`));
      }
      continue;
    }
    const order = compareQuantities(toJson(request), toJson(limit));
    if (order === undefined || order === 0 || (order < 0 && mayDiffer)) continue;
    const rule = mayDiffer ? 'more than' : 'not the same as';
    const message = `${show(request)} is ${rule} the limit of ${name}, ${show(limit)}; the kubelet refuses the pod`;
    faults.push(errorAt(locate(resources, ['requests', name]), message));
  }
  return faults;
}

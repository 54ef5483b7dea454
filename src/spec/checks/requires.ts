import { errorAt, type Fault } from '../../base/fault.ts';
import type { Profile } from '../profiles.ts';
import { masterTrees } from '../roles.ts';
import { at, locate, type MapTree } from '../tree.ts';

/** What the profiles in use ask of the cluster. */
export function checkRequires(spec: MapTree, profiles: readonly Profile[]): readonly Fault[] {
  const nodes = locate(spec, ['nodes']);
  const count = masterTrees(spec).length;
  const external = at(spec, ['etcd', 'external']) !== undefined;
  return profiles.flatMap(({ name, requires }) => {
    const faults: Fault[] = [];
    const say = (message: string, hint?: string) =>
      faults.push(errorAt(nodes, `${message}, as profile "${name}" requires`, hint));
    const { min = 1, max = Number.POSITIVE_INFINITY, odd = false } = requires.nodes ?? {};
    const have = `${count} node${count === 1 ? '' : 's'}`;
    if (count > 0 && count < min)
      say(`has ${have}, not at least ${min}`, min > 1 ? 'add nodes, or use profile "single"' : undefined);
    if (count > max)
      say(`has ${have}, not at most ${max}`, max === 1 ? 'use profile "ha" for several masters' : undefined);
    // an even number with local etcd is a fault of its own already
    if (odd && external && count > 0 && count % 2 === 0) say(`has ${have}, not an odd number`);
    if (requires.endpoint && count === 1 && !at(spec, ['controlPlaneEndpoint'])) {
      faults.push(
        errorAt(
          { path: 'spec.controlPlaneEndpoint', origin: spec.origin },
          `is missing; profile "${name}" requires it`,
        ),
      );
    }
    if (requires.etcd === 'external' && !external) {
      faults.push(
        errorAt(
          locate(spec, ['etcd', 'external']),
          `is missing; profile "${name}" requires it`,
          'write `etcd: {external: {endpoints: [https://…:2379], caFile: …, certFile: …, keyFile: …}}`',
        ),
      );
    }
    if (requires.etcd === 'local' && external) {
      faults.push(
        errorAt(
          locate(spec, ['etcd', 'external']),
          `cannot be used with profile "${name}"`,
          'use profile "ha-external-etcd"',
        ),
      );
    }
    return faults;
  });
}

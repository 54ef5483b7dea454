import { errorAt, type Fault } from '../../base/fault.ts';
import { asList } from '../read-tree.ts';
import { isPlain, masterTrees } from '../roles.ts';
import { at, type MapTree } from '../tree.ts';

const CONTROL_PLANE = ['apiServer', 'controllerManager', 'scheduler', 'etcd'];

/** What a host without control plane cannot have, and a cluster without masters neither. */
export function checkRoles(spec: MapTree): readonly Fault[] {
  const plain = asList(at(spec, ['nodes'])).filter(isPlain);
  const blocks = plain.flatMap((node) => CONTROL_PLANE.flatMap((block) => at(node, [block]) ?? []));
  const endpoint = at(spec, ['controlPlaneEndpoint']);
  return [
    ...blocks.map((block) =>
      errorAt(block, 'has no effect: a host with "role: node" runs nothing of the control plane', 'take it out'),
    ),
    ...(endpoint && plain.length && !masterTrees(spec).length
      ? [
          errorAt(
            endpoint,
            'leads nowhere: all nodes have "role: node", so there is no API server',
            'take it out, or add masters',
          ),
        ]
      : []),
  ];
}

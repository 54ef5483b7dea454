import { errorAt, type Fault } from '../../base/fault.ts';
import { at, type Json, locate } from '../../spec/tree.ts';
import type { NodeInput, PlannedPod } from '../context.ts';
import { below, isMap } from '../json.ts';
import { BLOCK_OF } from '../layout.ts';
import { containerOf } from '../overlay.ts';

/** The kubelet refuses a pod that requests more than its limit; the template's own requests count too. */
export function checkResources({ node }: NodeInput, { component, data }: PlannedPod): readonly Fault[] {
  const resources = below(containerOf(data, component), 'resources');
  const [requests, limits] = [below(resources, 'requests'), below(resources, 'limits')];
  if (!isMap(requests) || !isMap(limits)) return [];
  return Object.entries(limits).flatMap(([name, limit]) => {
    const request = requests[name];
    const [most, wanted] = [quantity(limit), quantity(request)];
    if (most === undefined || wanted === undefined || wanted <= most) return [];
    const block = BLOCK_OF[component];
    const isOwn = at(node.blocks, [block, 'resources', 'requests', name]) !== undefined;
    const patched = node.patches.findLast(
      (patch) => patch.target === component && node[block].resources === undefined,
    )?.at;
    const hint = isOwn ? undefined : `set requests.${name} too`;
    return [
      errorAt(
        patched ?? locate(node.blocks, [block, 'resources', 'limits', name]),
        `${component}: the limit of ${name} is ${limit}, less than the ${request} that it requests`,
        hint,
      ),
    ];
  });
}

const SUFFIX: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
}; // prettier-ignore

/** A Kubernetes quantity as a number; undefined where it is none. Precise enough to compare two. */
function quantity(value: Json | undefined): number | undefined {
  if (typeof value === 'number') return value;
  const [, amount, suffix = ''] =
    (typeof value === 'string' && /^([+-]?[\d.]+(?:[eE][+-]?\d+)?)([a-zA-Z]*)$/.exec(value)) || [];
  const factor = SUFFIX[suffix];
  return amount === undefined || factor === undefined ? undefined : Number(amount) * factor;
}

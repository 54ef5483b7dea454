import { errorAt } from '../../base/fault.ts';
import { didYouMean } from '../../base/suggest.ts';
import {
  isKubeProxyPart,
  KUBE_PROXY_FIELDS,
  KUBE_PROXY_ZERO_COUNTS,
  kubeProxyFieldsBelow,
} from '../../kubernetes/kube-proxy-fields.ts';
import { parseDuration } from '../duration.ts';
import { wrongProxyValue } from '../proxy-value.ts';
import { asText } from '../read-tree.ts';
import type { MapTree, Tree } from '../tree.ts';
import { type Outcome, placeOf, placeOfField } from './outcome.ts';
import { booleanTree, isNull, readBoolean } from './scalars.ts';
import { wrongValue } from './wrong-value.ts';

/** What is left of a KubeProxyConfiguration, for `spec.proxy.config`, once all is taken out that is rendered anyway. */
export function sortProxyConfig(
  document: MapTree,
  podSubnet: string | undefined,
  outcome: Outcome,
): MapTree | undefined {
  const rendered = new Map([
    ['clientConnection.kubeconfig', '/var/lib/kube-proxy/kubeconfig.conf'],
    ...(podSubnet === undefined ? [] : [['clusterCIDR', podSubnet] as const]),
  ]);
  const visit = (map: MapTree, parent: string): MapTree => {
    const entries = new Map<string, Tree>();
    for (const [key, given] of map.entries) {
      const path = parent ? `${parent}.${key}` : key;
      const type = KUBE_PROXY_FIELDS.get(path);
      const at = placeOfField(map, key, given);
      const asked = type === 'boolean' ? readBoolean(given) : undefined;
      const value = asked === undefined ? given : booleanTree(given, asked);
      if (isNull(value)) continue;
      if (!type && isKubeProxyPart(path)) {
        if (value.kind !== 'map') wrongValue(value, 'map', outcome);
        else {
          const below = visit(value, path);
          if (below.entries.size) entries.set(key, below);
        }
      } else if (!type) {
        const advice = didYouMean(key, kubeProxyFieldsBelow(parent));
        const why = advice ?? 'write it into spec.proxy.config if your kube-proxy knows it';
        outcome.notCarried.push({ at, why: `is not a known field of KubeProxyConfiguration; ${why}` });
      } else if (wrongProxyValue(value, type)) {
        outcome.faults.push(errorAt(at, wrongProxyValue(value, type) ?? ''));
      } else if (
        (rendered.has(path) && asText(value) === rendered.get(path)) ||
        (isZero(value) && !KUBE_PROXY_ZERO_COUNTS.has(path))
      ) {
        outcome.carried.push({ at, to: undefined });
      } else {
        outcome.carried.push({ at, to: `spec.proxy.config.${path}` });
        entries.set(key, value);
      }
    }
    return { kind: 'map', ...placeOf(map), entries, ...(map.keys && { keys: map.keys }) };
  };
  const fields = new Map([...document.entries].filter(([key]) => key !== 'apiVersion' && key !== 'kind'));
  const config = visit({ ...document, entries: fields }, '');
  return config.entries.size ? config : undefined;
}

/** Go's zero value, also inside a part that is not looked into: what `kubeadm config print` writes everywhere. */
function isZero(value: Tree): boolean {
  if (value.kind === 'list') return value.items.length === 0;
  if (value.kind === 'map') return [...value.entries.values()].every(isZero);
  const { value: scalar } = value;
  if (typeof scalar === 'string') return scalar === '' || scalar === '0' || parseDuration(scalar) === 0;
  return !scalar;
}

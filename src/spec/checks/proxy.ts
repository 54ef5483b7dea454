import { errorAt, type Fault, type Located, warningAt } from '../../base/fault.ts';
import { didYouMean } from '../../base/suggest.ts';
import { isKubeProxyPart, KUBE_PROXY_FIELDS, kubeProxyFieldsBelow } from '../../kubernetes/kube-proxy-fields.ts';
import { wrongProxyValue } from '../proxy-value.ts';
import { at, childPath, type MapTree } from '../tree.ts';

/** Rendered, and needed by the rest: the ConfigMap of kube-proxy is mounted there. */
const FIXED = new Set(['apiVersion', 'kind']);

/** `spec.proxy.config`: names and types. An unknown name is a warning, for a newer kube-proxy may know it. */
export function checkProxy(spec: MapTree): readonly Fault[] {
  const config = at(spec, ['proxy', 'config']);
  return config?.kind === 'map' ? [...checkMap(config, '')] : [];
}

function* checkMap(map: MapTree, parent: string): Generator<Fault> {
  for (const [key, value] of map.entries) {
    const path = parent ? `${parent}.${key}` : key;
    const type = KUBE_PROXY_FIELDS.get(path);
    if (value.kind === 'scalar' && value.value === null) continue;
    if (FIXED.has(path)) yield errorAt(value, 'is set by bootstrap', 'leave it out');
    else if (type) {
      const wrong = wrongProxyValue(value, type);
      if (wrong) yield errorAt(value, wrong);
    } else if (!isKubeProxyPart(path)) {
      const place: Located = { path: childPath(map.path, key), origin: map.keys?.get(key) ?? value.origin };
      yield warningAt(
        place,
        'is not a known field of KubeProxyConfiguration',
        didYouMean(key, kubeProxyFieldsBelow(parent)),
      );
    } else if (value.kind === 'map') yield* checkMap(value, path);
    else yield errorAt(value, `must be a map, not a ${value.kind === 'scalar' ? 'single value' : 'list'}`);
  }
}

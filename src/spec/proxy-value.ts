import type { KubeProxyFieldType } from '../kubernetes/kube-proxy-fields.ts';
import { parseDuration } from './duration.ts';
import type { Tree } from './tree.ts';

/** What is wrong with the value of a field of KubeProxyConfiguration; undefined where it is of the right type. */
export function wrongProxyValue(value: Tree, type: KubeProxyFieldType): string | undefined {
  const scalar = value.kind === 'scalar' ? value.value : undefined;
  const got =
    value.kind === 'scalar' ? (scalar === null ? 'null' : (typeof scalar).replace('string', 'text')) : value.kind;
  const must = (ok: boolean, what: string) => (ok ? undefined : `must be ${what}, not a ${got}`);
  switch (type) {
    case 'any':
      return undefined;
    case 'text':
      return must(typeof scalar === 'string', 'a text');
    case 'boolean':
      return must(typeof scalar === 'boolean', 'true or false');
    case 'integer':
      return must(Number.isInteger(scalar), 'a whole number');
    case 'number':
      return must(typeof scalar === 'number', 'a number');
    case 'duration':
      return must(typeof scalar === 'string' && parseDuration(scalar) !== undefined, 'a duration such as "10s"');
    case 'texts':
      return must(
        value.kind === 'list' && value.items.every((item) => item.kind === 'scalar' && typeof item.value === 'string'),
        'a list of texts',
      );
  }
}

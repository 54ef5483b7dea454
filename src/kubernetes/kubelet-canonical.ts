import { canonicalDuration, canonicalQuantity } from './canonical.ts';
import type { Field } from './kubelet-fields.ts';

/** The value of a field with every duration and quantity in it as Go writes it; what cannot be read stays as it is. */
export function canonicalKubeletConfig(field: Field, value: unknown): unknown {
  const entry = /^map<string,(.*)>$/.exec(field.type)?.[1];
  if (Array.isArray(value)) {
    const item = /^array<(.*)>$/.exec(field.type)?.[1] ?? '';
    return value.map((inner: unknown) => (item === 'object' ? members(field, inner) : scalar(item, inner)));
  }
  if (entry !== undefined) return mapValues(value, (inner) => scalar(entry, inner));
  return isMap(value) ? members(field, value) : scalar(field.type, value);
}

function members(field: Field, value: unknown): unknown {
  return mapValues(value, (inner, name) => {
    const child = field.children.get(name);
    return child ? canonicalKubeletConfig(child, inner) : inner;
  });
}

function scalar(type: string, value: unknown): unknown {
  const isQuantity = type === 'quantity' && (typeof value === 'string' || typeof value === 'number');
  if (isQuantity) return canonicalQuantity(value) ?? value;
  return type.startsWith('duration') && typeof value === 'string' ? (canonicalDuration(value) ?? value) : value;
}

function mapValues(value: unknown, change: (inner: unknown, name: string) => unknown): unknown {
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, change(inner, name)]));
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

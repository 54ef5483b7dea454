import data from './data/pod-fields.json' with { type: 'json' };

/**
 * What a field holds: a scalar, one of some words, the fields of another type, or many of what `item` says. `any` is
 * what nobody here looks into.
 */
export type FieldType =
  | ScalarType
  | Many
  | { readonly kind: 'any' }
  | { readonly kind: 'object'; readonly type: string };

export type ScalarType =
  | { readonly kind: 'string' | 'boolean' | 'int32' | 'int64' | 'quantity' | 'int-or-string' | 'time' }
  | { readonly kind: 'word'; readonly words: readonly string[] };

interface Many {
  readonly kind: 'list' | 'map';
  readonly item: FieldType;
}
export interface PodField {
  readonly name: string;
  readonly type: FieldType;
  readonly required: boolean;
  /** The minor that it came in; 0 = 1.33 or before. */
  readonly addedIn: number;
}

const SCALARS = ['string', 'boolean', 'int32', 'int64', 'quantity', 'int-or-string', 'time'] as const;

const TYPES: Readonly<Record<string, Readonly<Record<string, string | readonly (string | number)[]>>>> = data.types;

const parsed = new Map<string, ReadonlyMap<string, PodField>>();

/** The fields of a type of `k8s.io/api` by name: `Pod`, `Container`, `Deployment`; of 1.36. Empty for any other type. */
export function fieldsOf(type: string): ReadonlyMap<string, PodField> {
  const known = parsed.get(type);
  if (known) return known;
  const entries = Object.hasOwn(TYPES, type) ? Object.entries(TYPES[type] ?? {}) : [];
  const fields = new Map(entries.map(([name, entry]) => [name, field(name, entry)]));
  parsed.set(type, fields);
  return fields;
}

function field(name: string, entry: string | readonly (string | number)[]): PodField {
  const [text, addedIn] = typeof entry === 'string' ? [entry, 0] : entry;
  const type = String(text);
  return {
    name,
    type: parseType(type.replace(/!$/, '')),
    required: type.endsWith('!'),
    addedIn: Number(addedIn),
  };
}

function parseType(text: string): FieldType {
  if (text.startsWith('[]')) return { kind: 'list', item: parseType(text.slice(2)) };
  if (text.startsWith('{}')) return { kind: 'map', item: parseType(text.slice(2)) };
  if (text.startsWith('=')) return { kind: 'word', words: text.slice(1).split('|') };
  if (text === 'any') return { kind: 'any' };
  const scalar = SCALARS.find((kind) => kind === text);
  return scalar ? { kind: scalar } : { kind: 'object', type: text };
}

import schema from './cluster.schema.json' with { type: 'json' };
import type { Segment, Tree } from './tree.ts';

/** A part of the JSON Schema, as far as this program reads it by itself. */
export interface SchemaNode {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: boolean | SchemaNode;
  readonly items?: SchemaNode;
  readonly enum?: readonly unknown[];
  readonly maxItems?: number;
}

const root = schema as unknown as { readonly $defs: Readonly<Record<string, SchemaNode>> } & SchemaNode;

/** The JSON Schema of the cluster file, as `config schema` prints it and editors use it. */
export const CLUSTER_SCHEMA: Readonly<Record<string, unknown>> = schema;

export function definition(name: string): SchemaNode {
  return root.$defs[name] ?? {};
}

/** Follows `$ref` within the schema; keywords beside it win. */
export function resolved(node: SchemaNode): SchemaNode {
  if (!node.$ref) return node;
  const { $ref, ...own } = node;
  return { ...resolved(pointer($ref)), ...own };
}

/** The part a JSON pointer such as `#/$defs/node/properties/name` names. */
function pointer(ref: string): SchemaNode {
  let node: unknown = root;
  for (const part of ref.replace(/^#\/?/, '').split('/').filter(Boolean)) {
    node = (node as Record<string, unknown> | undefined)?.[part.replace(/~1/g, '/').replace(/~0/g, '~')];
  }
  return (node ?? {}) as SchemaNode;
}

/** The schema of what stands at `segment` inside a value of schema `node`. */
export function schemaChild(node: SchemaNode, segment: Segment): SchemaNode | undefined {
  const here = resolved(node);
  if (typeof segment === 'number') return here.items && resolved(here.items);
  const found =
    here.properties?.[segment] ??
    (typeof here.additionalProperties === 'object' ? here.additionalProperties : undefined);
  return found && resolved(found);
}

/** The schema of what stands at `segments` inside a value of schema `node`; undefined where nothing may stand there. */
export function schemaAt(node: SchemaNode, segments: readonly Segment[]): SchemaNode | undefined {
  return segments.reduce<SchemaNode | undefined>((here, segment) => here && schemaChild(here, segment), resolved(node));
}

/** Every scalar of a tree that has a format in the schema. */
export function* formattedScalars(
  tree: Tree,
  node: SchemaNode,
): Generator<{ readonly tree: Tree & { kind: 'scalar' }; readonly format: string }> {
  const here = resolved(node);
  if (tree.kind === 'scalar') {
    if (here.format && tree.value !== null) yield { tree, format: here.format };
    return;
  }
  const children: Iterable<readonly [Segment, Tree]> = tree.kind === 'map' ? tree.entries : tree.items.entries();
  for (const [segment, value] of children) {
    const below = schemaChild(here, segment);
    if (below) yield* formattedScalars(value, below);
  }
}

/** Paths of all fields with this name, lists shown as `[]`: `spec.networking.podSubnet`. */
export function fieldPaths(name: string): readonly string[] {
  const found: string[] = [];
  const walk = (node: SchemaNode, path: string, depth: number): void => {
    const here = resolved(node);
    if (depth > 8) return;
    for (const [key, value] of Object.entries(here.properties ?? {})) {
      const next = path ? `${path}.${key}` : key;
      if (key === name) found.push(next);
      walk(value, next, depth + 1);
    }
    if (here.items) walk(here.items, `${path}[]`, depth + 1);
  };
  walk(root, '', 0);
  return found;
}

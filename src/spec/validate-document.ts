import { errorAt, type Fault } from '../base/fault.ts';
import { validateCluster, validateProfile } from '../generated/validate-cluster.ts';
import { CLUSTER_SCHEMA, definition, type SchemaNode } from './schema.ts';
import { formatFaults, type SchemaError, schemaFaults } from './schema-faults.ts';
import { pruneNulls, type Tree, toJson } from './tree.ts';

interface Validator {
  (data: unknown): boolean;
  errors?: readonly SchemaError[] | null;
}

const KINDS: Readonly<Record<'Cluster' | 'Profile', { readonly validate: Validator; readonly schema: SchemaNode }>> = {
  Cluster: { validate: validateCluster as unknown as Validator, schema: CLUSTER_SCHEMA as SchemaNode },
  Profile: { validate: validateProfile as unknown as Validator, schema: definition('profile') },
};

/**
 * Checks one document against its schema: structure, types, unknown fields and the format of every value.
 * @returns all faults; empty where it is well formed
 */
export function validateDocument(tree: Tree, kind: 'Cluster' | 'Profile'): readonly Fault[] {
  const { validate, schema } = KINDS[kind];
  if (tree.kind !== 'map') return [errorAt(tree, `must be a map with apiVersion, kind and spec`)];
  const pruned = pruneNulls(tree);
  const structure = validate(toJson(pruned)) ? [] : schemaFaults(validate.errors ?? [], pruned, schema);
  const formats = formatFaults(pruned, schema);
  // of `kubernetesVersion: 1.36` the format says more than "must be a text" does
  const said = new Set(formats.map((fault) => fault.at?.path));
  return [...structure.filter((fault) => !said.has(fault.at?.path)), ...formats];
}

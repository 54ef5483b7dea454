import type { Cluster } from '../spec/cluster.ts';
import type { TemplateSet } from './template/template.ts';

/** The part of an error of ajv that is used here. */
export interface SchemaError {
  readonly instancePath: string;
  readonly keyword: string;
  readonly message?: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** ajv's standalone validator of a Pod. */
export interface ValidatePod {
  (pod: unknown): boolean;
  errors?: readonly SchemaError[] | null;
}

/**
 * Whether a pod of this cluster could be no Pod at all: it holds something whose shape is the user's. What only the
 * templates of this program have shaped fits the schema (test/render/pod-schema.test.ts), and loading the schema takes
 * longer than rendering.
 */
export function needsPodSchema(cluster: Cluster, templates: TemplateSet): boolean {
  if ([...templates.values()].some((template) => !template.builtin)) return true;
  return cluster.nodes.some(
    ({ patches, etcd, apiServer, controllerManager, scheduler }) =>
      patches.length > 0 ||
      [etcd, apiServer, controllerManager, scheduler].some(
        ({ extraEnvs, resources }) => resources !== undefined || extraEnvs.some((env) => env.valueFrom !== undefined),
      ),
  );
}

export async function loadPodSchema(): Promise<ValidatePod> {
  const { validatePod } = await import('../generated/validate-pod.ts');
  return validatePod as unknown as ValidatePod;
}

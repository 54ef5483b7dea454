import type { Plan } from '../plan.ts';
import { planData } from './plan-data.ts';

/** Counts up when a plan file can no longer be read by an older version. */
export const PLAN_FORMAT = 1;

export interface PlanOrigin {
  /** SHA-256 (hex) over the cluster file, what it includes and the options laid over it. */
  readonly clusterDigest: string;
  /** ISO 8601. */
  readonly at: string;
  /** `user@host`. */
  readonly by: string;
}

/** The text of a plan file. It holds no secrets, but says much of the cluster: 0600. */
export function planDocument(plan: Plan, { clusterDigest, at, by }: PlanOrigin): string {
  return `${JSON.stringify({ kind: 'Plan', format: PLAN_FORMAT, at, by, clusterDigest, ...planData(plan) }, null, 1)}\n`;
}

/** What is read back of a plan file: as much as tells whether the world has moved. */
export interface PlanDocument {
  readonly at: string;
  readonly by: string;
  readonly clusterDigest: string;
  readonly cluster: string;
  readonly mode: string;
  readonly nodes: readonly DocumentNode[];
  readonly objects: readonly DocumentObject[] | undefined;
}

export interface DocumentNode {
  readonly node: string;
  readonly digest: string;
  readonly observed: string;
  readonly revision: number | undefined;
  readonly unfinished: number | undefined;
  readonly files: readonly DocumentFile[];
  readonly strays: readonly string[];
}

export interface DocumentFile {
  readonly kind: string;
  readonly path: string;
  readonly before: DocumentState | undefined;
  readonly after: DocumentState | undefined;
}

export interface DocumentState {
  /** Of secrets the first digits only. */
  readonly sha256: string;
  readonly mode: string;
  readonly owner: string;
}

export interface DocumentObject {
  readonly kind: string;
  readonly object: string;
  readonly fields: readonly string[];
}

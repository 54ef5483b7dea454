import type { Catalogue } from '../kubernetes/catalogue.ts';
import type { Cluster, ClusterNode } from '../spec/cluster.ts';
import type { FlagUse } from './flag-use.ts';
import type { JsonMap } from './json.ts';
import type { PodComponent } from './layout.ts';
import { loadPodSchema, needsPodSchema, type ValidatePod } from './pod-schema.ts';
import type { TemplateSet } from './template/template.ts';

/** What rendering needs besides the cluster and its PKI; the same for every node. */
export interface RenderContext {
  /** Of the cluster's Kubernetes minor. */
  readonly catalogue: Catalogue;
  readonly templates: TemplateSet;
  /** Undefined where nothing in the cluster could make something else of a pod than a Pod. */
  readonly validatePod: ValidatePod | undefined;
}

/** The context for one cluster; all that is loaded for rendering is loaded here. */
export async function makeContext(
  cluster: Cluster,
  catalogue: Catalogue,
  templates: TemplateSet,
): Promise<RenderContext> {
  const validatePod = needsPodSchema(cluster, templates) ? await loadPodSchema() : undefined;
  return { catalogue, templates, validatePod };
}

/** What is rendered and checked one by one. */
export interface NodeInput extends RenderContext {
  readonly cluster: Cluster;
  readonly node: ClusterNode;
}

/** One static pod after overlay and patches: what checks look at and what is stamped and written. */
export interface PlannedPod {
  readonly component: PodComponent;
  readonly data: JsonMap;
  readonly flags: readonly FlagUse[];
}

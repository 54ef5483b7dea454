import type { Located } from '../base/fault.ts';
import type { Cluster, ClusterNode } from '../spec/cluster.ts';
import { at, type Json, locate } from '../spec/tree.ts';
import type { RenderContext } from './context.ts';
import { below, mapOf, sameJson } from './json.ts';
import { planCluster } from './plan-cluster.ts';

export interface KubeletFieldExplanation {
  /** What is rendered; undefined = nothing is, and the kubelet's own default holds. */
  readonly value: Json | undefined;
  readonly origin:
    | { readonly kind: 'template' }
    | { readonly kind: 'user'; readonly at: Located }
    | { readonly kind: 'patch'; readonly at: Located }
    /** The user has taken the default away. */
    | { readonly kind: 'removed'; readonly at: Located }
    | { readonly kind: 'unset' }
    /** There is no such field in this version; the message says so. */
    | { readonly kind: 'unknown'; readonly message: string; readonly hint: string | undefined };
}

/**
 * Why a field of KubeletConfiguration has its value on a node.
 * @param path the way to it: `['authentication', 'webhook', 'enabled']`
 */
export function explainKubeletField(
  cluster: Cluster,
  node: ClusterNode,
  context: RenderContext,
  path: readonly (string | number)[],
): KubeletFieldExplanation {
  const plan = planCluster(cluster, context, true).find(({ input }) => input.node === node);
  const value = below(plan?.kubelet?.config, ...path);
  const unpatched = below(plan?.kubelet?.unpatched, ...path);
  const patch = node.patches.findLast(({ target }) => target === 'kubeletconfiguration');
  if (patch && !sameJson(value, unpatched)) return { value, origin: { kind: 'patch', at: patch.at } };
  const full = ['kubelet', 'config', ...path];
  if (at(node.blocks, full)) {
    return { value, origin: { kind: value === undefined ? 'removed' : 'user', at: locate(node.blocks, full) } };
  }
  if (value !== undefined) return { value, origin: { kind: 'template' } };
  const [unknown] = context.catalogue.checkKubeletConfig(nest(path));
  if (!unknown) return { value, origin: { kind: 'unset' } };
  return { value, origin: { kind: 'unknown', message: unknown.message, hint: unknown.hint } };
}

/** A configuration that holds nothing but the field; null passes for a value of any type. */
function nest(path: readonly (string | number)[]): Json {
  return path.reduceRight<Json>((inner, step) => (typeof step === 'number' ? [inner] : mapOf([[step, inner]])), null);
}

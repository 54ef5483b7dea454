import type { Located } from '../base/fault.ts';
import { didYouMean } from '../base/suggest.ts';
import type { Cluster, ClusterNode } from '../spec/cluster.ts';
import { flagSources } from './component-view.ts';
import type { RenderContext } from './context.ts';
import { type FlagUse, lastUse } from './flag-use.ts';
import { BLOCK_OF, type PodComponent } from './layout.ts';
import { planCluster } from './plan-cluster.ts';
import { locateSources } from './view/sources.ts';

/** A line of a template, and the fields of the cluster file that its value or its presence depends on. */
interface TemplateLine {
  readonly file: string;
  readonly line: number;
  readonly from: readonly Located[];
}

export interface FlagExplanation {
  readonly component: PodComponent | 'kubelet';
  readonly flag: string;
  /** What the process gets; none = the flag is not given, and its own default holds. */
  readonly values: readonly string[];
  readonly origin:
    | ({ readonly kind: 'template' } & TemplateLine)
    | { readonly kind: 'user'; readonly at: Located }
    | { readonly kind: 'patch'; readonly at: Located }
    /** The user has taken the default away. */
    | { readonly kind: 'removed'; readonly at: Located }
    | { readonly kind: 'unset' }
    /** The component has no such flag in this version. */
    | { readonly kind: 'unknown'; readonly hint: string | undefined };
  /** The line of the template that would have set it, or does so in other clusters. */
  readonly template: TemplateLine | undefined;
}

/** Why a flag of a component has its value on a node. Gives an explanation for flags that are wrong, too. */
export function explainFlag(
  cluster: Cluster,
  node: ClusterNode,
  component: PodComponent | 'kubelet',
  flag: string,
  context: RenderContext,
): FlagExplanation {
  const plan = planCluster(cluster, context, true).find((candidate) => candidate.input.node === node);
  const flags =
    component === 'kubelet' ? plan?.kubelet?.flags : plan?.pods.find((pod) => pod.component === component)?.flags;
  const uses = (flags ?? []).filter((use) => use.name === flag);
  const template = templateLine(cluster, node, component, flag, context);
  return {
    component,
    flag,
    values: uses.map((use) => use.value ?? 'true'),
    origin: originOf(node, component, flag, context, lastUse(uses, flag), template),
    template,
  };
}

function originOf(
  node: ClusterNode,
  component: PodComponent | 'kubelet',
  flag: string,
  { catalogue }: RenderContext,
  use: FlagUse | undefined,
  template: TemplateLine | undefined,
): FlagExplanation['origin'] {
  const arg = node[BLOCK_OF[component]].extraArgs.find((candidate) => candidate.name === flag);
  if (use?.at) return { kind: use.by === 'patch' ? 'patch' : 'user', at: use.at };
  if (use && template) return { kind: 'template', ...template };
  if (arg) return { kind: 'removed', at: arg.at };
  if (catalogue.find(component, flag) || template) return { kind: 'unset' };
  const names = catalogue.flags(component).map((facts) => facts.name);
  return { kind: 'unknown', hint: didYouMean(flag, names) };
}

function templateLine(
  cluster: Cluster,
  node: ClusterNode,
  component: PodComponent | 'kubelet',
  flag: string,
  { templates }: RenderContext,
): TemplateLine | undefined {
  const { template: name, sources } = flagSources(component);
  const template = templates.get(name);
  const found = template?.flags[flag];
  if (!template || !found) return undefined;
  const paths = found.uses.flatMap((use) => sources[use] ?? []);
  return { file: template.file, line: found.line, from: locateSources(cluster, node, paths) };
}

import type { Located } from '../base/fault.ts';
import { locate } from '../spec/tree.ts';
import { flagSources } from './component-view.ts';
import type { NodeInput } from './context.ts';
import type { FlagUse } from './flag-use.ts';
import { BLOCK_OF, type PodComponent } from './layout.ts';
import { templatePlace } from './template/template.ts';
import { locateSources } from './view/sources.ts';

/**
 * Where a flag's value was decided: where the user set or patched it, else the first field that the template computes it
 * from, else the version, whose default it is. A default in a template of the user's is placed in that template.
 */
export function placeOfFlag(
  input: NodeInput,
  component: PodComponent | 'kubelet',
  use: FlagUse | undefined,
  flag = use?.name ?? '',
): Located {
  if (use?.at) return use.at;
  const removed = use ? undefined : removedAt(input, component, flag);
  if (removed) return removed;
  const { template: name, sources } = flagSources(component);
  const template = input.templates.get(name);
  const line = template?.flags[flag];
  if (template && !template.builtin && (line || !use)) return templatePlace(template.file, line?.line ?? 1, 1);
  const paths = (line?.uses ?? []).flatMap((view) => sources[view] ?? []);
  return locateSources(input.cluster, input.node, paths)[0] ?? locate(input.cluster.spec, ['kubernetesVersion']);
}

/** A default that is gone was taken away: by the user's flag without a value, or else by a patch. */
function removedAt({ node, templates }: NodeInput, component: PodComponent | 'kubelet', flag: string) {
  const arg = node[BLOCK_OF[component]].extraArgs.find(({ name, values }) => name === flag && !values?.length);
  if (arg || !templates.get(flagSources(component).template)?.flags[flag]) return arg?.at;
  return node.patches.findLast(({ target }) => target === component)?.at;
}

/** The path of a component's setting in the cluster file, for hints: `spec.apiServer.extraVolumes`. */
export function settingPath(component: PodComponent, field: string): string {
  const block = component === 'etcd' ? 'etcd.local' : BLOCK_OF[component];
  return `spec.${block}.${field}`;
}

import { BootstrapError } from '../base/errors.ts';
import { type Fault, warningAt } from '../base/fault.ts';
import type { Patch } from '../spec/cluster.ts';
import { checkAnonymous } from './check/anonymous.ts';
import { blamePatches } from './check/blame.ts';
import { checkEnvs } from './check/envs.ts';
import { checkFlags } from './check/flags.ts';
import { checkMounts } from './check/mounts.ts';
import { checkProbes } from './check/probes.ts';
import { checkResources } from './check/resources.ts';
import { checkSchema } from './check/schema.ts';
import { checkCovers } from './check/volumes.ts';
import { RENDERINGS } from './component-view.ts';
import type { NodeInput, PlannedPod } from './context.ts';
import { podFlags } from './flag-use.ts';
import type { JsonMap } from './json.ts';
import { POD_COMPONENTS, type PodComponent } from './layout.ts';
import { overlayPod } from './overlay.ts';
import { parseFilled } from './parse.ts';
import { applyPatches } from './patch/apply.ts';
import type { Template, TemplateName } from './template/template.ts';

export interface Planned<T> {
  readonly value: T;
  readonly faults: readonly Fault[];
}

/**
 * The static pods of one node: filled, parsed, overlaid and checked (steps one to four).
 * @param signs whether the key of the cluster CA is at hand
 */
export function planPods(input: NodeInput, signs: boolean): Planned<readonly PlannedPod[]> {
  const isLocal = input.cluster.etcd.kind === 'local';
  const components = POD_COMPONENTS.filter((component) => component !== 'etcd' || isLocal);
  const planned = components.map((component) => attempt(() => planPod(input, component, signs)));
  const idle = isLocal ? [] : input.node.patches.filter((patch) => patch.target === 'etcd');
  return {
    value: planned.flatMap(({ value }) => value ?? []),
    faults: [
      ...planned.flatMap(({ faults }) => faults),
      ...idle.map((patch) => warningAt(patch.at, 'changes nothing: etcd runs elsewhere')),
    ],
  };
}

/** A template of the user's that cannot be filled is one fault among others; the rest goes on without it. */
export function attempt<T>(plan: () => Planned<T>): Planned<T | undefined> {
  try {
    return plan();
  } catch (error) {
    if (error instanceof BootstrapError && error.code === 'cluster-file' && error.faults.length)
      return { value: undefined, faults: error.faults };
    throw error;
  }
}

/** A template that is there: the build and withUserTemplates see to it that all are. */
export function templateOf({ templates }: NodeInput, name: TemplateName): Template {
  const template = templates.get(name);
  if (!template) throw new BootstrapError('internal', `there is no template ${name}`);
  return template;
}

export function fillAndParse(input: NodeInput, name: TemplateName, view: object): JsonMap {
  const template = templateOf(input, name);
  return parseFilled(template.fill(view), template);
}

function planPod(input: NodeInput, component: PodComponent, signs: boolean): Planned<PlannedPod> {
  const { template, view, settings: settingsOf } = RENDERINGS[component];
  const settings = settingsOf(input.node);
  const filled = fillAndParse(input, template, view({ ...input, signs }));
  const overlaid = overlayPod(filled, component, settings);
  const { data, applied, faults } = applyPatches(overlaid, component, input.node.patches);
  const podOf = (pod: JsonMap, patches: readonly Patch[]): PlannedPod => ({
    component,
    data: pod,
    flags: podFlags(pod, component, settings.extraArgs, patches, overlaid),
  });
  const pod = podOf(data, applied);
  const found = [...faults, ...checkSchema(input, component, data, overlaid)];
  // Without the shape of a pod nothing else can be said about it.
  if (found.some((fault) => fault.severity === 'error')) return { value: pod, faults: found };
  const checked = checkPod(input, pod);
  const before = (count: number) => {
    const patches = applied.slice(0, count);
    return checkPod(input, podOf(applyPatches(overlaid, component, patches).data, patches));
  };
  return {
    value: pod,
    faults: [...found, ...blamePatches(checked, applied, before), ...checkEnvs(input, component)],
  };
}

/** Everything that can be said of one pod that has the shape of one. */
function checkPod(input: NodeInput, pod: PlannedPod): readonly Fault[] {
  return [
    ...checkFlags(input, pod.component, pod.flags, RENDERINGS[pod.component].settings(input.node).extraArgs),
    ...checkMounts(input, pod),
    ...checkCovers(input, pod),
    ...checkProbes(input, pod),
    ...checkAnonymous(input, pod),
    ...checkResources(input, pod),
  ];
}

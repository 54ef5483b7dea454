import type { Fault } from '../base/fault.ts';
import { KUBELET_DANGERS } from '../kubernetes/dangers.ts';
import type { FieldFinding } from '../kubernetes/kubelet-config.ts';
import { childPath, locate } from '../spec/tree.ts';
import { checkFlags } from './check/flags.ts';
import type { NodeInput } from './context.ts';
import { type FlagUse, flagUses } from './flag-use.ts';
import { below, type JsonMap, sameJson } from './json.ts';
import { MANIFESTS } from './layout.ts';
import { applyPatches } from './patch/apply.ts';
import { mergePatch } from './patch/merge-patch.ts';
import { fillAndParse, type Planned, templateOf } from './plan-pods.ts';
import { overlayUnit, parseUnit, type Unit } from './systemd-unit.ts';
import { kubeletConfigView, kubeletDropInView } from './view/kubelet.ts';

/** A node's kubelet: its configuration, and the drop-in that starts it. */
export interface PlannedKubelet {
  readonly config: JsonMap;
  /** The configuration before any patch. */
  readonly unpatched: JsonMap;
  readonly dropIn: Unit;
  readonly flags: readonly FlagUse[];
}

/** Configuration and flags of one node's kubelet, by the same steps as the manifests. */
export function planKubelet(input: NodeInput): Planned<PlannedKubelet> {
  const { config: own, extraArgs } = input.node.kubelet;
  const filled = fillAndParse(input, 'kubelet/config.yaml', kubeletConfigView(input));
  const overlaid = input.catalogue.canonicalKubeletConfig(mergePatch(filled, own)) as JsonMap;
  const { data: config, faults } = applyPatches(overlaid, 'kubeletconfiguration', input.node.patches);

  const template = templateOf(input, 'kubelet/20-bootstrap.conf');
  const dropIn = overlayUnit(parseUnit(template.fill(kubeletDropInView(input.node)), template), extraArgs);
  const flags = flagUses(dropIn.command.slice(1), extraArgs);
  return {
    value: { config, unpatched: overlaid, dropIn, flags },
    faults: [...faults, ...checkConfig(input, config, overlaid), ...checkFlags(input, 'kubelet', flags, extraArgs)],
  };
}

function checkConfig(input: NodeInput, config: JsonMap, unpatched: JsonMap): readonly Fault[] {
  const { catalogue, node } = input;
  const patch = node.patches.findLast(({ target }) => target === 'kubeletconfiguration');
  const placed = ({ path, ...finding }: FieldFinding): Fault => {
    if (!patch || sameJson(below(config, ...path), below(unpatched, ...path)))
      return { ...finding, at: locate(node.blocks, ['kubelet', 'config', ...path]) };
    return { ...finding, message: `${path.reduce<string>(childPath, '')}: ${finding.message}`, at: patch.at };
  };
  const changed = Object.entries(FIXED).filter(([field, { value }]) => config[field] !== value);
  const dangers = KUBELET_DANGERS.filter(({ path, value }) => below(config, ...path) === value);
  return [
    ...dangers.map(({ path, message }) => placed({ severity: 'warning', path, message })),
    ...catalogue.checkKubeletConfig(config).map(placed),
    ...changed.map(([field, { value, why }]) =>
      placed({ severity: 'error', path: [field], message: `must stay ${JSON.stringify(value)}: ${why}` }),
    ),
  ];
}

/** What the rest of the node relies on. */
const FIXED: Readonly<Record<string, { readonly value: string; readonly why: string }>> = {
  apiVersion: { value: 'kubelet.config.k8s.io/v1beta1', why: 'the kubelet reads nothing else' },
  kind: { value: 'KubeletConfiguration', why: 'the kubelet reads nothing else' },
  staticPodPath: { value: MANIFESTS, why: 'the manifests are put there' },
};

import { errorAt, type Fault } from '../base/fault.ts';
import { locate } from '../spec/tree.ts';
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
  readonly dropIn: Unit;
  readonly flags: readonly FlagUse[];
}

/** Configuration and flags of one node's kubelet, by the same steps as the manifests. */
export function planKubelet(input: NodeInput): Planned<PlannedKubelet> {
  const { config: own, extraArgs } = input.node.kubelet;
  const filled = fillAndParse(input, 'kubelet/config.yaml', kubeletConfigView(input));
  const overlaid = mergePatch(filled, own) as JsonMap;
  const { data: config, faults } = applyPatches(overlaid, 'kubeletconfiguration', input.node.patches);

  const template = templateOf(input, 'kubelet/20-bootstrap.conf');
  const dropIn = overlayUnit(parseUnit(template.fill(kubeletDropInView(input.node)), template), extraArgs);
  const flags = flagUses(dropIn.command.slice(1), extraArgs);
  return {
    value: { config, dropIn, flags },
    faults: [...faults, ...checkConfig(input, config, overlaid), ...checkFlags(input, 'kubelet', flags, extraArgs)],
  };
}

function checkConfig(input: NodeInput, config: JsonMap, unpatched: JsonMap): readonly Fault[] {
  const { catalogue, node } = input;
  const place = (path: readonly (string | number)[]) => {
    const patch = node.patches.findLast((p) => p.target === 'kubeletconfiguration');
    if (patch && !sameJson(below(config, ...path), below(unpatched, ...path))) return patch.at;
    return locate(node.blocks, ['kubelet', 'config', ...path]);
  };
  const faults = catalogue.checkKubeletConfig(config).map(({ path, ...finding }): Fault => ({ ...finding, at: place(path) }));
  const fixed = { apiVersion: 'kubelet.config.k8s.io/v1beta1', kind: 'KubeletConfiguration', staticPodPath: MANIFESTS };
  for (const [field, wanted] of Object.entries(fixed)) {
    if (config[field] !== wanted) faults.push(errorAt(place([field]), `must stay ${JSON.stringify(wanted)}: ${REASON[field] ?? 'the kubelet reads nothing else'}`));
  }
  return faults;
}

const REASON: Readonly<Record<string, string>> = { staticPodPath: 'the manifests are put there' };

import type { Fault } from '../base/fault.ts';
import { KUBELET_DANGERS } from '../kubernetes/dangers.ts';
import type { FieldFinding } from '../kubernetes/kubelet-config.ts';
import { childPath, locate } from '../spec/tree.ts';
import { checkFlags } from './check/flags.ts';
import { checkPodUrl } from './check/pod-url.ts';
import type { NodeInput } from './context.ts';
import { type FlagUse, flagUses } from './flag-use.ts';
import { below, type JsonMap, sameJson } from './json.ts';
import { MANIFESTS } from './layout.ts';
import { kubeletServes } from './listeners.ts';
import { applyPatches } from './patch/apply.ts';
import { mergePatch } from './patch/merge-patch.ts';
import { fillAndParse, type Planned, templateOf } from './plan-pods.ts';
import { overlayUnit, parseUnit, type Unit } from './systemd-unit.ts';
import { hasApi } from './view/common.ts';
import { kubeletConfigView, kubeletDropInView } from './view/kubelet.ts';

/** A node's kubelet: its configuration, and the drop-in that starts it. */
export interface PlannedKubelet {
  /** Without the token that it shows to the server of its pods. */
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
  const dropIn = overlayUnit(
    parseUnit(template.fill(kubeletDropInView(input.cluster, input.node)), template),
    extraArgs,
  );
  const flags = flagUses(dropIn.command.slice(1), extraArgs);
  const value: PlannedKubelet = { config, unpatched: overlaid, dropIn, flags };
  return {
    value,
    faults: [
      ...faults,
      ...checkConfig(input, value),
      ...checkFlags(input, 'kubelet', flags, extraArgs),
      ...checkPodUrl(input, value),
    ],
  };
}

function checkConfig(input: NodeInput, { config, unpatched, flags }: PlannedKubelet): readonly Fault[] {
  const { catalogue, cluster, node } = input;
  const patch = node.patches.findLast(({ target }) => target === 'kubeletconfiguration');
  const placed = ({ path, ...finding }: FieldFinding): Fault => {
    if (!patch || sameJson(below(config, ...path), below(unpatched, ...path)))
      return { ...finding, at: locate(node.blocks, ['kubelet', 'config', ...path]) };
    return { ...finding, message: `${path.reduce<string>(childPath, '')}: ${finding.message}`, at: patch.at };
  };
  // what is not there is so by default
  const asking = hasApi(cluster)
    ? []
    : ASKS_API.filter(({ path, value }) => (below(config, ...path) ?? value) === value);
  const changed = Object.entries(FIXED).filter(([field, { value }]) => config[field] !== value);
  // whom it lets in is of no account where it answers nobody
  const dangers = !kubeletServes(config, flags)
    ? []
    : KUBELET_DANGERS.filter(({ path, value }) => below(config, ...path) === value);
  return [
    ...dangers.map(({ path, message }) => placed({ severity: 'warning', path, message })),
    ...asking.map(({ path }) => placed({ severity: 'error', path, message: NOBODY_TO_ASK })),
    ...catalogue.checkKubeletConfig(config).map(placed),
    ...changed.map(([field, { value, why }]) =>
      placed({ severity: 'error', path: [field], message: `must stay ${JSON.stringify(value)}: ${why}` }),
    ),
  ];
}

/** Seen on 1.36.2: "no client provided, cannot use webhook authentication", and likewise with authorization. */
const ASKS_API = [
  { path: ['authentication', 'webhook', 'enabled'], value: true },
  { path: ['authorization', 'mode'], value: 'Webhook' },
] as const;
const NOBODY_TO_ASK = 'the kubelet does not start: it would ask an API server, and without masters there is none';

/** What the rest of the node relies on. */
const FIXED: Readonly<Record<string, { readonly value: string; readonly why: string }>> = {
  apiVersion: { value: 'kubelet.config.k8s.io/v1beta1', why: 'the kubelet reads nothing else' },
  kind: { value: 'KubeletConfiguration', why: 'the kubelet reads nothing else' },
  staticPodPath: { value: MANIFESTS, why: 'the manifests are put there' },
};

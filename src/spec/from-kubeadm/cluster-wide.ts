import { errorAt, type Located, type Origin } from '../../base/fault.ts';
import { DEFAULT_VERSION, newestPatch, parseVersion } from '../../kubernetes/version.ts';
import { formatHostPort, parseEndpoint } from '../endpoint.ts';
import { asNumber, asText } from '../read-tree.ts';
import { fromJson, type Json, type Tree } from '../tree.ts';
import { type Outcome, placeOfField } from './outcome.ts';
import { isNull, readBoolean, textTree } from './scalars.ts';
import type { FieldValue } from './sort-fields.ts';
import { wrongValue } from './wrong-value.ts';

/** One value for the cluster file: where, what, and the comment above it. */
export interface Placed {
  readonly path: string;
  readonly tree: Tree;
  readonly comment?: string;
}

export type Values = Map<string, FieldValue>;

/** Takes a field out of those that are simply put into their places. */
export function take(values: Values, path: string): FieldValue | undefined {
  const value = values.get(path);
  values.delete(path);
  return value;
}

function byDefault(value: Json, path: string, rule: string): Tree {
  return fromJson(value, path, { kind: 'default', rule });
}

/**
 * A release as it is. A name that kubeadm looks up on the internet (stable-1, latest-1.35, ci/…) cannot be looked up
 * here: it becomes the newest release known of its minor, or the default one.
 */
export function settleVersion(values: Values, outcome: Outcome): Placed {
  const path = 'spec.kubernetesVersion';
  const field = take(values, 'kubernetesVersion');
  const text = asText(field?.tree);
  if (!field || text === undefined) {
    const tree = byDefault(DEFAULT_VERSION, path, "bootstrap's default");
    return { path, tree, comment: "the configuration names no release; this is bootstrap's default" };
  }
  const label = /^(?:(?:release|ci)\/)?(?:latest|stable)(?:-1(?:\.(\d{1,3}))?)?$/.exec(text);
  if (!label && !/^(release|ci)\//.test(text)) {
    outcome.carried.push({ at: field.at, to: path });
    return { path, tree: /^\d/.test(text) ? textTree(field.tree, `v${text}`) : field.tree };
  }
  const minor = label?.[1] === undefined ? undefined : Number(label[1]);
  const patch = minor === undefined ? undefined : newestPatch(minor);
  const release = patch === undefined ? DEFAULT_VERSION : `v1.${minor}.${patch}`;
  const unknown = minor === undefined ? undefined : parseVersion(`1.${minor}`);
  if (patch === undefined && unknown && 'error' in unknown) {
    outcome.faults.push(errorAt(field.at, unknown.error, unknown.hint));
  }
  const why = `${JSON.stringify(text)} is a name that kubeadm looks up on the internet; ${release} is written`;
  outcome.notCarried.push({ at: field.at, why });
  const comment = `the configuration says ${JSON.stringify(text)}; this is what bootstrap knows of it`;
  return { path, tree: byDefault(release, path, comment), comment };
}

/** The command line's value where it has one, else the configuration's. */
export function settleOption(
  values: Values,
  field: string,
  option: string,
  given: string | undefined,
  outcome: Outcome,
): Placed | undefined {
  const own = take(values, field);
  if (given === undefined) {
    if (!own) return undefined;
    outcome.carried.push({ at: own.at, to: own.to });
    return { path: own.to, tree: own.tree };
  }
  const text = `${option} ${given}`;
  const origin: Origin = { kind: 'option', text };
  const path = field === 'clusterName' ? 'metadata.name' : `spec.${field}`;
  if (own && asText(own.tree) !== given) outcome.notCarried.push({ at: own.at, why: `${text} is taken instead` });
  else if (own) outcome.carried.push({ at: own.at, to: path });
  return { path, tree: fromJson(given, '', origin) };
}

/**
 * kubeadm adds the first node's bindPort to an endpoint without a port (GetControlPlaneEndpoint,
 * cmd/kubeadm/app/util/endpoint.go); bootstrap would add 6443.
 */
export function withPort(endpoint: Placed | undefined, bindPort: Tree | undefined): Placed | undefined {
  const port = asNumber(bindPort);
  const text = asText(endpoint?.tree);
  if (!endpoint || text === undefined || port === undefined || port === 6443) return endpoint;
  const parsed = parseEndpoint(text, 0);
  if ('error' in parsed || parsed.port !== 0) return endpoint;
  return { ...endpoint, tree: textTree(endpoint.tree, formatHostPort({ host: parsed.host, port })) };
}

const ALGORITHM = 'spec.pki.algorithm';
const SA_ALGORITHM = 'spec.pki.serviceAccountAlgorithm';

/**
 * The algorithm of all keys. The feature gate PublicKeysECDSA wins over encryptionAlgorithm, on or off
 * (EncryptionAlgorithmType, cmd/kubeadm/app/apis/kubeadm/types.go); kubeadm's default is RSA-2048.
 */
export function settleAlgorithm(values: Values, outcome: Outcome): readonly Placed[] {
  const own = take(values, 'encryptionAlgorithm');
  const gate = settleGates(take(values, 'featureGates'), outcome);
  const overruled = own && gate && asText(own.tree) !== gate.algorithm;
  if (overruled) outcome.notCarried.push({ at: own.at, why: 'the feature gate PublicKeysECDSA wins over it' });
  else if (own) outcome.carried.push({ at: own.at, to: ALGORITHM });
  if (gate) outcome.carried.push({ at: gate.at, to: ALGORITHM });
  const [tree, comment] = gate
    ? [textTree(gate.at, gate.algorithm), 'asked for by the feature gate PublicKeysECDSA']
    : [
        own?.tree ?? byDefault('RSA-2048', ALGORITHM, "kubeadm's default"),
        own ? undefined : "kubeadm's default; that of bootstrap is ECDSA-P256, which is faster",
      ];
  return [
    { path: ALGORITHM, tree, ...(comment !== undefined && { comment }) },
    { path: SA_ALGORITHM, tree, comment: 'kubeadm signs the tokens of service accounts with a key of the same kind' },
  ];
}

/** What bootstrap does anyway, and why the other value is not carried over. */
const GATES: ReadonlyMap<string, { readonly anyway: boolean; readonly why: string }> = new Map(
  Object.entries({
    RootlessControlPlane: { anyway: false, why: 'the control plane runs as root; use spec.patches to change that' },
    NodeLocalCRISocket: {
      anyway: true,
      why: "the runtime's socket always stands in the kubelet's configuration on the node",
    },
  }),
);

function settleGates(
  gates: FieldValue | undefined,
  outcome: Outcome,
): { readonly algorithm: string; readonly at: Located } | undefined {
  let found: { readonly algorithm: string; readonly at: Located } | undefined;
  if (gates?.tree.kind !== 'map') return undefined;
  for (const [name, value] of gates.tree.entries) {
    if (isNull(value)) continue;
    const at = placeOfField(gates.tree, name, value);
    const on = readBoolean(value);
    if (on === undefined) wrongValue(value, 'boolean', outcome);
    else if (name === 'PublicKeysECDSA') found = { algorithm: on ? 'ECDSA-P256' : 'RSA-2048', at };
    else if (GATES.get(name)?.anyway === on) outcome.carried.push({ at, to: undefined });
    else
      outcome.notCarried.push({
        at,
        why: GATES.get(name)?.why ?? 'is a feature gate of kubeadm itself, not of the control plane',
      });
  }
  return found;
}

import { errorAt, type Located } from '../../base/fault.ts';
import { didYouMean } from '../../base/suggest.ts';
import { nthAddress, parseCidrList } from '../cidr.ts';
import { parseDuration } from '../duration.ts';
import { asText } from '../read-tree.ts';
import { childPath, type MapTree, type Tree } from '../tree.ts';
import { sameAddress } from './compare.ts';
import { KUBELET_FIELDS, ZERO_COUNTS } from './kubelet-fields.ts';
import { type Outcome, placeOf, placeOfField } from './outcome.ts';
import { booleanTree, isNull, readBoolean } from './scalars.ts';

/** What kubeadm fills in from the rest of the configuration. */
export interface KubeletContext {
  readonly serviceSubnet: string;
  readonly dnsDomain: string;
  readonly certificatesDir: string;
}

/** What is left of a KubeletConfiguration once all is taken out that bootstrap renders by itself. */
export interface KubeletResult {
  /** For `spec.kubelet.config`; undefined where nothing is left. */
  readonly config: MapTree | undefined;
  /** The container runtime's socket, which has a field of its own in the cluster file. */
  readonly criSocket: { readonly tree: Tree; readonly at: Located } | undefined;
}

/** Sorts the fields of a KubeletConfiguration; lists and maps of names are carried over as a whole. */
export function sortKubeletConfig(document: MapTree, context: KubeletContext, outcome: Outcome): KubeletResult {
  let criSocket: KubeletResult['criSocket'];
  const rendered = renderedAnyway(context);
  const visit = (map: MapTree, parent: string): MapTree => {
    const entries = new Map<string, Tree>();
    for (const [key, value] of map.entries) {
      const path = childPath(parent, key);
      const type = KUBELET_FIELDS.get(path);
      const at = placeOfField(map, key, value);
      if (isNull(value) && type !== undefined) continue;
      const wrong = type === undefined ? undefined : wrongType(value, type);
      const left = type === undefined ? unknownField(parent, key) : leftOut(path, value, rendered);
      if (wrong) {
        outcome.faults.push(errorAt(at, wrong));
      } else if (left !== undefined || type === undefined) {
        outcome.notCarried.push({ at, why: left ?? '' });
      } else if (type === 'object' && value.kind === 'map' && !ZERO_COUNTS.has(path)) {
        const below = visit(value, path);
        if (below.entries.size) entries.set(key, below);
      } else if (rendered.get(path)?.(value) || (isZero(value, type) && !ZERO_COUNTS.has(path))) {
        outcome.carried.push({ at, to: undefined });
      } else if (path === 'containerRuntimeEndpoint') {
        criSocket = { tree: value, at };
      } else {
        outcome.carried.push({ at, to: `spec.kubelet.config.${path}` });
        entries.set(key, withBooleans(value, type));
      }
    }
    return { kind: 'map', ...placeOf(map), entries, ...(map.keys && { keys: map.keys }) };
  };
  const fields = new Map([...document.entries].filter(([key]) => key !== 'apiVersion' && key !== 'kind'));
  const config = visit({ ...document, entries: fields }, '');
  return { config: config.entries.size ? config : undefined, criSocket };
}

type Rendered = ReadonlyMap<string, (value: Tree) => boolean>;

/** Which values mean what is rendered anyway: kubeadm's own defaults (componentconfigs/kubelet.go, Default). */
function renderedAnyway({ serviceSubnet, dnsDomain, certificatesDir }: KubeletContext): Rendered {
  const text = (wanted: string) => (value: Tree) => asText(value) === wanted;
  const boolean = (wanted: boolean) => (value: Tree) => readBoolean(value) === wanted;
  const [first] = [parseCidrList(serviceSubnet)].flatMap((parsed) => ('error' in parsed ? [] : parsed));
  const dns = first && nthAddress(first, 10);
  return new Map(
    Object.entries({
      staticPodPath: text('/etc/kubernetes/manifests'),
      clusterDNS: (value) =>
        value.kind === 'list' && value.items.length === 1 && sameAddress(asText(value.items[0]), dns),
      clusterDomain: text(dnsDomain),
      'authentication.x509.clientCAFile': text(`${certificatesDir.replace(/\/+$/, '')}/ca.crt`),
      'authentication.anonymous.enabled': boolean(false),
      'authentication.webhook.enabled': boolean(true),
      'authorization.mode': text('Webhook'),
      healthzBindAddress: text('127.0.0.1'),
      healthzPort: (value) => value.kind === 'scalar' && value.value === 10248,
      rotateCertificates: boolean(true),
      cgroupDriver: text('systemd'),
    }),
  );
}

/** Why a known field is not carried over: only one value of it works, with kubeadm as here. */
function leftOut(path: string, value: Tree, rendered: Rendered): string | undefined {
  if (rendered.get(path)?.(value)) return undefined;
  if (path === 'rotateCertificates') return 'kubeadm makes it true, whatever stands here';
  if (path === 'staticPodPath' && asText(value) !== '')
    return 'the static pods are always in /etc/kubernetes/manifests';
  return undefined;
}

function unknownField(parent: string, key: string): string {
  const prefix = parent ? `${parent}.` : '';
  const siblings = [...KUBELET_FIELDS.keys()].flatMap((known) =>
    known.startsWith(prefix) ? known.slice(prefix.length).split(/[.[]/, 1) : [],
  );
  const advice = didYouMean(key, new Set(siblings)) ?? 'write it into spec.kubelet.config if your kubelet knows it';
  return `is not a known field of KubeletConfiguration; ${advice}`;
}

/** Go's zero value: in a field without a pointer that is the same as no value. */
function isZero(value: Tree, type: string): boolean {
  if (value.kind !== 'scalar') return false;
  if (type === 'boolean') return readBoolean(value) === false;
  if (type === 'string') return value.value === '';
  return value.value === 0 || (typeof value.value === 'string' && parseDuration(value.value) === 0);
}

/** What a value of a type of the catalogue must be in YAML; deeper levels are left to the check of the rendered file. */
function wrongType(value: Tree, type: string): string | undefined {
  const scalar = value.kind === 'scalar' ? value.value : undefined;
  const got = value.kind === 'scalar' ? (typeof scalar).replace('string', 'text') : value.kind;
  const must = (ok: boolean, what: string) => (ok ? undefined : `must be ${what}, not a ${got}`);
  if (type === 'any') return undefined;
  if (type === 'object' || type.startsWith('map')) return must(value.kind === 'map', 'a map');
  if (type.startsWith('array')) return must(value.kind === 'list', 'a list');
  if (type === 'boolean') return must(readBoolean(value) !== undefined, 'true or false');
  if (type === 'integer') return must(Number.isInteger(scalar), 'a whole number');
  if (type === 'number') return must(typeof scalar === 'number', 'a number');
  if (type === 'quantity' || type === 'duration|int') {
    return must(typeof scalar === 'number' || typeof scalar === 'string', 'a text or a number');
  }
  if (type === 'duration-string') {
    return must(typeof scalar === 'string' && parseDuration(scalar) !== undefined, 'a duration such as "10s"');
  }
  return must(typeof scalar === 'string', 'a text');
}

/** Booleans in one spelling, also where YAML 1.1 alone takes the word for one. */
function withBooleans(value: Tree, type: string): Tree {
  if (type === 'boolean') return booleanTree(value, readBoolean(value) ?? false);
  if (type !== 'map<string,boolean>' || value.kind !== 'map') return value;
  const entries = [...value.entries].map(([key, gate]) => {
    const read = readBoolean(gate);
    return [key, read === undefined ? gate : booleanTree(gate, read)] as const;
  });
  return { ...value, entries: new Map(entries) };
}

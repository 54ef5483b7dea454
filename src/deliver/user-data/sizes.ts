import { BootstrapError } from '../../base/errors.ts';
import { type Bundle, type BundleFile, makeBundle } from '../../bundle/bundle.ts';
import { KUBELET_CONFIG, KUBELET_DROP_IN, KUBELET_UNIT, KUBERNETES, MANIFESTS, PKI } from '../../render/layout.ts';
import type { Encoded } from './encode.ts';
import type { FirstBootFile } from './first-boot.ts';
import type { Compress, Format } from './formats.ts';
import { type Machine, type Secrets, withoutSecrets } from './machine.ts';
import type { Own } from './merge.ts';
import type { Provider } from './providers.ts';
import { revisionRecords } from './record.ts';
import { adviceLines, advise } from './size-advice.ts';
import { isPacked, type Measure, measureOf } from './size-estimate.ts';
import { squeezed } from './squeezed.ts';

/** What a part of the user-data weighs, in bytes of whatever is the same for all parts. */
export interface Part {
  readonly name: string;
  readonly weight: number;
}

/** One line of the table: what a part takes of what the provider counts. */
export interface Row {
  readonly name: string;
  readonly bytes: number;
  /** 0 to 1. */
  readonly share: number;
}

/** What user-data that is too large was made of. */
export interface TooLarge {
  readonly node: string;
  readonly provider: Provider;
  readonly document: Encoded;
  readonly machine: Machine;
  /** Of the first boot. */
  readonly files: readonly FirstBootFile[];
  readonly wish: {
    readonly format: Format;
    readonly compress: Compress;
    readonly secrets: { readonly kind: Secrets['kind'] };
    readonly own: Own | undefined;
  };
}

const GROUPS: readonly (readonly [name: string, holds: (path: string) => boolean])[] = [
  ['service-account key', (path) => path === `${PKI}/sa.key` || path === `${PKI}/sa.pub`],
  ['private keys', (path) => path.startsWith(`${PKI}/`) && path.endsWith('.key')],
  ['certificates', (path) => path.startsWith(`${PKI}/`)],
  ['manifests', (path) => path.startsWith(`${MANIFESTS}/`)],
  ['kubeconfigs', (path) => path.startsWith(`${KUBERNETES}/`) && path.endsWith('.conf')],
  ['kubelet', (path) => [KUBELET_CONFIG, KUBELET_UNIT, KUBELET_DROP_IN].includes(path)],
  ['your own files', () => true],
];

/** The files of a bundle by what they are, each group weighed by what it adds to those before it. */
export function partsOf({ node, directories, files }: Bundle, measure: Measure): readonly Part[] {
  const groupOf = ({ path }: BundleFile) => GROUPS.findIndex(([, holds]) => holds(path));
  let sum = 0;
  return GROUPS.flatMap(([name], at) => {
    if (!files.some((file) => groupOf(file) === at)) return [];
    const before = sum;
    const upToHere = files.filter((file) => groupOf(file) <= at);
    sum = measure(makeBundle(node, directories, upToHere));
    return [{ name, weight: sum - before }];
  });
}

/** Shares of `total` in proportion to the weights, largest first; in whole bytes, that add up to `total`. */
export function sizeTable(parts: readonly Part[], total: number): readonly Row[] {
  const sum = sumOf(parts);
  const exact = parts.map(({ name, weight }) => ({ name, bytes: (total * weight) / sum }));
  const missing = total - exact.reduce((all, { bytes }) => all + Math.floor(bytes), 0);
  const byRemainder = [...exact].sort((a, b) => (b.bytes % 1) - (a.bytes % 1)).slice(0, missing);
  return exact
    .map((part) => ({ name: part.name, bytes: Math.floor(part.bytes) + (byRemainder.includes(part) ? 1 : 0) }))
    .map((row) => ({ ...row, share: row.bytes / total }))
    .sort((a, b) => b.bytes - a.bytes);
}

/** `name  bytes  share`, aligned. */
export function tableLines(rows: readonly Row[]): readonly string[] {
  const width = Math.max(...rows.map(({ name }) => name.length));
  return rows.map(
    ({ name, bytes, share }) =>
      `  ${name.padEnd(width)}  ${String(bytes).padStart(7)}  ${(share * 100).toFixed(0).padStart(3)} %`,
  );
}

/**
 * The refusal of user-data that its provider would not take: what takes how much, and what helps, best first. What has to
 * change is what goes into the machine, so it is an error of the cluster file.
 */
export function tooLarge(what: TooLarge): BootstrapError {
  const { node, provider, document, machine, wish } = what;
  const { limit = 0, limitNote } = provider;
  const { format, compress, own, secrets } = wish;
  const measure = measureOf(format, compress, secrets.kind);
  const { bundle } = machine;
  const carried = secrets.kind === 'none' ? withoutSecrets(bundle) : bundle;
  const beside = besides(what);
  const parts = [...(secrets.kind === 'fetch' ? [] : partsOf(carried, measure)), ...beside];
  const perByte = document.counted / sumOf(parts);
  const advice = advise({
    provider,
    document,
    bundle,
    format,
    compress,
    secrets: secrets.kind,
    measure,
    perByte,
    own: own ? perByte * sumOf(beside.filter(({ name }) => name === OWN)) : 0,
  });
  const over = document.counted - limit;
  const notes = [...(provider.counts === 'base64' ? ['counted in base64'] : []), ...(limitNote ? [limitNote] : [])];
  const lines = [
    `${node}: ${document.counted} bytes of user-data, ${provider.title} takes ${limit}: ${over} too many`,
    ...(notes.length ? [`  (${notes.join('; ')})`] : []),
    ...tableLines(sizeTable(parts, document.counted)),
    ...adviceLines(advice, limit),
  ];
  return new BootstrapError('cluster-file', lines.join('\n'));
}

const OWN = '--merge';
const sumOf = (parts: readonly Part[]): number => parts.reduce((sum, { weight }) => sum + weight, 0);

/** A byte of a payload in base64; and the same once gzip has taken that back, but for its last per cent. */
const IN_BASE64 = 4 / 3;
const UNDONE = 1.02;

/** What is in the document besides the bundle's files, weighed like those. */
function besides({ document, machine, files, wish }: TooLarge): readonly Part[] {
  const { format, compress, own, secrets } = wish;
  const isCompressed = format === 'cloud-config' ? document.form !== 'plain' : compress !== 'none';
  const hasScript = isPacked(format, secrets.kind);
  const part = (name: string, text: string): Part => {
    const bytes = isCompressed ? squeezed(Buffer.from(text)).length : text.length;
    return { name, weight: hasScript ? bytes / (isCompressed ? UNDONE : IN_BASE64) : bytes };
  };
  const script = files.filter(({ isText }) => isText).map(({ content }) => content.toString('latin1'));
  const records = revisionRecords(machine).map(({ content }) => content.toString('latin1'));
  return [
    ...(hasScript ? [part('install script', script.join(''))] : []),
    ...(format === 'tar' && secrets.kind === 'inline' ? [part('record of the revision', records.join(''))] : []),
    ...(own ? [part(OWN, own.kind === 'part' ? own.content : JSON.stringify(own.data))] : []),
  ];
}

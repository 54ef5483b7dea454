import { gunzipSync } from 'node:zlib';
import type { Bundle, BundleFile } from '../../bundle/bundle.ts';
import { KUBERNETES, PKI } from '../../render/layout.ts';
import { type Encoded, encode, fits } from './encode.ts';
import type { Compress, Format } from './formats.ts';
import { type Secrets, withoutSecrets } from './machine.ts';
import { PROVIDERS, type Provider } from './providers.ts';
import { type Measure, measureOf, withStandIns } from './size-estimate.ts';
import { squeezed } from './squeezed.ts';

/** User-data that its provider does not take. */
export interface Oversize {
  readonly provider: Provider;
  readonly document: Encoded;
  readonly bundle: Bundle;
  readonly format: Format;
  readonly compress: Compress;
  readonly secrets: Secrets['kind'];
  readonly measure: Measure;
  /** Bytes that the provider counts for each byte that is measured. */
  readonly perByte: number;
  /** Bytes of the user's own part, as the provider counts them. */
  readonly own: number;
}

/** Something that makes it smaller. */
export interface Advice {
  /** How many bytes there would then be, where that can be said. */
  readonly left: number | undefined;
  readonly isExact?: boolean;
  readonly text: string;
}

/** What a document takes whose machine fetches its files, as it is and compressed: the same for all, but for names. */
const FETCHING = { 'cloud-config': [8900, 3300], ignition: [11_600, 5200] } as const;

/** What an Ignition document without secrets takes besides its files: names, modes, owners. */
const FRAME = [3600, 650] as const;

/** Whatever would make a difference in this case, what helps most first. */
export function advise(what: Oversize): readonly Advice[] {
  const all = [...secretsAdvice(what), ...keyAdvice(what), ...compressAdvice(what)];
  return [
    ...all.filter(({ left = 0 }) => left < what.document.counted).sort((a, b) => (a.left ?? 0) - (b.left ?? 0)),
    ...(what.own > 0
      ? [{ left: undefined, text: `a smaller --merge: what it holds now takes ~${Math.round(what.own / 100) * 100}` }]
      : []),
    ...providerAdvice(what),
  ];
}

/** One line each: the bytes that would be left, and by what. */
export function adviceLines(advice: readonly Advice[], limit: number): readonly string[] {
  if (!advice.length) return [];
  return [
    'what helps, and how many bytes are left then:',
    ...advice.map(({ left, isExact, text }) => {
      const bytes = left === undefined ? '' : isExact ? String(left) : `~${Math.round(left / 100) * 100}`;
      return `  ${bytes.padStart(6)}  ${text}${left !== undefined && left > limit ? '; not enough' : ''}`;
    }),
  ];
}

function secretsAdvice(what: Oversize): readonly Advice[] {
  const { document, provider, bundle, format, compress, secrets, measure, perByte, own } = what;
  if (secrets === 'fetch') return [];
  const isSmall = compress !== 'none' && (format === 'ignition' || provider.auto === 'smaller');
  const at = isSmall ? 1 : 0;
  const ways: Advice[] = [];
  if (format !== 'tar') {
    const text = '--secrets fetch --url URL: the machine fetches its files, encrypted';
    ways.push({ left: FETCHING[format][at] * countedPerByte(what) + own, text });
  }
  if (secrets === 'inline') {
    const open = measureOf(format, compress, 'none')(withoutSecrets(bundle));
    const left =
      format === 'ignition'
        ? (open * (isSmall ? 4 / 3 : 1) + FRAME[at]) * countedPerByte(what)
        : document.counted - perByte * (measure(bundle) - open);
    ways.push({ left, text: '--secrets none: `apply` brings them later' });
  }
  return ways;
}

/** What the provider counts for each byte before any base64 of the whole. */
function countedPerByte({ document }: Oversize): number {
  const { content, counted, form } = document;
  return counted / (form === 'gzip+base64' ? (content.length * 3) / 4 : content.length);
}

function keyAdvice({ document, provider, bundle, secrets, measure, perByte }: Oversize): readonly Advice[] {
  if (secrets === 'fetch') return [];
  const carried = secrets === 'none' ? withoutSecrets(bundle) : bundle;
  const now = measure(carried);
  const isServiceAccount = ({ path }: BundleFile) => path === `${PKI}/sa.key` || path === `${PKI}/sa.pub`;
  const isOther = (file: BundleFile) => file.path.startsWith(`${KUBERNETES}/`) && !isServiceAccount(file);
  const left = (applies: (file: BundleFile) => boolean) =>
    document.counted - perByte * (now - measure(withStandIns(carried, applies)));
  const pki: Advice = { left: left(isOther), text: 'spec.pki.algorithm: ECDSA-P256' };
  const tokens: Advice = { left: left(isServiceAccount), text: 'spec.pki.serviceAccountAlgorithm: ECDSA-P256' };
  const both: Advice = {
    left: left((file) => isOther(file) || isServiceAccount(file)),
    text: 'both algorithms of spec.pki: ECDSA-P256',
  };
  const { limit = 0 } = provider;
  const isBothNeeded = [pki, tokens].every((one) => (one.left ?? 0) > limit && (one.left ?? 0) < document.counted);
  return isBothNeeded ? [pki, both] : [pki, tokens];
}

function compressAdvice({ document, provider, format, compress }: Oversize): readonly Advice[] {
  if (compress !== 'none') return [];
  // an Ignition document carries its own compressed form as base64
  if (format === 'ignition') {
    return [{ left: Math.round((squeezed(document.content).length * 4) / 3), text: 'without --compress none' }];
  }
  if (provider.gzip === 'no' && format === 'cloud-config') return [];
  const { counted } = encode(document.content, provider, 'gzip', format);
  return [{ left: counted, isExact: true, text: 'without --compress none' }];
}

const SHOWN = 4;

/** Who would take the same document, those with most room first. */
function providerAdvice({ document, format, compress }: Oversize): readonly Advice[] {
  const plain = plainOf(document);
  const room = Object.entries(PROVIDERS).flatMap(([name, provider]) => {
    if (provider.limit === undefined) return [];
    const there = encode(plain, provider, compress === 'none' ? 'none' : 'auto', format);
    return fits(there, provider) ? [{ name, left: provider.limit - there.counted }] : [];
  });
  const names = room
    .sort((a, b) => b.left - a.left)
    .slice(0, SHOWN)
    .map(({ name }) => name);
  return names.length ? [{ left: undefined, text: `another provider that takes it: ${names.join(', ')}` }] : [];
}

function plainOf({ content, form }: Encoded): Buffer {
  if (form === 'plain') return content;
  return gunzipSync(form === 'gzip' ? content : Buffer.from(content.toString('latin1'), 'base64'));
}

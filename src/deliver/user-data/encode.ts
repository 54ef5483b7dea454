import { BootstrapError } from '../../base/errors.ts';
import type { Compress, Format } from './formats.ts';
import type { Form, Provider } from './providers.ts';
import { squeezed } from './squeezed.ts';

/** A document as it is handed over. */
export interface Encoded {
  /** What the file holds. */
  readonly content: Buffer;
  /** Bytes, of what the provider's limit counts. */
  readonly counted: number;
  readonly form: Form;
  /** Of the file's name, without a dot in front: `yaml.gz`. */
  readonly extension: string;
}

/**
 * Compresses a document for a provider and counts it as the provider does. An Ignition document is only counted: what is
 * compressed there is inside of it.
 * @throws BootstrapError `usage` where it is to be compressed and the provider has no way to say so
 */
export function encode(document: Buffer, provider: Provider, compress: Compress, format: Format): Encoded {
  const plain = encoded(document, 'plain', provider, format);
  if (compress === 'none' || format === 'ignition') return plain;
  const form = compressedForm(provider, format);
  if (form === undefined) {
    if (compress === 'auto') return plain;
    throw new BootstrapError('usage', `--compress gzip: ${provider.title} takes nothing but plain text as user-data`, {
      hint: 'leave it at `--compress auto`: the files in it are compressed in any case',
    });
  }
  const compressed = encoded(document, form, provider, format);
  if (compress === 'gzip') return compressed;
  const isWanted = format === 'tar' || provider.auto === 'smaller' || !fits(plain, provider);
  return isWanted && compressed.counted < plain.counted ? compressed : plain;
}

/** Whether a provider takes a document. */
export function fits({ counted }: Encoded, { limit }: Provider): boolean {
  return limit === undefined || counted <= limit;
}

/** A tar archive is for other tools than those of the provider, and they all take bytes. */
function compressedForm({ gzip }: Provider, format: Format): Form | undefined {
  if (format === 'tar' || gzip === 'binary') return 'gzip';
  return gzip === 'base64' ? 'gzip+base64' : undefined;
}

function encoded(document: Buffer, form: Form, provider: Provider, format: Format): Encoded {
  const content = inForm(document, form);
  // of text that is not ASCII, bytes are what most of them count, and never less than characters
  const counted = provider.counts === 'base64' ? 4 * Math.ceil(content.length / 3) : content.length;
  return { content, counted, form, extension: `${nameOf(document, format)}${EXTENSIONS[form]}` };
}

const EXTENSIONS: Readonly<Record<Form, string>> = { plain: '', gzip: '.gz', 'gzip+base64': '.gz.b64' };

function nameOf(document: Buffer, format: Format): string {
  if (format === 'ignition') return 'ign';
  if (format === 'tar') return 'tar';
  return document.subarray(0, 13).toString('latin1') === '#cloud-config' ? 'yaml' : 'mime';
}

/** base64 without any line break, not even at the end: cloud-init's maybe_b64decode takes nothing else. */
function inForm(document: Buffer, form: Form): Buffer {
  if (form === 'plain') return document;
  const packed = squeezed(document);
  return form === 'gzip' ? packed : Buffer.from(packed.toString('base64'), 'latin1');
}

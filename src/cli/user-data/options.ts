import { BootstrapError } from '../../base/errors.ts';
import type { Compress, Format } from '../../deliver/user-data/formats.ts';
import type { Own } from '../../deliver/user-data/merge.ts';
import type { ProviderName } from '../../deliver/user-data/providers.ts';
import type { UserDataWish } from '../../deliver/user-data/user-data.ts';
import type { CommonOptions } from '../options.ts';

/** As commander hands them over; the choices are its. */
export interface UserDataOptions extends CommonOptions {
  readonly node?: readonly string[];
  readonly format: Format;
  readonly provider: ProviderName;
  readonly compress: Compress;
  readonly secrets: 'inline' | 'none' | 'fetch';
  readonly url?: string;
  readonly merge?: string;
  readonly iso?: boolean;
  readonly out?: string;
}

/** @throws BootstrapError `usage` where options do not go together */
export function wishOf(options: UserDataOptions, own: Own | undefined): UserDataWish {
  const { format, provider, compress, secrets, url, iso, out } = options;
  const refuse = (message: string, hint: string): never => {
    throw new BootstrapError('usage', message, { hint });
  };
  if (secrets === 'fetch' && url === undefined)
    refuse('--secrets fetch: from where?', 'add --url https://…/: the encrypted files are to be uploaded there');
  if (secrets !== 'fetch' && url !== undefined)
    refuse(`--url: with --secrets ${secrets} nothing is fetched`, 'add --secrets fetch, or leave --url out');
  if (secrets === 'fetch' && out === '-')
    refuse('--out -: with --secrets fetch there are two files a node', 'name a directory');
  if (own && format !== 'cloud-config')
    refuse(`--merge: only a cloud-config can be merged into, not ${format}`, 'leave one of them out');
  if (format === 'tar' && provider !== 'none')
    refuse(`--provider ${provider}: a tar is for an image or an installer`, 'leave it out');
  if (iso && provider !== 'nocloud')
    refuse('--iso: only machines without a cloud take an image', 'add --provider nocloud');
  if (iso && out === '-') refuse('--out -: an image needs a file', 'name a directory');
  if (iso && format !== 'cloud-config')
    refuse(`--iso: an image holds a cloud-config, not ${format}`, 'leave one of them out');
  return {
    format,
    provider,
    compress,
    secrets: secrets === 'fetch' ? { kind: 'fetch', url: url ?? '' } : { kind: secrets },
    own,
  };
}

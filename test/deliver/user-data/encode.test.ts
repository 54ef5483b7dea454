import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { BootstrapError } from '../../../src/base/errors.ts';
import { encode, fits } from '../../../src/deliver/user-data/encode.ts';
import { PROVIDERS, type Provider, type ProviderName } from '../../../src/deliver/user-data/providers.ts';

/** A cloud-config of so many bytes, of which gzip makes little more than half. */
function document(length: number): Buffer {
  const head = Buffer.from('#cloud-config\n');
  const noise = createHash('shake256', { outputLength: length }).update('noise').digest('hex');
  return Buffer.concat([head, Buffer.from(noise)]).subarray(0, length);
}

const limited = (Object.entries(PROVIDERS) as [ProviderName, Provider][]).flatMap(([name, provider]) =>
  provider.limit === undefined ? [] : [{ name, provider, limit: provider.limit }],
);
const inBase64 = (bytes: number) => 4 * Math.ceil(bytes / 3);

describe.each(limited)('$name', ({ name, provider, limit }) => {
  // of base64, the last group that fits as a whole
  const most = provider.counts === 'base64' ? Math.floor(limit / 4) * 3 : limit;

  test('takes a plain document of exactly its limit, and not a byte more', () => {
    const plain = (bytes: number) => encode(document(bytes), provider, 'none', 'cloud-config');
    expect(plain(most).counted).toBeLessThanOrEqual(limit);
    expect(fits(plain(most), provider)).toBe(true);
    expect(plain(most + 1).counted).toBeGreaterThan(limit);
    expect(fits(plain(most + 1), provider)).toBe(false);
  });

  test('counts what its API gets', () => {
    const { content, counted } = encode(document(10_000), provider, 'auto', 'cloud-config');
    expect(counted).toBe(name === 'openstack' || name === 'oracle' ? inBase64(content.length) : content.length);
  });
});

test.each(limited.filter(({ name }) => name !== 'digitalocean'))(
  'what fits only compressed is compressed for $name by itself',
  ({ provider, limit }) => {
    const packed = encode(document(limit + 1), provider, 'auto', 'cloud-config');
    expect(packed.form).toBe(provider.gzip === 'base64' ? 'gzip+base64' : 'gzip');
    expect(fits(packed, provider)).toBe(true);
  },
);

test('what is compressed comes back as it was', () => {
  const original = document(5000);
  const gzip = encode(original, PROVIDERS.aws, 'gzip', 'cloud-config');
  expect(gunzipSync(gzip.content).equals(original)).toBe(true);
  const text = encode(original, PROVIDERS.hetzner, 'gzip', 'cloud-config').content.toString();
  expect(gunzipSync(Buffer.from(text, 'base64')).equals(original)).toBe(true);
});

test('base64 is one line without an end, since cloud-init decodes it strictly on Hetzner', () => {
  const { content } = encode(document(5000), PROVIDERS.hetzner, 'gzip', 'cloud-config');
  expect(content.toString()).toMatch(/^[A-Za-z0-9+/]+={0,2}$/);
  expect(content.includes('\n')).toBe(false);
});

test('the same document gives the same bytes', () => {
  const [a, b] = [1, 2].map(() => encode(document(5000), PROVIDERS.aws, 'gzip', 'cloud-config').content);
  expect(a?.equals(b ?? Buffer.alloc(0))).toBe(true);
});

test('auto compresses where narrow limits make that the rule, and leaves a document readable elsewhere', () => {
  const form = (name: ProviderName) => encode(document(5000), PROVIDERS[name], 'auto', 'cloud-config').form;
  expect(Object.fromEntries((Object.keys(PROVIDERS) as ProviderName[]).map((name) => [name, form(name)]))).toEqual({
    aws: 'gzip',
    azure: 'plain',
    gcp: 'plain',
    openstack: 'plain',
    hetzner: 'gzip+base64',
    digitalocean: 'plain',
    vsphere: 'gzip+base64',
    oracle: 'gzip',
    nocloud: 'plain',
    none: 'plain',
  });
});

test('auto does not compress what would only get larger by it', () => {
  expect(encode(Buffer.from('#cloud-config\n{}\n'), PROVIDERS.aws, 'auto', 'cloud-config').form).toBe('plain');
  const repetitive = Buffer.from(`#cloud-config\n${'#\n'.repeat(5000)}`);
  expect(encode(repetitive, PROVIDERS.hetzner, 'auto', 'cloud-config').form).toBe('gzip+base64');
});

test('--compress gzip is refused where nothing could undo it', () => {
  const wish = () => encode(document(100), PROVIDERS.digitalocean, 'gzip', 'cloud-config');
  expect(wish).toThrow(BootstrapError);
  expect(wish).toThrow(/DigitalOcean takes nothing but plain text/);
  try {
    wish();
  } catch (error) {
    expect(error).toMatchObject({ code: 'usage', hint: expect.stringContaining('--compress auto') });
  }
});

test('an Ignition document is only counted, whatever is wished', () => {
  const json = Buffer.from(JSON.stringify({ ignition: { version: '3.4.0' }, text: 'a'.repeat(5000) }));
  for (const compress of ['auto', 'gzip', 'none'] as const) {
    for (const name of ['aws', 'digitalocean', 'vsphere'] as const) {
      const { content, form, extension } = encode(json, PROVIDERS[name], compress, 'ignition');
      expect({ form, extension, same: content.equals(json) }).toEqual({ form: 'plain', extension: 'ign', same: true });
    }
  }
  expect(encode(json, PROVIDERS.oracle, 'auto', 'ignition').counted).toBe(inBase64(json.length));
});

test('a tar is compressed as any tool takes it', () => {
  const tar = Buffer.alloc(10_240);
  const made = (compress: 'auto' | 'none') => encode(tar, PROVIDERS.digitalocean, compress, 'tar');
  expect([made('auto').extension, made('none').extension]).toEqual(['tar.gz', 'tar']);
});

test('the extension says what is in the file', () => {
  const extension = (text: string, name: ProviderName, compress: 'gzip' | 'none') =>
    encode(Buffer.from(text), PROVIDERS[name], compress, 'cloud-config').extension;
  expect(extension('#cloud-config\n', 'aws', 'none')).toBe('yaml');
  expect(extension('#cloud-config\n', 'aws', 'gzip')).toBe('yaml.gz');
  expect(extension('#cloud-config\n', 'hetzner', 'gzip')).toBe('yaml.gz.b64');
  expect(extension('MIME-Version: 1.0\n', 'aws', 'none')).toBe('mime');
});

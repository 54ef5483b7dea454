import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { BootstrapError } from '../../../src/base/errors.ts';
import type { Bundle } from '../../../src/bundle/bundle.ts';
import { PROVIDERS, type ProviderName } from '../../../src/deliver/user-data/providers.ts';
import { measureOf } from '../../../src/deliver/user-data/size-estimate.ts';
import { partsOf, sizeTable, tableLines } from '../../../src/deliver/user-data/sizes.ts';
import { type UserDataWish, userDataOf } from '../../../src/deliver/user-data/user-data.ts';
import { clusterOf, file } from '../../support/spec.ts';
import { realBundles, SCRIPTS } from './scratch.ts';

const KEYS = {
  rsa: ['RSA-2048', 'RSA-2048'],
  ecdsa: ['ECDSA-P256', 'RSA-2048'],
  all: ['ECDSA-P256', 'ECDSA-P256'],
} as const;
type Keys = keyof typeof KEYS;

function specOf(keys: Keys): string {
  const [algorithm, serviceAccountAlgorithm] = KEYS[keys];
  return `
profiles: [ha]
kubernetesVersion: v1.36.2
controlPlaneEndpoint: api.example.com
pki: {algorithm: ${algorithm}, serviceAccountAlgorithm: ${serviceAccountAlgorithm}}
files: [{path: /etc/motd, content: hello}]
nodes: [{name: cp1, addresses: [10.0.0.11]}, {name: cp2, addresses: [10.0.0.12]}, {name: cp3, addresses: [10.0.0.13]}]`;
}

const bundles = new Map<Keys, Bundle>();
beforeAll(async () => {
  for (const keys of Object.keys(KEYS) as Keys[]) {
    const [bundle] = await realBundles(specOf(keys));
    if (bundle) bundles.set(keys, bundle);
  }
});

function bundleOf(keys: Keys): Bundle {
  const bundle = bundles.get(keys);
  if (!bundle) throw new Error('no bundle');
  return bundle;
}

const WISH: UserDataWish = {
  format: 'cloud-config',
  provider: 'aws',
  compress: 'auto',
  secrets: { kind: 'inline' },
  own: undefined,
};

async function made(keys: Keys, wish: Partial<UserDataWish>) {
  const cluster = clusterOf(file(specOf(keys)));
  const [node] = cluster.nodes;
  if (!node) throw new Error('no node');
  return userDataOf(cluster, node, bundleOf(keys), { ...WISH, ...wish }, SCRIPTS);
}

/** What a document counts, even where it is too much. */
async function counted(keys: Keys, wish: Partial<UserDataWish> = {}): Promise<number> {
  try {
    return (await made(keys, wish)).document.counted;
  } catch (error) {
    return Number(/: (\d+) bytes/.exec(String(error))?.[1]);
  }
}

const refusals = new Map<string, Promise<BootstrapError>>();

/** Its making takes a while, so each is made once. */
function refusal(keys: Keys, wish: Partial<UserDataWish> = {}): Promise<BootstrapError> {
  const id = JSON.stringify([keys, wish]);
  const known = refusals.get(id) ?? refused(keys, wish);
  refusals.set(id, known);
  return known;
}

async function refused(keys: Keys, wish: Partial<UserDataWish>): Promise<BootstrapError> {
  const error: unknown = await made(keys, wish).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof BootstrapError)) throw new Error(`not refused: ${String(error)}`);
  return error;
}

/** The bytes that would be left by something, as the message says; undefined where it is not advised. */
function left(message: string, by: string): number | undefined {
  const line = message.split('\n').find((each) => each.includes(by) && /^ +~?\d+ {2}/.test(each));
  return line === undefined ? undefined : Number(/\d+/.exec(line)?.[0]);
}

function rowsOf(message: string): readonly { readonly name: string; readonly bytes: number }[] {
  return [...message.matchAll(/^ {2}(\S.*?) +(\d+) +\d+ %$/gm)].map(([, name = '', bytes]) => ({
    name,
    bytes: Number(bytes),
  }));
}

describe('the table', () => {
  test('adds up to the whole to the byte, whatever the weights', () => {
    const weights = fc.array(fc.nat({ max: 100_000 }), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 300_000 }), (some, total) => {
        fc.pre(some.some((weight) => weight > 0));
        const rows = sizeTable(
          some.map((weight, i) => ({ name: `part ${i}`, weight })),
          total,
        );
        expect(rows.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(total);
        expect(rows.every(({ bytes }, i) => bytes >= 0 && bytes <= (rows[i - 1]?.bytes ?? total))).toBe(true);
      }),
    );
  });

  test('knows every file of a bundle by what it is', () => {
    for (const format of ['cloud-config', 'ignition'] as const) {
      const measure = measureOf(format, 'auto', 'none');
      const parts = partsOf(bundleOf('rsa'), measure);
      expect(parts.map(({ name }) => name).sort()).toEqual([
        'certificates',
        'kubeconfigs',
        'kubelet',
        'manifests',
        'private keys',
        'service-account key',
        'your own files',
      ]);
      expect(parts.reduce((sum, { weight }) => sum + weight, 0)).toBe(measure(bundleOf('rsa')));
    }
  });

  test('is aligned', () => {
    const lines = tableLines([
      { name: 'private keys', bytes: 12_345, share: 0.75 },
      { name: 'kubelet', bytes: 9, share: 0.0004 },
    ]);
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  });
});

describe('the refusal', () => {
  test('names the node, the bytes, the limit and by how much it is over, and its rows add up', async () => {
    const { code, message } = await refusal('rsa');
    const [first = ''] = message.split('\n');
    const [, bytes = '', limit = '', over = ''] =
      /^cp1: (\d+) bytes of user-data, AWS EC2 takes (\d+): (\d+) too many$/.exec(first) ?? [];
    expect({ code, limit }).toEqual({ code: 'cluster-file', limit: '16384' });
    expect(Number(bytes) - Number(limit)).toBe(Number(over));
    const rows = rowsOf(message);
    expect(rows.reduce((sum, row) => sum + row.bytes, 0)).toBe(Number(bytes));
    expect(rows[0]?.name).toBe('private keys');
    expect(rows.map(({ name }) => name)).toContain('install script');
  });

  test.each([
    ['rsa', { provider: 'aws' }],
    ['rsa', { provider: 'oracle' }],
    ['rsa', { provider: 'aws', compress: 'none' }],
    ['rsa', { provider: 'hetzner', format: 'ignition' }],
    ['rsa', { provider: 'aws', secrets: { kind: 'none' }, compress: 'none' }],
  ] satisfies [Keys, Partial<UserDataWish>][])(
    'of %s with %o fits into 80 columns and shows no key',
    async (keys, wish) => {
      const { message } = await refusal(keys, wish);
      // the first line has "error: " before it
      expect(Math.max(...`error: ${message}`.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
      expect(message).not.toMatch(/BEGIN|[A-Za-z0-9+/]{40}/);
    },
  );

  test('says that base64 is counted where it is, and what else is to have room there', async () => {
    const { message } = await refusal('rsa', { provider: 'oracle' });
    expect(message).toMatch(/bytes of user-data, Oracle Cloud takes 31000: /);
    expect(message).toMatch(/counted in base64/);
    expect(message).toMatch(/of 32000 for all metadata/);
  });

  test('gives the same message for the same input', async () => {
    expect((await refused('rsa', {})).message).toBe((await refusal('rsa')).message);
  });
});

describe('what it advises', () => {
  const near = (estimate: number | undefined, actual: number) => {
    expect(estimate).toBeGreaterThan(actual * 0.9);
    expect(estimate).toBeLessThan(actual * 1.1);
  };
  const ALGORITHM = 'spec.pki.algorithm: ECDSA-P256';
  const TOKENS = 'serviceAccountAlgorithm: ECDSA-P256';
  const NONE = '--secrets none';
  const FETCH = '--secrets fetch';
  const fetch = { kind: 'fetch', url: 'https://files.example.com/' } as const;

  test.each([
    { provider: 'aws', format: 'cloud-config', compress: 'auto' },
    { provider: 'hetzner', format: 'cloud-config', compress: 'auto' },
    { provider: 'oracle', format: 'cloud-config', compress: 'auto' },
    { provider: 'aws', format: 'cloud-config', compress: 'none' },
    { provider: 'aws', format: 'ignition', compress: 'auto' },
    { provider: 'oracle', format: 'ignition', compress: 'auto' },
  ] as const)('is within a tenth of what comes out of it: %o', async (wish) => {
    const { message } = await refusal('rsa', wish);
    if (wish.format === 'cloud-config') near(left(message, ALGORITHM), await counted('ecdsa', wish));
    near(left(message, NONE), await counted('rsa', { ...wish, secrets: { kind: 'none' } }));
    near(left(message, FETCH), await counted('rsa', { ...wish, secrets: fetch }));
  });

  test('tells for Ignition, which packs the files where it has to, what is then enough', async () => {
    for (const provider of ['aws', 'oracle'] as const) {
      const wish = { provider, format: 'ignition' } as const;
      const estimate = left((await refusal('rsa', wish)).message, ALGORITHM) ?? 0;
      expect(estimate <= limitOf(provider)).toBe((await counted('ecdsa', wish)) <= limitOf(provider));
    }
  });

  test('is in the order of effect, and says what does not do alone', async () => {
    const { message } = await refusal('rsa');
    const lines = message.split('\n').filter((line) => /^ +~?\d+ {2}/.test(line));
    const bytes = lines.map((line) => Number(/\d+/.exec(line)?.[0]));
    expect(bytes).toEqual([...bytes].sort((a, b) => a - b));
    for (const [i, line] of lines.entries()) expect(line.endsWith('not enough')).toBe((bytes[i] ?? 0) > 16_384);
  });

  test('is ECDSA only where something is RSA', async () => {
    const wish = { provider: 'aws', format: 'ignition', compress: 'none' } as const;
    expect((await refusal('rsa', wish)).message).toContain('both algorithms of spec.pki: ECDSA-P256');
    const { message: ecdsa } = await refusal('ecdsa', wish);
    expect(left(ecdsa, ALGORITHM)).toBeUndefined();
    expect(left(ecdsa, TOKENS)).toBeDefined();
    expect((await refusal('all', wish)).message).not.toMatch(/ECDSA/);
  });

  test('is compression only where that was forbidden, with the exact size', async () => {
    const { message } = await refusal('rsa', { compress: 'none' });
    expect(left(message, 'without --compress none')).toBe(await counted('rsa'));
    expect((await refusal('rsa')).message).not.toContain('--compress');
  });

  test('is no way to carry the secrets that was chosen already', async () => {
    const own = { kind: 'part', type: 'text/x-shellscript', content: noise(40_000), warnings: [] } as const;
    const none = (await refusal('all', { secrets: { kind: 'none' }, own })).message;
    expect(none).not.toContain(NONE);
    expect(none).toContain(FETCH);
    const fetched = (await refusal('all', { secrets: fetch, own })).message;
    expect(fetched).not.toContain('--secrets');
    expect(rowsOf(fetched).map(({ name }) => name)).toEqual(['--merge', 'install script']);
    expect(fetched).toMatch(/a smaller --merge: what it holds now takes ~\d+00$/m);
  });

  test('names providers that would take it, and none that would not', async () => {
    const { message } = await refusal('rsa');
    const line = message.split('\n').find((each) => each.includes('another provider')) ?? '';
    const named = line.replace(/.*: /, '').split(', ') as ProviderName[];
    expect(named.length).toBeGreaterThan(1);
    for (const provider of named) expect(await counted('rsa', { provider })).toBeLessThanOrEqual(limitOf(provider));
  });
});

function limitOf(name: ProviderName): number {
  return PROVIDERS[name].limit ?? Number.POSITIVE_INFINITY;
}

/** A script that gzip makes three quarters of, not less. */
function noise(length: number): string {
  const bytes = createHash('shake256', { outputLength: length }).update('noise').digest();
  return `#!/bin/sh\n# ${bytes.toString('base64').slice(0, length)}\n`;
}

import { BootstrapError } from '../../src/base/errors.ts';
import type { Format } from '../../src/deliver/user-data/formats.ts';
import { PROVIDERS, type ProviderName } from '../../src/deliver/user-data/providers.ts';
import { userDataOf } from '../../src/deliver/user-data/user-data.ts';
import { realBundles, SCRIPTS } from '../deliver/user-data/scratch.ts';
import { clusterOf, file } from '../support/spec.ts';

/** One of three masters, with everything in its user-data. */
const KEYS = [
  { title: 'RSA-2048', algorithm: 'RSA-2048', serviceAccount: 'RSA-2048' },
  { title: 'ECDSA, RSA service account', algorithm: 'ECDSA-P256', serviceAccount: 'RSA-2048' },
  { title: 'all ECDSA', algorithm: 'ECDSA-P256', serviceAccount: 'ECDSA-P256' },
] as const;
const FORMATS: readonly Format[] = ['cloud-config', 'ignition'];
const GOAL = 10 * 1024;

function specOf(algorithm: string, serviceAccount: string): string {
  return `
profiles: [ha]
kubernetesVersion: v1.36.2
controlPlaneEndpoint: api.example.com
pki: {algorithm: ${algorithm}, serviceAccountAlgorithm: ${serviceAccount}}
nodes:
  - {name: cp1, addresses: [10.0.0.11]}
  - {name: cp2, addresses: [10.0.0.12]}
  - {name: cp3, addresses: [10.0.0.13]}`;
}

/** Bytes as the provider counts them, with `--compress auto`; a refusal says it too. */
type Sizes = (provider: ProviderName, format: Format) => Promise<{ readonly bytes: number; readonly fits: boolean }>;

async function sizesOf(algorithm: string, serviceAccount: string): Promise<Sizes> {
  const spec = specOf(algorithm, serviceAccount);
  const cluster = clusterOf(file(spec));
  const [node] = cluster.nodes;
  const [bundle] = await realBundles(spec);
  if (!node || !bundle) throw new Error('a spec without nodes');
  return async (provider, format) => {
    const wish = { provider, format, compress: 'auto', secrets: { kind: 'inline' }, own: undefined } as const;
    try {
      const { document } = await userDataOf(cluster, node, bundle, wish, SCRIPTS);
      return { bytes: document.counted, fits: true };
    } catch (error) {
      const bytes = /^cp1: (\d+) bytes/.exec(error instanceof BootstrapError ? error.message : '')?.[1];
      if (bytes === undefined) throw error;
      return { bytes: Number(bytes), fits: false };
    }
  };
}

const WIDTH = 17;

function line(first: string, limit: string, cells: readonly string[]): void {
  const shown = `  ${first.padEnd(14)}${limit.padStart(7)}${cells.map((cell) => cell.padStart(WIDTH)).join('')}`;
  console.log(shown.trimEnd());
}

/** What a master's user-data takes of what each provider takes. */
export async function userDataSizes(): Promise<void> {
  const kinds = await Promise.all(KEYS.map(({ algorithm, serviceAccount }) => sizesOf(algorithm, serviceAccount)));
  console.log(
    '\nUser-data of one of three masters, bytes as the provider counts them, and how much of its limit that is',
  );
  console.log(`${' '.repeat(23)}${KEYS.map(({ title }) => title.padStart(WIDTH * FORMATS.length)).join('')}`);
  const head = KEYS.flatMap(() => FORMATS);
  line('provider', 'limit', head);
  for (const name of Object.keys(PROVIDERS) as ProviderName[]) {
    const { limit } = PROVIDERS[name];
    const sizes = await Promise.all(kinds.flatMap((size) => FORMATS.map((format) => size(name, format))));
    const cells = sizes.map(({ bytes, fits }) => {
      if (limit === undefined) return `${bytes}${' '.repeat(7)}`;
      return `${bytes}${`${Math.round((bytes / limit) * 100)} %`.padStart(6)}${fits ? ' ' : '!'}`;
    });
    line(name, limit === undefined ? '–' : String(limit), cells);
  }
  console.log('  ! = refused');
  const { bytes = Number.NaN } = (await kinds.at(-1)?.('aws', 'cloud-config')) ?? {};
  console.log(`  all ECDSA, cloud-config, gzip: ${bytes} bytes  goal ≤ ${GOAL}: ${bytes <= GOAL ? 'met' : 'MISSED'}`);
}

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { loadCatalogue } from '../../src/kubernetes/catalogue.ts';
import { COMPONENTS } from '../../src/kubernetes/component.ts';
import { KNOWN_MINORS } from '../../src/kubernetes/version.ts';

export interface Programs {
  readonly machine: string;
  readonly component: string;
  readonly balancer: string;
  readonly writer: string;
  readonly watcher: string;
}

const ENTRIES = {
  machine: fileURLToPath(new URL('./machine/machine.ts', import.meta.url)),
  component: fileURLToPath(new URL('./component/component.ts', import.meta.url)),
  balancer: fileURLToPath(new URL('./outside/balancer.ts', import.meta.url)),
  writer: fileURLToPath(new URL('./outside/writer.ts', import.meta.url)),
  watcher: fileURLToPath(new URL('./outside/watcher.ts', import.meta.url)),
} as const;

const YAML = fileURLToPath(new URL('../../node_modules/yaml/browser/index.js', import.meta.url));

/** Builds the programs of the world into a folder: as plain files they start in 40 ms, which a dozen of them has to. */
export async function buildPrograms(folder: string): Promise<Programs> {
  await build({
    entryPoints: ENTRIES,
    outdir: folder,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20.19',
    outExtension: { '.js': '.cjs' },
    alias: { yaml: YAML },
    logLevel: 'warning',
  });
  const at = (name: string) => join(folder, `${name}.cjs`);
  return {
    machine: at('machine'),
    component: at('component'),
    balancer: at('balancer'),
    writer: at('writer'),
    watcher: at('watcher'),
  };
}

/** Files that the stand-ins share: the flags that each program has, and a certificate such as they would sign themselves. */
export async function sharedFiles(folder: string): Promise<void> {
  mkdirSync(folder);
  const minors = KNOWN_MINORS.map(async (minor) => {
    const catalogue = await loadCatalogue(minor);
    const names = COMPONENTS.map((component) => [component, catalogue.flags(component).map(({ name }) => name)]);
    return [minor, Object.fromEntries(names) as unknown] as const;
  });
  writeFileSync(join(folder, 'flags.json'), JSON.stringify(Object.fromEntries(await Promise.all(minors))));
  const subject = ['-subj', '/CN=localhost@1', '-addext', 'subjectAltName=DNS:localhost'];
  const key = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    join(folder, 'self-signed.key'),
  ];
  const args = ['req', '-x509', '-days', '1', ...subject, ...key, '-out', join(folder, 'self-signed.crt')];
  execFileSync('openssl', args, { stdio: 'ignore' });
}

/** Flags of a manifest for etcd 3.6 that this machine's etcd does not know, and what stands for them there. */
export function etcdFlags(): Readonly<Record<string, string | null>> {
  const help = execFileSync('etcd', ['--help'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const wanted: Readonly<Record<string, string | null>> = {
    '--feature-gates': null,
    '--watch-progress-notify-interval': '--experimental-watch-progress-notify-interval',
  };
  return Object.fromEntries(
    Object.entries(wanted)
      .filter(([name]) => !help.includes(`  ${name} `))
      .map(([name, other]) => [name, other && help.includes(`  ${other} `) ? other : null]),
  );
}

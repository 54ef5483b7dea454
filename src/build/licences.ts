import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

/** Writes down the licences of all packages of which something is in the bundles: most of them ask for that. */
export function writeLicences(root: string, outdir: string, metafiles: readonly Metafile[]): void {
  const inputs = metafiles.flatMap((metafile) => Object.keys(metafile.inputs));
  const names = inputs.flatMap((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []);
  const texts = [...new Set(names)].sort().map((name) => {
    const dir = join(root, 'node_modules', name);
    const { version, license } = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')) as {
      readonly version: string;
      readonly license?: string;
    };
    const file = readdirSync(dir).find((each) => /^licen[cs]e/i.test(each));
    // zx holds other packages in its own files
    const within = join(dir, 'build/3rd-party-licenses');
    const files = [...(file ? [join(dir, file)] : []), ...(existsSync(within) ? [within] : [])];
    return `${name} ${version} (${license})\n\n${files.map((each) => readFileSync(each, 'utf8').trim()).join('\n\n')}\n`;
  });
  writeFileSync(join(outdir, 'LICENCES.txt'), texts.join(`\n${'-'.repeat(72)}\n\n`));
}

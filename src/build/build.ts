import { chmod, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** Makes `dist/`: one small entry, and a chunk for every command that is loaded when it runs. */

await import('./generate.ts');

const root = fileURLToPath(new URL('../..', import.meta.url));
const outdir = join(root, 'dist');
await rm(outdir, { recursive: true, force: true });
await build({
  entryPoints: [join(root, 'src/cli/bootstrap.ts')],
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  minify: true,
  keepNames: true,
  legalComments: 'linked',
  chunkNames: 'chunks/[name]-[hash]',
  // packages that are CommonJS ask for Node's own modules through require
  banner: {
    js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
await chmod(join(outdir, 'bootstrap.js'), 0o755);

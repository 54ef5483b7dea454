import { chmod, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';
import { writeCodeCache } from './code-cache.ts';
import { writeLicences } from './licences.ts';

/**
 * Makes `dist/`. CommonJS, because Node starts it 10 ms sooner than ES modules: an entry that holds the help texts, the
 * program, and beside it what only some runs need.
 */

await import('./generate.ts');

const root = fileURLToPath(new URL('../..', import.meta.url));
const outdir = join(root, 'dist');

/** Modules that are files of their own, with nothing in them that the program has too. */
const APART: Readonly<Record<string, { readonly imported: RegExp; readonly source: string }>> = {
  main: { imported: /^\.\/main\.ts$/, source: './src/cli/main.ts' },
  forge: { imported: /\/forge-library\.ts$/, source: './src/pki/forge-library.ts' },
  flags: { imported: /^\.\/data\.ts$/, source: './src/kubernetes/data.ts' },
  'pod-schema': { imported: /\/generated\/validate-pod\.ts$/, source: './src/generated/validate-pod.ts' },
  handlebars: { imported: /^handlebars$/, source: 'handlebars' },
  diff: { imported: /^diff$/, source: 'diff' },
  zx: { imported: /^zx\/core$/, source: 'zx/core' },
  prompts: { imported: /^@clack\/prompts$/, source: '@clack/prompts' },
};

const apart: Plugin = {
  name: 'apart',
  setup({ onResolve }) {
    for (const [name, { imported }] of Object.entries(APART)) {
      // the file that is made of the module itself imports it from the root
      onResolve({ filter: imported }, ({ importer }) =>
        importer.startsWith(join(root, 'src/')) ? { path: `./${name}.cjs`, external: true } : undefined,
      );
    }
  },
};

/** Commander asks for it at once, for commands that are programs of their own; there are none here, and it takes 5 ms. */
const noChildProcess: Plugin = {
  name: 'no-child-process',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      importer.includes('node_modules/commander/') ? { path: 'none', namespace: 'none' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'none' }, () => ({ contents: 'module.exports = {};' }));
  },
};

const options: BuildOptions = {
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20.19',
  // `import()` becomes `require()`, for the same reason
  supported: { 'dynamic-import': false },
  minify: true,
  keepNames: true,
  legalComments: 'none',
  metafile: true,
  // the package's entry for Node is CommonJS, which cannot be cut down to what is used
  alias: {
    yaml: join(root, 'node_modules/yaml/browser/index.js'),
    'yaml/util': join(root, 'node_modules/yaml/browser/dist/util.js'),
  },
  define: { 'import.meta.url': 'importMetaUrl' },
  plugins: [apart, noChildProcess],
  logLevel: 'warning',
};

await rm(outdir, { recursive: true, force: true });
await build({ ...options, entryPoints: [join(root, 'src/cli/bootstrap.ts')], outfile: join(outdir, 'bootstrap.cjs') });
const metafiles: Metafile[] = [];
for (const [name, { source }] of Object.entries(APART)) {
  const hasDefault = source === 'handlebars';
  const { metafile } = await build({
    ...options,
    stdin: {
      contents: `export * from '${source}';${hasDefault ? `export { default } from '${source}';` : ''}`,
      resolveDir: root,
      sourcefile: `${name}.entry.ts`,
    },
    outfile: join(outdir, `${name}.cjs`),
    banner: { js: name === 'main' ? "const importMetaUrl=require('node:url').pathToFileURL(__filename).href;" : '' },
  });
  if (metafile) metafiles.push(metafile);
}
writeLicences(root, outdir, metafiles);
await writeCodeCache(outdir);
await chmod(join(outdir, 'bootstrap.cjs'), 0o755);

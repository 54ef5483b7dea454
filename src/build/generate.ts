import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import standaloneCode from 'ajv/dist/standalone/index.js';
import { build } from 'esbuild';
import { podSchema } from '../kubernetes/pod-schema.ts';
import { compileTemplates } from './templates.ts';

/** Makes `src/generated`: validators as plain code and precompiled templates, so that no command compiles anything. */

const root = fileURLToPath(new URL('../..', import.meta.url));
const out = join(root, 'src/generated');

/** Standalone ajv code still requires parts of ajv; bundled it stands alone and starts in a millisecond. */
async function writeValidators(
  file: string,
  schemas: readonly object[],
  exports: Readonly<Record<string, string>>,
): Promise<void> {
  const ajv = new Ajv2020({
    schemas: [...schemas],
    allErrors: true,
    allowUnionTypes: true,
    validateFormats: false,
    // a function for each definition rather than a copy of it wherever it is used
    inlineRefs: false,
    code: { source: true, esm: true, lines: true },
  });
  const standalone = typeof standaloneCode === 'function' ? standaloneCode : standaloneCode.default;
  const result = await build({
    stdin: { contents: standalone(ajv, exports), resolveDir: root, loader: 'js' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    write: false,
    legalComments: 'none',
  });
  const code = result.outputFiles[0]?.text ?? '';
  await writeFile(join(out, file), `// @ts-nocheck\n${code}`);
}

await mkdir(out, { recursive: true });
const cluster = JSON.parse(await readFile(join(root, 'src/spec/cluster.schema.json'), 'utf8')) as { $id: string };
await writeValidators('validate-cluster.ts', [cluster], {
  validateCluster: cluster.$id,
  validateProfile: `${cluster.$id}#/$defs/profile`,
});
await writeValidators('validate-pod.ts', [{ ...podSchema, $id: 'pod' }], { validatePod: 'pod' });
await compileTemplates(root, out);
// the command line is described by the program itself, which needs what has just been made
const { writeHelp } = await import('./help.ts');
await writeHelp(out);

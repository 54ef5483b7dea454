import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Handlebars from 'handlebars';
import { COMPILE_OPTIONS, parseTemplate } from '../render/template/compile.ts';
import { kindOf, TEMPLATE_NAMES } from '../render/template/template.ts';

/**
 * Checks and precompiles all templates of `<root>/templates` into `<out>/templates.ts`.
 * @throws BootstrapError naming file, line and column of everything that a template may not do
 */
export async function compileTemplates(root: string, out: string): Promise<void> {
  const entries = await Promise.all(
    TEMPLATE_NAMES.map(async (name) => {
      const file = `templates/${name}.hbs`;
      const { ast, flags } = parseTemplate(file, await readFile(join(root, file), 'utf8'), kindOf(name));
      const spec = Handlebars.precompile(ast, COMPILE_OPTIONS(kindOf(name)));
      return `  ${JSON.stringify(name)}: {\n    file: ${JSON.stringify(file)},\n    flags: ${JSON.stringify(flags)},\n    spec: ${spec},\n  },\n`;
    }),
  );
  await writeFile(join(out, 'templates.ts'), `// @ts-nocheck\nexport const templates = {\n${entries.join('')}};\n`);
}

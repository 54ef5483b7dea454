import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { program } from '../cli/program.ts';

/**
 * Writes down what `--help` of every command prints at 80 columns, so that it can be shown without loading the library
 * that made it, which takes half as long as starting Node.
 */
export async function writeHelp(out: string): Promise<void> {
  const texts: Record<string, string> = {};
  const visit = (command: Command, path: string): void => {
    let text = '';
    command.configureOutput({
      writeOut: (part) => {
        text += part;
      },
      getOutHelpWidth: () => 80,
      getOutHasColors: () => false,
    });
    command.outputHelp();
    texts[path] = text;
    for (const below of command.commands) visit(below, path ? `${path} ${below.name()}` : below.name());
  };
  visit(
    program(() => undefined),
    '',
  );
  const lines = Object.entries(texts).map(([path, text]) => `  ${JSON.stringify(path)}: ${JSON.stringify(text)},`);
  const head =
    '/** `config show` → what its --help prints at 80 columns. */\nexport const HELP: Readonly<Record<string, string>> = {';
  await writeFile(join(out, 'help.ts'), `${head}\n${lines.join('\n')}\n};\n`);
}

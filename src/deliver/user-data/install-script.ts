import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The scripts of a machine's first boot, without comments, blank lines and indents: limits of user-data are narrow. */
export interface InstallScripts {
  readonly install: string;
  /** What it reads besides where the payload has to be fetched. */
  readonly fetch: string;
}

/** @param packageDir the package's root, which holds `templates/` */
export function readInstallScripts(packageDir: string): InstallScripts {
  const read = (name: string) => bare(readFileSync(join(packageDir, 'templates', 'user-data', name), 'utf8'));
  return { install: read('install.sh'), fetch: read('fetch.sh') };
}

/** No line of these scripts means anything by its indent: there are no here-documents and no strings of several lines. */
function bare(script: string): string {
  const lines = script.split('\n').map((line) => line.trim());
  return lines
    .filter((line) => line.startsWith('#!') || !/^(?:#|$)/.test(line))
    .join('\n')
    .concat('\n');
}

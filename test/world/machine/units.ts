import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type MachineSettings, onNode } from './settings.ts';

/** Where systemd looks for units, the first one wins (systemd.unit(5)). */
const FOLDERS = ['/etc/systemd/system', '/run/systemd/system', '/usr/lib/systemd/system'];
const WANTS = '/etc/systemd/system';

/** `kubelet` is short for `kubelet.service`. */
export const unitName = (name: string): string =>
  /\.(service|timer|target|path)$/.test(name) ? name : `${name}.service`;

/** The settings of a unit with its drop-ins, as on the disk now: key → values, an empty one forgets those before it. */
export type Unit = ReadonlyMap<string, readonly string[]>;

/** undefined where there is no such unit. */
export function readUnit(settings: MachineSettings, name: string): Unit | undefined {
  const file = FOLDERS.map((folder) => onNode(settings, join(folder, name))).find((path) => existsSync(path));
  if (!file) return undefined;
  const dropIns = FOLDERS.map((folder) => onNode(settings, join(folder, `${name}.d`)))
    .filter((path) => existsSync(path))
    .flatMap((folder) => readdirSync(folder).map((drop) => join(folder, drop)))
    .filter((path) => path.endsWith('.conf'));
  const unit = new Map<string, string[]>();
  for (const path of [file, ...dropIns]) {
    const text = readFileSync(path, 'utf8').replaceAll(/\\\n/g, ' ');
    for (const line of text.split('\n')) {
      const [, key = '', value = ''] = /^\s*([A-Za-z]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
      if (key) unit.set(key, value ? [...(unit.get(key) ?? []), value] : []);
    }
  }
  return unit;
}

/** Words of a command line; quotes hold them together (systemd.service(5), without its escapes and specifiers). */
export const wordsOf = (line: string): readonly string[] =>
  (line.replace(/^[-@:+!]+/, '').match(/"[^"]*"|'[^']*'|\S+/g) ?? []).map((word) =>
    word.replace(/^(["'])(.*)\1$/s, '$2'),
  );

export function isEnabled(settings: MachineSettings, name: string): boolean {
  return wantsFolders(settings).some((folder) => readdirSync(folder).includes(name));
}

export function enabledUnits(settings: MachineSettings): readonly string[] {
  return wantsFolders(settings).flatMap((folder) => readdirSync(folder));
}

function wantsFolders(settings: MachineSettings): readonly string[] {
  const folder = onNode(settings, WANTS);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.wants'))
    .map((name) => join(folder, name));
}

export function enable(settings: MachineSettings, name: string, unit: Unit): void {
  for (const target of unit.get('WantedBy') ?? ['multi-user.target']) {
    const link = onNode(settings, join(WANTS, `${target}.wants`, name));
    mkdirSync(dirname(link), { recursive: true });
    rmSync(link, { force: true });
    symlinkSync(join(WANTS, name), link);
  }
}

export function disable(settings: MachineSettings, name: string): void {
  for (const folder of wantsFolders(settings)) rmSync(join(folder, name), { force: true });
}

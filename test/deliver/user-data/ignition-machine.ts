import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';

interface Resource {
  readonly source: string;
  readonly compression?: 'gzip';
}

interface Node {
  readonly path: string;
  readonly mode: number;
  readonly overwrite?: boolean;
  readonly user?: { readonly name: string };
  readonly group?: { readonly name: string };
}

interface Unit {
  readonly name: string;
  readonly enabled: boolean;
  readonly contents?: string;
  readonly dropins?: readonly { readonly name: string; readonly contents: string }[];
}

interface IgnitionDocument {
  readonly ignition: { readonly version: string; readonly config?: { readonly replace: Resource } };
  readonly storage: {
    readonly directories: readonly Node[];
    readonly files: readonly (Node & { readonly contents: Resource })[];
  };
  readonly systemd: { readonly units: readonly Unit[] };
}

/** The config that counts, as Ignition finds it: what another one refers to with `replace`, however deep. */
export function effectiveConfig(config: Buffer): IgnitionDocument {
  const document = JSON.parse(config.toString()) as IgnitionDocument;
  const replace = document.ignition.config?.replace;
  return replace ? effectiveConfig(contentOf(replace)) : document;
}

/** Characters that stand in a URL as they are (RFC 2396 section 2), and escapes; Ignition refuses all others. */
const URL_TEXT = /^(?:[\w;/?:@&=+$,.!~*'()-]|%[0-9A-F]{2})*$/;

export function contentOf({ source, compression }: Resource): Buffer {
  const [, base64, text = ''] = /^data:(;base64)?,(.*)$/s.exec(source) ?? [];
  if (!source.startsWith('data:') || !URL_TEXT.test(text)) throw new Error('invalid data character');
  const content = base64 ? Buffer.from(text, 'base64') : Buffer.from(decodeURIComponent(text));
  return compression === 'gzip' ? gunzipSync(content) : content;
}

/**
 * Does in a directory what Ignition's files stage does in a root (internal/exec/stages/files), owners excepted.
 * @returns for each unit whether it is enabled
 */
export function bootIgnition(config: Buffer, root: string): ReadonlyMap<string, boolean> {
  const { storage, systemd } = effectiveConfig(config);
  const units = systemd.units.flatMap(unitFiles);
  const paths = [...storage.directories, ...storage.files, ...units].map(({ path }) => path);
  if (new Set(paths).size !== paths.length) throw new Error('a path is there twice');

  const depth = ({ path }: Node) => path.split('/').length;
  for (const node of [...storage.directories, ...storage.files].sort((a, b) => depth(a) - depth(b))) {
    const at = join(root, node.path);
    if ('contents' in node) {
      if (node.overwrite) rmSync(at, { recursive: true, force: true });
      if (existsSync(at)) throw new Error(`${node.path}: A file exists there already and overwrite is false`);
      makeParents(at);
      writeFileSync(at, contentOf(node.contents as Resource));
    } else {
      makeParents(join(at, 'x'));
    }
    chmodSync(at, node.mode);
  }
  for (const { path, text } of units) {
    const at = join(root, path);
    makeParents(at);
    writeFileSync(at, text);
    chmodSync(at, 0o644);
  }
  return new Map(systemd.units.map(({ name, enabled }) => [name, enabled]));
}

function unitFiles({ name, contents, dropins = [] }: Unit) {
  const path = join('/etc/systemd/system', name);
  return [
    ...(contents === undefined ? [] : [{ path, text: contents }]),
    ...dropins.map((dropIn) => ({ path: join(`${path}.d`, basename(dropIn.name)), text: dropIn.contents })),
  ];
}

/** Those that nobody lists are 0755 (internal/exec/util/file.go). */
function makeParents(file: string): void {
  const dir = dirname(file);
  if (existsSync(dir)) return;
  makeParents(dir);
  mkdirSync(dir);
  chmodSync(dir, 0o755);
}

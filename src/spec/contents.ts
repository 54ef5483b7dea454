import { resolve } from 'node:path';
import { BootstrapError } from '../base/errors.ts';
import { errorAt, type Fault } from '../base/fault.ts';
import type { SpecContents } from './build-cluster.ts';
import type { PatchTarget } from './cluster.ts';
import { isSensitiveFile } from './masked.ts';
import { readBytes, readTextFile } from './read-file.ts';
import { asBoolean, asList, asStrings, asText } from './read-tree.ts';
import { readYaml } from './read-yaml.ts';
import { at, type Tree, toJson } from './tree.ts';

/** etcd's own limit for a value, and far more than user-data can carry. */
const MAX_FILE_BYTES = 1024 * 1024;

/** By absolute path: a file's text and its name in messages, where it is about to be put there. */
export type GivenSources = ReadonlyMap<string, { readonly file: string; readonly text: string }>;

/**
 * Reads what `patches`, `files` and `staticPods` name by `source`, which is relative to the directory of the cluster file
 * (for a profile's, too).
 * @param base that directory
 * @param given static pods' manifests that are not read from disk
 */
export function readContents(
  spec: Tree,
  base: string,
  given: GivenSources = new Map(),
): SpecContents & { readonly faults: readonly Fault[] } {
  const faults: Fault[] = [];
  const attempt = <T>(tree: Tree, read: () => T | undefined): T[] => {
    try {
      const value = read();
      return value === undefined ? [] : [value];
    } catch (error) {
      if (!(error instanceof BootstrapError)) throw error;
      faults.push(errorAt(tree, error.message));
      return [];
    }
  };
  const patches = asList(at(spec, ['patches'])).flatMap((patch) =>
    attempt(patch, () => {
      const content = only(patch, 'patch', faults);
      if (!content) return undefined;
      const type: 'merge' | 'json' = asText(at(patch, ['type'])) === 'json' ? 'json' : 'merge';
      const sourceText = asText(at(patch, ['source']));
      const tree = sourceText === undefined ? content : readPatch(resolve(base, sourceText), sourceText, faults);
      if (!tree) return undefined;
      if ((type === 'json') !== (tree.kind === 'list')) {
        faults.push(
          errorAt(
            content,
            type === 'json' ? 'a JSON patch is a list of operations' : 'a merge patch is a map',
            'see "type"',
          ),
        );
        return undefined;
      }
      return {
        target: asText(at(patch, ['target'])) as PatchTarget,
        type,
        patch: toJson(tree),
        nodes: nodesOf(patch),
        at: content,
      };
    }),
  );
  const files = asList(at(spec, ['files'])).flatMap((file) =>
    attempt(file, () => {
      const content = only(file, 'content', faults);
      if (!content) return undefined;
      const sourceText = asText(at(file, ['source']));
      const bytes =
        sourceText === undefined
          ? Buffer.from(asText(content) ?? '')
          : readBytes(resolve(base, sourceText), sourceText, MAX_FILE_BYTES);
      const sensitive = isSensitiveFile(file) || bytes.includes('PRIVATE KEY');
      return {
        path: asText(at(file, ['path'])) ?? '',
        content: bytes,
        mode: Number.parseInt(asText(at(file, ['mode'])) ?? (sensitive ? '0600' : '0644'), 8),
        owner: asText(at(file, ['owner'])) ?? 'root:root',
        sensitive,
        nodes: nodesOf(file),
        at: file,
      };
    }),
  );
  const staticPods = asList(at(spec, ['staticPods'])).flatMap((entry) =>
    attempt(entry, () => {
      const content = only(entry, 'manifest', faults);
      if (!content) return undefined;
      const sourceText = asText(at(entry, ['source']));
      return {
        source: {
          from:
            sourceText === undefined
              ? ({ kind: 'manifest', tree: content } as const)
              : ({ kind: 'file', ...(given.get(resolve(base, sourceText)) ?? fromDisk(base, sourceText)) } as const),
          name: at(entry, ['name']),
          via: asText(at(entry, ['via'])) === 'http' ? ('http' as const) : ('file' as const),
          at: entry,
        },
        nodes: nodesOf(entry),
        stopped: stoppedOn(at(entry, ['stopped'])),
      };
    }),
  );
  return { patches, files, staticPods, faults };
}

function fromDisk(base: string, source: string): { readonly file: string; readonly text: string } {
  return { file: source, text: readTextFile(resolve(base, source), source) };
}

function nodesOf(tree: Tree): readonly string[] | undefined {
  const nodes = at(tree, ['nodes']);
  return nodes && asStrings(nodes);
}

/** All nodes, those that are named, or none. */
function stoppedOn(tree: Tree | undefined): boolean | readonly string[] {
  return tree?.kind === 'list' ? asStrings(tree) : asBoolean(tree);
}

/** The one of `inline` and `source` that is given. */
function only(tree: Tree, inline: string, faults: Fault[]): Tree | undefined {
  const [content, source] = [at(tree, [inline]), at(tree, ['source'])];
  if (content && source) faults.push(errorAt(tree, `holds both "${inline}" and "source"`, 'keep one of them'));
  if (!content && !source) faults.push(errorAt(tree, `"${inline}" or "source" is missing`));
  return content && source ? undefined : (content ?? source);
}

function readPatch(path: string, shown: string, faults: Fault[]): Tree | undefined {
  const read = readYaml({ file: shown, text: readTextFile(path, shown), origin: (place) => ({ kind: 'file', place }) });
  faults.push(...read.faults);
  const [tree, second] = read.documents;
  if (second) faults.push(errorAt(second, 'holds more than one document'));
  else if (!tree && !read.faults.length)
    faults.push(errorAt({ path: '', origin: { kind: 'option', text: shown } }, 'is empty'));
  return second ? undefined : tree;
}

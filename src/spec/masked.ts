import { asList, asText } from './read-tree.ts';
import { at, fromJson, type Json, type MapTree, setAt, type Tree, toJson } from './tree.ts';

/** Whether an entry of `files` holds a secret: it says so, or a private key stands in it. */
export function isSensitiveFile(file: Tree): boolean {
  const declared = at(file, ['sensitive']);
  return (
    (declared?.kind === 'scalar' && declared.value === true) || /PRIVATE KEY/.test(asText(at(file, ['content'])) ?? '')
  );
}

/** A spec as plain data, with the content of sensitive files left out. */
export function masked(spec: MapTree): Json {
  return toJson(maskFiles(spec));
}

/** The same spec, with `[secret]` for the content of sensitive files. */
export function maskFiles(spec: Tree): Tree {
  return asList(at(spec, ['files'])).reduce<Tree>((out, file, i) => {
    const content = at(file, ['content']);
    if (!content || !isSensitiveFile(file)) return out;
    return setAt(out, ['files', i, 'content'], fromJson('[secret]', content.path, content.origin));
  }, spec);
}

import { Document, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml';
import { CLUSTER_SCHEMA, type SchemaNode, schemaChild } from '../schema.ts';
import { childPath, type MapTree, type Tree } from '../tree.ts';

/** Comments of the file: its head, and lines above fields by their paths. */
export interface FileComments {
  readonly head: readonly string[];
  readonly above: ReadonlyMap<string, string>;
}

/**
 * The text of a cluster file. Fields stand in the order of the schema. A text is written plain only where every YAML
 * parser takes it for a text, otherwise in double quotes.
 */
export function clusterFileText(tree: MapTree, { head, above }: FileComments): string {
  const document = new Document();
  document.contents = toNode(tree, CLUSTER_SCHEMA as SchemaNode, '', above);
  document.commentBefore = head.map(commentLine).join('\n');
  const text = document.toString({ lineWidth: 0, doubleQuotedAsJSON: true, flowCollectionPadding: false });
  return text.replace(NOT_PRINTABLE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** What YAML 1.2 (section 5.1) or some parser of it does not take as it is. It can only stand in a quoted text. */
const NOT_PRINTABLE = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;

type YamlNode = Scalar | YAMLMap<Scalar, YamlNode> | YAMLSeq<YamlNode>;

function toNode(tree: Tree, schema: SchemaNode | undefined, path: string, above: FileComments['above']): YamlNode {
  switch (tree.kind) {
    case 'scalar':
      return scalar(tree.value);
    case 'list': {
      const list = new YAMLSeq<YamlNode>();
      list.items = tree.items.map((item, i) =>
        toNode(item, schema && schemaChild(schema, i), childPath(path, i), above),
      );
      list.flow = isShort(tree.items);
      return list;
    }
    case 'map': {
      const map = new YAMLMap<Scalar, YamlNode>();
      map.items = inOrder(tree, schema).map(([key, value]) => {
        const below = childPath(path, key);
        const name = scalar(key);
        const comment = above.get(below);
        if (comment !== undefined) name.commentBefore = commentLine(comment);
        return new Pair(name, toNode(value, schema && schemaChild(schema, key), below, above));
      });
      return map;
    }
  }
}

/** Fields that the schema names come first, in its order; keys of the user's keep theirs. */
function inOrder(tree: MapTree, schema: SchemaNode | undefined): readonly (readonly [string, Tree])[] {
  const rank = new Map(Object.keys(schema?.properties ?? {}).map((key, i) => [key, i]));
  const place = ([key]: readonly [string, Tree]) => rank.get(key) ?? rank.size;
  return [...tree.entries].sort((a, b) => place(a) - place(b));
}

function isShort(items: readonly Tree[]): boolean {
  const texts = items.flatMap((item) => (item.kind === 'scalar' ? [item.source] : []));
  return texts.length === items.length && texts.join(', ').length <= 80;
}

/** Words that some YAML parser reads as a boolean or as null. */
const RESERVED = /^(true|false|yes|no|on|off|y|n|null|nan|inf)$/i;
const SAFE = /^[A-Za-z/][A-Za-z0-9_./@+-]*(:(\/\/)?[A-Za-z0-9_./@+-]+)*$/;
const ADDRESS = /^\d{1,3}(\.\d{1,3}){3}(\/\d{1,2})?$/;
const QUANTITY = /^\d+([hms]|[KMGT]i)([0-9]+[ms]){0,2}$/;

function scalar(value: string | number | boolean | null): Scalar {
  const node = new Scalar(value);
  if (typeof value === 'string') {
    const plain = !RESERVED.test(value) && (SAFE.test(value) || ADDRESS.test(value) || QUANTITY.test(value));
    node.type = plain ? Scalar.PLAIN : Scalar.QUOTE_DOUBLE;
  }
  return node;
}

/** One line of a comment: nothing in it can end the line. */
function commentLine(text: string): string {
  return ` ${text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')}`;
}

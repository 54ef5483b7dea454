import { Document, isScalar, type Node, type ScalarTag, type Tags, visit } from 'yaml';
import { stringifyString } from 'yaml/util';
import { emitYaml, flowValue } from '../../base/yaml-emit.ts';
import type { Json } from '../../spec/tree.ts';

/** What cloud-init knows a cloud-config by (cloudinit/handlers/__init__.py, INCLUSION_TYPES_MAP). */
export const CLOUD_CONFIG = '#cloud-config';

type Scalar = string | number | boolean | null;

/**
 * What YAML 1.1 takes for a line break (CR, NEL, LS, PS) or PyYAML's reader refuses or drops: a block literal with it in
 * would not come back as it was.
 */
const NOT_LITERAL = /[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/u;

/** Writes each scalar so that YAML 1.1 and 1.2 read the same; the library knows PyYAML's idea of 1.1 only roughly. */
const SCALAR: ScalarTag = {
  tag: 'tag:yaml.org,2002:str',
  default: true,
  identify: (value) => value === null || typeof value !== 'object',
  resolve: (text) => text,
  stringify(item, ctx, onComment, onChompKeep) {
    const value = item.value as Scalar;
    if (ctx.inFlow) return flowValue(value);
    if (typeof value === 'string' && !ctx.implicitKey && isLiteral(value))
      return stringifyString({ ...item, value, type: 'BLOCK_LITERAL' }, ctx, onComment, onChompKeep);
    return emitYaml(value).trimEnd();
  },
};

/**
 * A cloud-config that PyYAML, which is what cloud-init reads it with, gives back as exactly this data, keys in this order.
 * Texts of several lines stand there as they are wherever that is exact, commands on one line.
 * @param data half a surrogate pair becomes U+FFFD
 * @throws RangeError for a number that is not finite
 */
export function cloudConfigText(data: Readonly<Record<string, Json>>): string {
  const document = new Document<Node, true>(data, {
    version: '1.1',
    schema: 'failsafe',
    customTags: (tags: Tags) => [SCALAR, ...tags],
    aliasDuplicateObjects: false,
  });
  visit(document, {
    Seq(_, list, path) {
      const isCommand = path.length > 2 && list.items.every((item) => isScalar(item) && !isLiteral(String(item.value)));
      if (isCommand) list.flow = true;
    },
  });
  return `${CLOUD_CONFIG}\n${document.toString({ lineWidth: 0, flowCollectionPadding: false })}`;
}

/** Where a text of lines begins or ends with white space of a line, parsers differ. */
function isLiteral(text: string): boolean {
  return text.includes('\n') && !/^\s|\n[\t ]+$/.test(text) && !NOT_LITERAL.test(text);
}

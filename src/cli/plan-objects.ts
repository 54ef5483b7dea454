import type { ObjectChange } from '../rollout/plan.ts';
import type { Io } from './io.ts';
import { printable } from './printable.ts';

/** API objects that would be made or changed, each with its fields; nothing where there are none. */
export function objectLines(objects: readonly ObjectChange[], color: Io['color']): readonly string[] {
  if (!objects.length) return [];
  return [
    'objects',
    ...objects.map(({ kind, object, fields }) => {
      const mark = kind === 'create' ? color.green('+') : color.yellow('~');
      return `  ${mark} ${printable(object)}${kind === 'change' && fields.length ? `: ${printable(fields.join(', '))}` : ''}`;
    }),
  ];
}

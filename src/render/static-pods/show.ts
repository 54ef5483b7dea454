import type { Tree } from '../../spec/tree.ts';

/** A value as messages quote it. */
export function show(value: Tree | undefined): string {
  if (!value || (value.kind === 'scalar' && value.value === null)) return 'empty';
  if (value.kind === 'map') return 'a map';
  if (value.kind === 'list') return 'a list';
  return shorten(typeof value.value === 'string' ? JSON.stringify(value.value) : value.source);
}

export function quote(text: string): string {
  return shorten(JSON.stringify(text));
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

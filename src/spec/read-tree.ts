import { type Json, type Tree, toJson } from './tree.ts';

/** Typed reading of trees that the schema has accepted; a value that is absent gives undefined or an empty one. */

export function asText(tree: Tree | undefined): string | undefined {
  return tree?.kind === 'scalar' && typeof tree.value === 'string' ? tree.value : undefined;
}

export function asNumber(tree: Tree | undefined): number | undefined {
  return tree?.kind === 'scalar' && typeof tree.value === 'number' ? tree.value : undefined;
}

export function asBoolean(tree: Tree | undefined): boolean {
  return tree?.kind === 'scalar' && tree.value === true;
}

export function asList(tree: Tree | undefined): readonly Tree[] {
  return tree?.kind === 'list' ? tree.items : [];
}

export function asStrings(tree: Tree | undefined): readonly string[] {
  return asList(tree).flatMap((item) => asText(item) ?? []);
}

export function asObject(tree: Tree | undefined): { readonly [key: string]: Json } {
  return tree?.kind === 'map' ? (toJson(tree) as { readonly [key: string]: Json }) : {};
}

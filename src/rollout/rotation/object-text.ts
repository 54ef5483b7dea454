import { below, type JsonMap } from '../../render/json.ts';
import type { Json } from '../../spec/tree.ts';

/** The text at a place of an object that others wrote; '' where there is none. */
export function textAt(object: Json | undefined, ...keys: readonly (string | number)[]): string {
  const value = below(object, ...keys);
  return typeof value === 'string' ? value : '';
}

/** What stands there in base64, as caBundle and the data of Secrets do. */
export function decodedAt(object: Json | undefined, ...keys: readonly (string | number)[]): string {
  return Buffer.from(textAt(object, ...keys), 'base64').toString('utf8');
}

export function nameOf(object: JsonMap): string {
  return textAt(object, 'metadata', 'name');
}

/** `default/kube-root-ca.crt`; the name alone for what is in no namespace. */
export function fullName(object: JsonMap): string {
  const namespace = textAt(object, 'metadata', 'namespace');
  return namespace ? `${namespace}/${nameOf(object)}` : nameOf(object);
}

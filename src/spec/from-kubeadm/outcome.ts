import type { Fault, Located } from '../../base/fault.ts';
import type { MapTree, Tree } from '../tree.ts';
import { childPath } from '../tree.ts';

/** A field of the kubeadm configuration that the cluster file holds as well. */
export interface Carried {
  readonly at: Located;
  /** Where it stands in the cluster file; undefined where the value asks for what bootstrap does anyway. */
  readonly to: string | undefined;
}

/** A field of the kubeadm configuration that the cluster file does not hold. */
export interface NotCarried {
  readonly at: Located;
  readonly why: string;
}

/** What became of every field, filled while the documents are gone through. */
export interface Outcome {
  readonly carried: Carried[];
  readonly notCarried: NotCarried[];
  readonly faults: Fault[];
}

/** Path and origin alone: what is reported must not hold the value, which may be a token or a key. */
export function placeOf({ path, origin }: Located): Located {
  return { path, origin };
}

/** The place of a field: its key where that is known, which for lists and maps is not where the value begins. */
export function placeOfField(map: MapTree, key: string, value: Tree): Located {
  return { path: childPath(map.path, key), origin: map.keys?.get(key) ?? value.origin };
}

import type { Json } from '../../spec/tree.ts';
import { isList, isMap, type JsonMap, sameJson, withEntries } from '../json.ts';

/** An operation that cannot be carried out; `operation` counts from 1. */
export class JsonPatchError extends Error {
  readonly operation: number;

  constructor(operation: number, problem: string) {
    super(problem);
    this.operation = operation;
  }
}

type Pointer = readonly string[];

/** What goes wrong below; it becomes a JsonPatchError once it is known in which operation. */
class Problem extends Error {}

const OPERATIONS = ['add', 'remove', 'replace', 'move', 'copy', 'test'] as const;

/**
 * Carries out a JSON patch (RFC 6902) on `document`, which stays as it is.
 * @throws JsonPatchError for the first operation that cannot be carried out
 */
export function jsonPatch(document: Json, patch: Json): Json {
  if (!isList(patch)) throw new JsonPatchError(1, 'a JSON patch is a list of operations');
  return patch.reduce<Json>((data, operation, i) => {
    try {
      return apply(data, operation);
    } catch (error) {
      if (error instanceof Problem) throw new JsonPatchError(i + 1, error.message);
      throw error;
    }
  }, document);
}

function apply(data: Json, operation: Json): Json {
  if (!isMap(operation)) throw new Problem('an operation is a map with "op" and "path"');
  const op = operation['op'];
  const path = parsePointer(operation, 'path');
  switch (op) {
    case 'add':
      return add(data, path, operand(operation));
    case 'remove':
      return remove(data, path);
    case 'replace':
      read(data, path);
      return path.length === 0 ? operand(operation) : replace(data, path, operand(operation));
    case 'move': {
      const from = parsePointer(operation, 'from');
      if (from.length < path.length && from.every((step, i) => step === path[i]))
        throw new Problem('"from" cannot be moved into itself');
      return add(remove(data, from), path, read(data, from));
    }
    case 'copy':
      return add(data, path, read(data, parsePointer(operation, 'from')));
    case 'test':
      if (!sameJson(read(data, path), operand(operation)))
        throw new Problem(`the value at ${show(path)} is another one`);
      return data;
    default:
      throw new Problem(
        `${JSON.stringify(op ?? null)} is not an operation; the operations are ${OPERATIONS.join(', ')}`,
      );
  }
}

function operand(operation: JsonMap): Json {
  const value = operation['value'];
  if (value === undefined) throw new Problem('"value" is missing');
  return value;
}

/** RFC 6901: `/a~1b/0` → `a/b`, `0`. */
function parsePointer(operation: JsonMap, key: 'path' | 'from'): Pointer {
  const text = operation[key];
  if (typeof text !== 'string') throw new Problem(`"${key}" is missing`);
  if (text === '') return [];
  if (!text.startsWith('/')) throw new Problem(`"${key}" must begin with "/"`);
  if (/~(?![01])/.test(text)) throw new Problem(`"${key}" holds a "~" that is neither "~0" nor "~1"`);
  return text
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function show(path: Pointer): string {
  return path.length ? path.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('') : 'the root';
}

function read(data: Json, path: Pointer): Json {
  let found = data;
  for (const [i, step] of path.entries()) {
    const next = isList(found)
      ? found[index(found, step, path.slice(0, i + 1))]
      : isMap(found) && Object.hasOwn(found, step)
        ? found[step]
        : undefined;
    if (next === undefined) throw new Problem(`there is nothing at ${show(path.slice(0, i + 1))}`);
    found = next;
  }
  return found;
}

/** An index into a list, at most one past its end; `-` is the end. */
function index(list: readonly Json[], step: string, path: Pointer): number {
  if (step === '-') return list.length;
  if (!/^(?:0|[1-9]\d*)$/.test(step))
    throw new Problem(`${JSON.stringify(step)} in ${show(path)} is not an index into a list`);
  const i = Number(step);
  if (i > list.length) throw new Problem(`there is nothing at ${show(path)}: the list has ${list.length} items`);
  return i;
}

type Change = (parent: readonly Json[] | JsonMap, step: string) => Json;

/** The document with `change` done to the parent of what `path` names. */
function changeAt(data: Json, path: Pointer, change: Change, done: Pointer = []): Json {
  const [step = '', ...rest] = path;
  if (!isList(data) && !isMap(data)) throw new Problem(`${show(done)} is neither a map nor a list`);
  if (rest.length === 0) return change(data, step);
  const here = [...done, step];
  const inner = changeAt(read(data, [step]), rest, change, here);
  return isList(data) ? data.with(index(data, step, here), inner) : withEntries(data, { [step]: inner });
}

function add(data: Json, path: Pointer, value: Json): Json {
  if (path.length === 0) return value;
  return changeAt(data, path, (parent, step) =>
    isList(parent) ? parent.toSpliced(index(parent, step, path), 0, value) : withEntries(parent, { [step]: value }),
  );
}

function remove(data: Json, path: Pointer): Json {
  if (path.length === 0) throw new Problem('the whole document cannot be removed');
  read(data, path);
  return changeAt(data, path, (parent, step) =>
    isList(parent) ? parent.toSpliced(index(parent, step, path), 1) : withEntries(parent, { [step]: undefined }),
  );
}

function replace(data: Json, path: Pointer, value: Json): Json {
  return changeAt(data, path, (parent, step) =>
    isList(parent) ? parent.with(index(parent, step, path), value) : withEntries(parent, { [step]: value }),
  );
}

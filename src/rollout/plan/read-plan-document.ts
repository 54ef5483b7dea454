import { BootstrapError } from '../../base/errors.ts';
import {
  type DocumentFile,
  type DocumentNode,
  type DocumentObject,
  type DocumentState,
  PLAN_FORMAT,
  type PlanDocument,
} from './plan-document.ts';

/**
 * Reads a plan file.
 * @param shown what messages call it
 * @throws BootstrapError `usage` saying what in it is not as `plan --out` writes it
 */
export function readPlanDocument(text: string, shown = 'the plan file'): PlanDocument {
  const again = 'make it again with `bootstrap plan --out`';
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    throw new BootstrapError('usage', `${shown}: is not JSON, so no plan`, { hint: again });
  }
  try {
    const plan = new Value(data, '');
    if (plan.get('kind').value !== 'Plan') throw new Unfit('', 'is not a plan of bootstrap');
    const format = plan.get('format').value;
    if (format !== PLAN_FORMAT) {
      throw new Unfit(
        'format',
        `${JSON.stringify(format)} is of another version of bootstrap; this one reads ${PLAN_FORMAT}`,
      );
    }
    return {
      at: plan.get('at').text(),
      by: plan.get('by').text(),
      clusterDigest: plan.get('clusterDigest').text(),
      cluster: plan.get('cluster').text(),
      mode: plan.get('mode').text(),
      nodes: plan.get('nodes').list(nodeFrom),
      objects: plan.get('objects').orNone((value) => value.list(objectFrom)),
    };
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
    throw new BootstrapError('usage', `${shown}: ${error.path ? `${error.path}: ` : ''}${error.message}`, {
      hint: again,
    });
  }
}

const nodeFrom = (value: Value): DocumentNode => ({
  node: value.get('node').text(),
  digest: value.get('digest').text(),
  observed: value.get('observed').text(),
  revision: value.get('revision').orNone((revision) => revision.number()),
  unfinished: value.get('unfinished').orNone((unfinished) => unfinished.get('revision').number()),
  files: value.get('files').list(fileFrom),
  strays: value.get('strays').list((stray) => stray.text()),
});

const fileFrom = (value: Value): DocumentFile => ({
  kind: value.get('kind').text(),
  path: value.get('path').text(),
  before: value.get('before').orNone(stateFrom),
  after: value.get('after').orNone(stateFrom),
});

const stateFrom = (value: Value): DocumentState => ({
  sha256: value.get('sha256').text(),
  mode: value.get('mode').text(),
  owner: value.get('owner').text(),
});

const objectFrom = (value: Value): DocumentObject => ({
  kind: value.get('kind').text(),
  object: value.get('object').text(),
  fields: value.get('fields').list((field) => field.text()),
});

class Unfit extends Error {
  readonly path: string;
  constructor(path: string, message: string) {
    super(message);
    this.path = path;
  }
}

/** A value of the file and its path there. Nothing but this validates it: ajv would take longer to load than to write. */
class Value {
  readonly value: unknown;
  readonly path: string;
  constructor(value: unknown, path: string) {
    this.value = value;
    this.path = path;
  }

  get(key: string): Value {
    const { value, path } = this;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw this.#not('a map');
    const found = Object.hasOwn(value, key) ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
    const below = path ? `${path}.${key}` : key;
    if (found === undefined) throw new Unfit(below, 'is missing');
    return new Value(found, below);
  }

  text(): string {
    if (typeof this.value !== 'string') throw this.#not('a text');
    return this.value;
  }

  number(): number {
    if (typeof this.value !== 'number') throw this.#not('a number');
    return this.value;
  }

  list<T>(read: (value: Value) => T): readonly T[] {
    if (!Array.isArray(this.value)) throw this.#not('a list');
    return this.value.map((value, i) => read(new Value(value, `${this.path}[${i}]`)));
  }

  orNone<T>(read: (value: Value) => T): T | undefined {
    return this.value === null ? undefined : read(this);
  }

  #not(what: string): Unfit {
    return new Unfit(this.path, `is not ${what}`);
  }
}

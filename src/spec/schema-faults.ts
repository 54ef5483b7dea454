import { errorAt, type Fault, type Located } from '../base/fault.ts';
import { didYouMean } from '../base/suggest.ts';
import { FORMATS } from './formats.ts';
import { fieldPaths, formattedScalars, type SchemaNode, schemaAt } from './schema.ts';
import { at, locate, type Segment, type Tree } from './tree.ts';

/** An error of ajv, as the standalone validators leave it behind. */
export interface SchemaError {
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Fields of kubeadm's that have another name or place here. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map(
  Object.entries({
    clusterName: 'metadata.name',
    encryptionAlgorithm: 'spec.pki.algorithm',
    certificateValidityPeriod: 'spec.pki.certValidity',
    caCertificateValidityPeriod: 'spec.pki.caValidity',
    localAPIEndpoint: 'spec.nodes[].addresses and spec.apiServer.bindPort',
    nodeRegistration: 'spec.nodes[]',
    kubeletExtraArgs: 'spec.kubelet.extraArgs',
  }),
);

/** Turns ajv's errors into placed faults for the user; `schema` is that of `tree`. */
export function schemaFaults(errors: readonly SchemaError[], tree: Tree, schema: SchemaNode): readonly Fault[] {
  return errors.map((error) => schemaFault(error, tree, schema));
}

/** Checks every value whose schema names a format; `node` is the schema of `tree`. */
export function formatFaults(tree: Tree, node: SchemaNode): readonly Fault[] {
  const faults: Fault[] = [];
  for (const { tree: scalar, format } of formattedScalars(tree, node)) {
    if (typeof scalar.value === 'boolean') continue;
    const wrong = FORMATS[format]?.(scalar.source);
    if (wrong) faults.push(errorAt(scalar, wrong));
  }
  return faults;
}

function schemaFault(error: SchemaError, tree: Tree, schema: SchemaNode): Fault {
  const segments = segmentsOf(error.instancePath, tree);
  const where = locate(tree, segments);
  const value = at(tree, segments);
  switch (error.keyword) {
    case 'additionalProperties':
      return unknownField(error, tree, segments, value, schema);
    case 'required':
      return errorAt(where, `${JSON.stringify(error.params['missingProperty'])} is missing`);
    case 'type':
      return wrongType(where, error.params['type'], value);
    case 'enum': {
      const allowed = (error.params['allowedValues'] as readonly unknown[]).map(String);
      const text = value?.kind === 'scalar' ? value.source : '';
      return errorAt(
        where,
        `${show(value)} is not one of ${allowed.map((v) => v || '""').join(', ')}`,
        didYouMean(text, allowed),
      );
    }
    case 'const':
      return errorAt(where, `must be ${JSON.stringify(error.params['allowedValue'])}, not ${show(value)}`);
    case 'minItems':
      return errorAt(where, 'must not be empty');
    case 'minLength':
      return errorAt(where, 'must not be empty');
    case 'maxItems': {
      const most = error.params['limit'];
      return errorAt(
        where,
        most === 0
          ? 'is not supported by this version of bootstrap; leave it empty'
          : `holds more than ${most} entries`,
      );
    }
    case 'minimum':
    case 'maximum':
      return errorAt(where, `${show(value)} is not ${error.params['comparison']} ${error.params['limit']}`);
    default:
      return errorAt(where, `does not fit the schema (${error.keyword})`);
  }
}

function unknownField(
  error: SchemaError,
  tree: Tree,
  segments: readonly Segment[],
  value: Tree | undefined,
  schema: SchemaNode,
): Fault {
  const name = String(error.params['additionalProperty']);
  const keyOrigin = value?.kind === 'map' ? value.keys?.get(name) : undefined;
  const where = locate(tree, [...segments, name]);
  const known = Object.keys(schemaAt(schema, segments)?.properties ?? {});
  const others = ELSEWHERE.get(name) ?? fieldPaths(name).join(' or ');
  const hint =
    didYouMean(name, known) ??
    (others ? `it belongs at ${others}` : known.length ? `known here: ${known.join(', ')}` : undefined);
  return errorAt({ path: where.path, origin: keyOrigin ?? where.origin }, 'unknown field', hint);
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  object: 'a map',
  array: 'a list',
  string: 'a text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  null: 'null',
};

function wrongType(where: Located, wanted: unknown, value: Tree | undefined): Fault {
  const types = (Array.isArray(wanted) ? wanted : [wanted]).map((t) => TYPE_WORDS[String(t)] ?? String(t));
  const message = `must be ${types.join(' or ')}, not ${show(value)}`;
  if (/\.extraArgs$/.test(where.path) && value?.kind === 'list') {
    return errorAt(where, message, 'write `name: value` pairs, as in kubeadm v1beta3');
  }
  const scalar = value?.kind === 'scalar' && types.length === 1 && types[0] === 'a text' && value.value !== null;
  return errorAt(where, message, scalar ? `write it in quotes: ${JSON.stringify(value.source)}` : undefined);
}

function show(value: Tree | undefined): string {
  if (!value || (value.kind === 'scalar' && value.value === null)) return 'empty';
  if (value.kind === 'map') return 'a map';
  if (value.kind === 'list') return 'a list';
  const text = typeof value.value === 'string' ? JSON.stringify(value.value) : value.source;
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** The segments of ajv's JSON pointer; whether `0` is an index or a key is told by the tree. */
function segmentsOf(instancePath: string, tree: Tree): readonly Segment[] {
  const out: Segment[] = [];
  let here: Tree | undefined = tree;
  for (const raw of instancePath.split('/').slice(1)) {
    const name = raw.replace(/~1/g, '/').replace(/~0/g, '~');
    const segment: Segment = here?.kind === 'list' ? Number(name) : name;
    out.push(segment);
    here = at(here, [segment]);
  }
  return out;
}

import { isDeepStrictEqual } from 'node:util';
import { BootstrapError } from '../../base/errors.ts';
import { errorAt, type Place } from '../../base/fault.ts';
import { readYaml } from '../read-yaml.ts';
import { type Json, toJson } from '../tree.ts';
import { CannotEdit } from './cannot-edit.ts';
import { appendItem, deleteField, deleteItem, setField } from './edit-yaml.ts';

/** A cluster file as it is on disk: with its byte-order mark and its line ends. */
export interface ClusterFileText {
  /** Its name in messages. */
  readonly shown: string;
  readonly text: string;
}

/** An entry of `spec.staticPods` that is to be written. */
export interface NewEntry {
  readonly source: string;
  readonly name?: string;
  readonly nodes?: readonly string[];
  readonly via?: 'http';
}

/** Fields of an entry and what they shall be; undefined takes the field away. */
export interface EntryFields {
  readonly nodes?: readonly string[] | undefined;
  readonly stopped?: true | readonly string[] | undefined;
}

type JsonObject = Readonly<Record<string, Json>>;
type Entries = readonly JsonObject[];

const LIST = 'staticPods';

/**
 * The cluster file with one more entry, at the end of `spec.staticPods`. Every byte that this does not need to touch stays.
 * @throws BootstrapError `cluster-file` where it is written in a way that this cannot change (aliases)
 */
export function withEntry(file: ClusterFileText, entry: NewEntry): string {
  const item = { ...entry } as Json;
  return edited(
    file,
    () => appendItem(file.text, ['spec'], LIST, item),
    (entries) => [...entries, item as JsonObject],
  );
}

/** The same without the entry of that index; `staticPods` goes with its last one. */
export function withoutEntry(file: ClusterFileText, index: number): string {
  return edited(
    file,
    () => deleteItem(file.text, ['spec'], LIST, index),
    (entries) => entries.filter((_, i) => i !== index),
  );
}

/** The same with other values in some fields of the entry. */
export function withFields(file: ClusterFileText, index: number, fields: EntryFields): string {
  const path = ['spec', LIST, index];
  const write = () =>
    Object.entries(fields).reduce(
      (text, [key, value]) =>
        value === undefined ? deleteField(text, path, key) : setField(text, path, key, value as Json),
      file.text,
    );
  return edited(file, write, (entries) =>
    entries.map((entry, i) => (i === index ? defined({ ...entry, ...(fields as JsonObject) }) : entry)),
  );
}

/** The text of the cluster file as all readers of it take it. */
export function asRead(text: string): string {
  return text.replace(/^\ufeff/, '').replace(/\r\n/g, '\n');
}

/** Writes, and looks whether the new text means just what was wanted: nothing else may have moved. */
function edited(file: ClusterFileText, write: () => string, wanted: (entries: Entries) => Entries): string {
  let offset: number | undefined;
  let why = 'it is written in a way that this program cannot change safely';
  try {
    const text = write();
    const [before, after] = [meaning(file.text), meaning(text)];
    if (before && after && isDeepStrictEqual(after, withEntries(before, wanted))) return text;
  } catch (error) {
    if (!(error instanceof CannotEdit)) throw error;
    ({ offset } = error);
    why = error.message;
  }
  const place = placeOf(file, offset);
  throw new BootstrapError('cluster-file', `${file.shown} cannot be changed by itself here`, {
    faults: [errorAt({ path: `spec.${LIST}`, origin: { kind: 'file', place } }, why)],
    hint: 'change it in an editor, then run `bootstrap apply`',
  });
}

function meaning(text: string): JsonObject | undefined {
  const { documents, faults } = readYaml({
    file: '',
    text: asRead(text),
    origin: (place) => ({ kind: 'file', place }),
  });
  const [document] = documents;
  // through JSON, so that no prototype makes a difference
  return faults.length || !document ? undefined : (JSON.parse(JSON.stringify(toJson(document))) as JsonObject);
}

function withEntries(document: JsonObject, wanted: (entries: Entries) => Entries): JsonObject {
  const { [LIST]: present, ...spec } = document['spec'] as JsonObject;
  const entries = wanted((present ?? []) as unknown as Entries);
  return JSON.parse(
    JSON.stringify({ ...document, spec: entries.length ? { ...spec, [LIST]: entries } : spec }),
  ) as JsonObject;
}

function defined(entry: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined));
}

function placeOf({ shown, text }: ClusterFileText, offset = 0): Place {
  const before = text.slice(0, offset).split('\n');
  return { file: shown, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

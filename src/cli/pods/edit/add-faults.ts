import { BootstrapError } from '../../../base/errors.ts';
import type { Fault, Located } from '../../../base/fault.ts';
import { count } from '../../format.ts';
import type { CurrentFile } from './current-file.ts';
import type { Manifest } from './manifest.ts';
import type { PodsAddOptions } from './options.ts';

interface Added {
  readonly manifest: Manifest;
  readonly current: CurrentFile;
  /** Index of the entry that is written or changed. */
  readonly entry: number;
  readonly options: PodsAddOptions;
  readonly rename: string | undefined;
}

/**
 * What is wrong with the cluster file once something has been added, told of what the user has given: the manifest and the
 * options, not of lines that nobody has written yet.
 */
export function addFaults(error: unknown, added: Added): unknown {
  if (!(error instanceof BootstrapError) || !error.faults.length) return error;
  const { manifest, current } = added;
  const faults = error.faults
    .map((fault) => told(fault, added))
    // warnings about the rest of the cluster file are no news, and their lines have moved
    .filter(({ severity, at }) => severity === 'error' || !isIn(at, current.shown));
  const errors = faults.filter(({ severity }) => severity === 'error').length;
  return new BootstrapError('cluster-file', `${manifest.shown} is not added: ${count(errors, 'error')}`, {
    faults,
    cause: error,
  });
}

function told(fault: Fault, { current, entry, options, rename }: Added): Fault {
  const path = `spec.staticPods[${entry}]`;
  if (!fault.at || !isIn(fault.at, current.shown) || !fault.at.path.startsWith(path)) return fault;
  const field = /^\.([a-z]+)/i.exec(fault.at.path.slice(path.length))?.[1];
  const given: Readonly<Record<string, string>> = {
    via: `--via ${options.via}`,
    name: `--name ${rename}`,
    nodes: `--node ${options.node?.join(' --node ')}`,
  };
  const text = (field === undefined ? undefined : given[field]) ?? 'the new entry';
  return { ...fault, at: { path: '', origin: { kind: 'option', text } } };
}

function isIn(at: Located | undefined, file: string): boolean {
  return at !== undefined && 'place' in at.origin && at.origin.place.file === file;
}

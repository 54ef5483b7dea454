import { dirname } from 'node:path/posix';
import type { BundleDirectory, BundleFile } from '../../bundle/bundle.ts';
import { inPlacingOrder, revisionIndex } from '../../bundle/revision-index.ts';
import { BY, type Machine } from './machine.ts';

/** Where a machine keeps what was put in place, and the first of it (templates/node/node.sh). */
const STATE = '/var/lib/bootstrap';
const FIRST = `${STATE}/revisions/1`;

/** One file of a machine's records; all of them belong to root. */
export interface RecordFile {
  readonly path: string;
  readonly content: Buffer;
  readonly mode: number;
}

/**
 * What makes a machine that got the files of its bundle known to plan, apply and rollback as one with revision 1: the same
 * as templates/user-data/install.sh leaves, but for the time, which nobody knows here. Last come the two files that name
 * the revision.
 */
export function revisionFiles(machine: Machine): readonly RecordFile[] {
  return [...inPlacingOrder(machine.bundle.files).map(copyOf), ...revisionRecords(machine)];
}

/** The revision's copy of a file. */
export function copyOf({ path, content }: BundleFile): RecordFile {
  return { path: `${FIRST}/files${path}`, content, mode: 0o600 };
}

/** Everything of `revisionFiles` but the copies. */
export function revisionRecords({ bundle, digest }: Machine): readonly RecordFile[] {
  const record = (path: string, text: string): RecordFile => ({ path, content: Buffer.from(text), mode: 0o600 });
  return [
    record(`${FIRST}/index`, revisionIndex(bundle)),
    record(`${FIRST}/meta`, `${digest}\t-\t${BY}\n`),
    record(`${STATE}/last-known-good`, '1\n'),
    record(`${STATE}/current`, '1\n'),
  ];
}

/** The directories of `revisionFiles`, parents first; nobody but root may look into them. */
export function revisionDirectories(machine: Machine): readonly BundleDirectory[] {
  const paths = new Set<string>();
  for (const { path } of revisionFiles(machine)) {
    for (let dir = dirname(path); dir.startsWith(STATE); dir = dirname(dir)) paths.add(dir);
  }
  return [...paths].sort().map((path) => ({ path, mode: 0o700, owner: 'root:root' }));
}

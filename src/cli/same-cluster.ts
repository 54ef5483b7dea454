import { join } from 'node:path';
import { shellQuoted } from '../base/posix-quote.ts';
import type { Workspace } from './workspace.ts';

/** The options with which a command finds this cluster again: ` --dir prod`, or nothing. */
export function sameCluster({ dir, clusterFile, show }: Workspace): string {
  const options = [
    ...(show(dir) === '.' ? [] : ['--dir', shellQuoted(show(dir))]),
    ...(clusterFile === join(dir, 'cluster.yaml') ? [] : ['--file', shellQuoted(show(clusterFile))]),
  ];
  return options.map((word) => ` ${word}`).join('');
}

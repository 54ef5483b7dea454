import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Accepted } from '../../pki/external/accept.ts';
import { day } from '../../pki/fit.ts';
import type { LeafEntry } from '../../pki/inventory.ts';
import { leafName, leafNode } from '../../pki/select.ts';
import type { Json } from '../../spec/tree.ts';
import { sameCluster } from '../same-cluster.ts';
import type { Workspace } from '../workspace.ts';
import { wrap } from '../wrap.ts';
import { certificates, leafLines } from './selection.ts';

export interface ImportRun {
  readonly accepted: Accepted;
  /** Relative to the cluster directory. */
  readonly written: readonly string[];
  /** Certificates without which nothing can be rendered, and that CAs kept elsewhere have yet to sign. */
  readonly missing: readonly LeafEntry[];
}

interface Shown {
  readonly space: Workspace;
  readonly dryRun: boolean;
  readonly columns: number;
  /** The first line only. */
  readonly quiet: boolean;
}

/** What `certs import` says at its end. */
export function importedText({ accepted, missing }: ImportRun, { space, dryRun, columns, quiet }: Shown): string {
  const leaves = accepted.leaves.filter(({ isThere }) => !isThere);
  const back = accepted.authorities.filter(({ isThere }) => !isThere);
  const within = sameCluster(space);
  const took = dryRun ? 'would take in' : 'took in';
  const lines: string[] = [];
  if (leaves.length) {
    const ends = [...new Set(leaves.map(({ certificate }) => day(certificate.notAfter)))].sort();
    lines.push(
      `${took} ${certificates(leaves.length)}, valid until ${ends.length > 1 ? `${ends[0]} to ${ends.at(-1)}` : ends[0]}`,
    );
    lines.push(...leafLines(leaves.map(({ entry }) => entry)).flatMap((line) => wrap(line, columns, '  ', 4)));
  }
  for (const { entry } of back) lines.push(`${took} the key of the CA ${entry.name}: pki/${entry.path}.key`);
  if (!lines.length) lines.push('nothing to take in: all of it is in its place already');
  if (quiet) return lines[0] ?? '';
  if (dryRun) return lines.join('\n');
  if (missing.length) {
    return [
      ...lines,
      ...wrap(
        `${certificates(missing.length)} that a CA kept elsewhere must sign still missing or of no use; \`bootstrap certs csr${within}\` writes requests:`,
        columns,
      ),
      ...leafLines(missing).flatMap((line) => wrap(line, columns, '  ', 4)),
    ].join('\n');
  }
  const next = existsSync(join(space.dir, 'nodes'))
    ? [`  bootstrap apply${within}    brings them to the nodes`]
    : [`  bootstrap init${within}    makes all the rest`];
  return [...lines, '', 'Next', ...next].join('\n');
}

/** The same for `-o json`. */
export function importedData({ accepted, written, missing }: ImportRun): { readonly [key: string]: Json } {
  return {
    certificates: accepted.leaves.map(({ entry, file, certificate, pendingKey, isThere }) => ({
      name: leafName(entry),
      node: leafNode(entry) ?? null,
      path: `pki/${entry.path}.crt`,
      file,
      key: pendingKey ? 'new' : 'kept',
      notAfter: new Date(certificate.notAfter).toISOString(),
      wasThere: isThere,
    })),
    authorities: accepted.authorities.map(({ entry, isThere }) => ({
      name: entry.name,
      path: `pki/${entry.path}.key`,
      wasThere: isThere,
    })),
    written,
    missing: missing.map(({ path }) => `pki/${path}.crt`),
    notes: accepted.notes,
  };
}

import { join } from 'node:path';
import { shellQuoted } from '../../base/posix-quote.ts';
import { type Certificate, subjectText } from '../../pki/certificate.ts';
import type { LeafRequest, Requests } from '../../pki/external/requests.ts';
import type { Inventory } from '../../pki/inventory.ts';
import { leafName, leafNode } from '../../pki/select.ts';
import type { Json } from '../../spec/tree.ts';
import { count, table } from '../format.ts';
import { sameCluster } from '../same-cluster.ts';
import type { Workspace } from '../workspace.ts';
import { wrap } from '../wrap.ts';

export interface CsrRun {
  readonly space: Workspace;
  readonly inventory: Inventory;
  readonly out: string;
  /** The first line only. */
  readonly quiet: boolean;
  readonly columns: number;
  /** Milliseconds since 1970. */
  readonly now: number;
}

interface ToSign {
  readonly issuer: Certificate;
  /** Where its certificate lies. */
  readonly file: string;
  readonly requests: readonly LeafRequest[];
  /** Whole days, at least one. */
  readonly days: number;
}

/** What has to be signed by which CA, and how that can be done. */
export function requestsText({ requests, founded }: Requests, run: CsrRun): string {
  const { space, out, quiet, columns } = run;
  const within = sameCluster(space);
  if (!requests.length)
    return 'nothing to request: what a CA that is kept elsewhere has issued is all there, and lasts';
  const head = `wrote ${count(requests.length, 'request')} to ${space.show(out)}; the keys wait in ${space.show(join(space.dir, 'pki/pending'))}`;
  if (quiet) return head;
  return [
    ...wrap(head, columns),
    ...(founded ? [`made ${space.show(join(space.dir, 'pki/sa.key'))}, which a new cluster needs as well`] : []),
    ...toSign(requests, run).flatMap((each) => ['', ...signing(each, run)]),
    '',
    'Next',
    `  bootstrap certs import ${shellQuoted(space.show(out))}${within}    takes in what was signed`,
  ].join('\n');
}

function signing({ issuer, file, requests, days }: ToSign, { space, out, columns }: CsrRun): readonly string[] {
  const who = subjectText(issuer);
  const rows = requests.map(({ entry, reasons, keptKey }) => [
    `  ${entry.path}.csr`,
    [...reasons, ...(keptKey ? ['with the key of an earlier request'] : [])].join('; '),
  ]);
  const paths = requests.map(({ entry }) => shellQuoted(space.show(join(out, entry.path))));
  return [
    ...wrap(`${who} (${space.show(file)}) signs ${requests.length}, each for ${count(days, 'day')} at most:`, columns),
    table(['', ''], rows).replace(/^\s*\n/, ''),
    '  with OpenSSL, for example, where its key is:',
    ...loop(paths, columns),
    `    openssl x509 -req -copy_extensions copyall -days ${days} \\`,
    `      -CA ${shellQuoted(space.show(file))} -CAkey CA.key -in "$f.csr" -out "$f.crt"`,
    '  done',
  ];
}

/** `for f in …; do`, over as many lines as it takes. */
function loop(paths: readonly string[], columns: number): readonly string[] {
  const lines: string[] = [];
  let line = '  for f in';
  for (const path of paths) {
    if (line.length + path.length + 3 > columns && line.trim() !== '') {
      lines.push(`${line} \\`);
      line = '     ';
    }
    line += ` ${path}`;
  }
  return [...lines, `${line}; do`];
}

function toSign(requests: readonly LeafRequest[], { space, inventory, now }: CsrRun): readonly ToSign[] {
  return inventory.authorities.flatMap(({ name, path }) => {
    const own = requests.filter(({ entry }) => entry.authority === name);
    const [first] = own;
    if (!first) return [];
    const validity = Math.min(inventory.certValidity, first.issuer.notAfter - now);
    return [
      {
        issuer: first.issuer,
        file: join(space.dir, 'pki', `${path}.crt`),
        requests: own,
        days: Math.max(1, Math.floor(validity / 864e5)),
      },
    ];
  });
}

/** The same for `-o json`. */
export function requestsData({ requests, founded }: Requests, run: CsrRun): { readonly [key: string]: Json } {
  return {
    directory: run.space.show(run.out),
    serviceAccountKeyMade: founded,
    authorities: toSign(requests, run).map(({ issuer, file, requests: own, days }) => ({
      subject: subjectText(issuer),
      certificate: run.space.show(file),
      days,
      requests: own.map(({ entry, reasons, keptKey }) => ({
        name: leafName(entry),
        node: leafNode(entry) ?? null,
        file: `${entry.path}.csr`,
        key: keptKey ? 'pending' : 'new',
        reasons,
      })),
    })),
  };
}

import { readCertificate } from '../../pki/certificate.ts';
import type { PkiChange } from '../../pki/ensure.ts';
import { day, days } from '../../pki/fit.ts';
import type { Inventory, LeafEntry } from '../../pki/inventory.ts';
import type { KeyPair, Pki } from '../../pki/pki.ts';
import type { Renewal } from '../../pki/renewal.ts';
import { leafName, leafNode } from '../../pki/select.ts';
import type { Json } from '../../spec/tree.ts';
import type { Produced } from '../produce.ts';
import { producedLines } from '../produced-lines.ts';
import { sameCluster } from '../same-cluster.ts';
import type { Workspace } from '../workspace.ts';
import { wrap } from '../wrap.ts';
import { restartsOf, restartWords } from './consequences.ts';
import { certificates, leafLines } from './selection.ts';

/** What was asked for. */
export interface Renewing {
  readonly space: Workspace;
  readonly inventory: Inventory;
  readonly renewal: Renewal;
  readonly dryRun: boolean;
  readonly columns: number;
  /** The first line only. */
  readonly quiet: boolean;
}

interface Renewed {
  readonly change: PkiChange;
  readonly entry: LeafEntry;
}

/** What `certs renew` says at its end; with `applying` the plan of that follows. */
export function renewedText(
  produced: Produced,
  { applying, ...renewing }: Renewing & { readonly applying: boolean },
): string {
  const { space, dryRun, columns, quiet } = renewing;
  const renewed = renewedIn(produced, renewing);
  const head = headline(produced, renewed, renewing);
  if (quiet) return head;
  const others = producedLines({ ...produced, pki: othersIn(produced, renewed) }, { dryRun, summary: false });
  const lines = [head, ...leafLines(renewed.map(({ entry }) => entry)).flatMap((line) => wrap(line, columns, '  ', 4))];
  for (const { change } of renewed) {
    if (change.reasons.length) lines.push(...wrap(`${change.path}: ${change.reasons.join('; ')}`, columns, '  ', 4));
  }
  lines.push(...elsewhere(produced, renewing));
  const changes = produced.nodes.changes.length + produced.kubeconfigs.length;
  const also = othersIn(produced, renewed);
  if (also.length) lines.push(...producedLines({ ...produced, pki: also }, { dryRun, summary: false }));
  else if (changes) lines.push(others.at(-1) ?? '');
  const isServed = renewed.some(({ entry }) => entry.use.kind === 'serve');
  if (applying || (!changes && !isServed)) return lines.join('\n');
  const within = sameCluster(space);
  return [
    ...lines,
    ...wrap(`When it is applied, ${restartWords(restartsOf(produced))}.`, columns),
    ...(dryRun
      ? []
      : [
          '',
          'Next',
          `  bootstrap plan${within}     what that does, file by file`,
          `  bootstrap apply${within}    does it`,
        ]),
  ].join('\n');
}

function headline(produced: Produced, renewed: readonly Renewed[], { inventory, renewal, dryRun }: Renewing): string {
  const { within, paths } = renewal;
  if (!renewed.length) {
    if (within === undefined || produced.elsewhere.length) return 'nothing was renewed';
    const first = Math.min(...ends(produced.identities, inventory, paths));
    const are = paths.size === 1 ? 'the one certificate does not end' : `none of ${certificates(paths.size)} ends`;
    return `nothing to renew: ${are} within ${days(within)}; the first one ends on ${day(first)}`;
  }
  const until = [
    ...new Set(ends(produced.identities, inventory, new Set(renewed.map(({ entry }) => entry.path))).map(day)),
  ].sort();
  const kept = renewed.filter(({ change }) => change.keptKey).length;
  const keys =
    kept === renewed.length
      ? 'with the keys that were there'
      : kept
        ? `${kept} with the keys that were there`
        : 'with new keys';
  const span = until.length > 1 ? `${until[0]} to ${until.at(-1)}` : until[0];
  return `${dryRun ? 'would renew' : 'renewed'} ${certificates(renewed.length)} ${keys}, valid until ${span}`;
}

function elsewhere({ elsewhere: paths }: Produced, { space, inventory, columns }: Renewing): readonly string[] {
  if (!paths.length) return [];
  const entries = inventory.leaves.filter((entry) => paths.includes(`pki/${entry.path}.crt`));
  return [
    ...wrap(
      `${certificates(paths.length)} not renewed, because the key of the CA is kept elsewhere; \`bootstrap certs csr${sameCluster(space)}\` writes requests:`,
      columns,
    ),
    ...leafLines(entries).flatMap((line) => wrap(line, columns, '  ', 4)),
  ];
}

/** The certificates that were renewed because they were chosen. */
function renewedIn({ pki }: Produced, { inventory }: Renewing): readonly Renewed[] {
  const byPath = new Map(inventory.leaves.map((entry) => [`pki/${entry.path}.crt`, entry]));
  return pki.flatMap((change) => {
    const entry = change.kind === 'renewed' ? byPath.get(change.path) : undefined;
    return entry ? [{ change, entry }] : [];
  });
}

function othersIn({ pki }: Produced, renewed: readonly Renewed[]): readonly PkiChange[] {
  return pki.filter((change) => !renewed.some((each) => each.change === change));
}

/** When these certificates end, milliseconds since 1970. */
function ends(identities: Pki, { leaves }: Inventory, paths: ReadonlySet<string>): readonly number[] {
  return leaves.filter(({ path }) => paths.has(path)).map((entry) => endOf(identities, entry));
}

function endOf(identities: Pki, entry: LeafEntry): number {
  const pair = pairOf(identities, entry);
  return pair ? readCertificate(pair.certificate).notAfter : Number.NaN;
}

function pairOf({ admin, superAdmin, nodes, serve }: Pki, { use }: LeafEntry): KeyPair | undefined {
  switch (use.kind) {
    case 'admin':
      return admin;
    case 'super-admin':
      return superAdmin;
    case 'serve':
      return serve?.pair;
    case 'node':
      return nodes.get(use.node)?.get(use.leaf);
  }
}

/** The same for `-o json`. */
export function renewedData(produced: Produced, renewing: Renewing): { readonly [key: string]: Json } {
  const renewed = renewedIn(produced, renewing);
  return {
    renewed: renewed.map(({ change, entry }) => ({
      name: leafName(entry),
      node: leafNode(entry) ?? null,
      path: change.path,
      key: change.keptKey ? 'kept' : 'new',
      notAfter: new Date(endOf(produced.identities, entry)).toISOString(),
      reasons: change.reasons,
    })),
    alsoIssued: othersIn(produced, renewed).map(({ kind, path, reasons }) => ({ kind, path, reasons })),
    elsewhere: produced.elsewhere,
    files: produced.nodes.changes.map(({ kind, path }) => ({ kind, path: `nodes/${path}` })),
    kubeconfigs: produced.kubeconfigs,
    restarts: Object.fromEntries(restartsOf(produced)),
  };
}

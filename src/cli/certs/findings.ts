import { endsWithIssuer } from '../../pki/fit.ts';
import type { CertificateFacts } from '../../pki/list/facts.ts';
import type { ListedState } from '../../pki/list/listed.ts';
import type { CertificateRow } from '../../rollout/certificates/rows.ts';
import { sameCluster } from '../same-cluster.ts';
import type { Overview } from './overview.ts';

/** A certificate that ends soon, has ended, is not valid yet, or of which that cannot be said. */
export interface Finding {
  readonly node: string | undefined;
  readonly name: string;
  /** Undefined for one that lies on a master only. */
  readonly row: CertificateRow | undefined;
  readonly state: ListedState;
  readonly facts: CertificateFacts | undefined;
  /** Where it was found, where that is not the cluster directory: `on the node`, `shown on port 6443`. */
  readonly where: string | undefined;
  /** The command that mends it; undefined where it mends itself. */
  readonly mend: string | undefined;
  /** What to know about that, in words. */
  readonly advice: string | undefined;
}

/** What is not well with the time of certificates, the one that ends first at the top. */
export function findingsOf(found: Overview, expiresWithin: string | undefined): readonly Finding[] {
  const all = [...found.rows.flatMap((row) => ofRow(row, found, expiresWithin)), ...ofMasters(found)];
  return all.sort((a, b) => (a.facts?.notAfter ?? 0) - (b.facts?.notAfter ?? 0));
}

function ofRow(row: CertificateRow, found: Overview, expiresWithin: string | undefined): readonly Finding[] {
  // a misfit is no question of time, unless it cannot be read at all
  if (row.time === 'ok') return [];
  const { name, age, node, facts } = row;
  const state = row.time ?? row.state;
  const label = row.kind === 'authority' ? `${name} CA${age ? ` (${age})` : ''}` : name;
  return [{ node, name: label, row, state, facts, where: undefined, ...mendOf(row, found, expiresWithin) }];
}

function mendOf(
  row: CertificateRow,
  { rows, space }: Overview,
  expiresWithin = '30d',
): Pick<Finding, 'mend' | 'advice'> {
  const more = sameCluster(space);
  if (row.time === 'not-yet-valid') {
    return {
      mend: undefined,
      advice: 'is the clock of this machine right, and was that of the machine which issued it?',
    };
  }
  const issuer = rows.find(
    ({ kind, name, roles }) => kind === 'authority' && name === row.authority && roles.includes('issues'),
  );
  const csr = { mend: `bootstrap certs csr${more}`, advice: 'the key of its CA is kept elsewhere' };
  const rotate = { mend: `bootstrap certs rotate-ca ${row.authority} --apply${more}`, advice: undefined };
  if (row.kind === 'authority') {
    if (row.facts === undefined) return { mend: undefined, advice: 'put it back from your copy of pki/' };
    const counts = row.roles.some((role) => role !== 'trusted');
    if (!counts && row.age === undefined) {
      return { mend: undefined, advice: `take it out of ${row.path} once nothing is of it any more` };
    }
    return counts && !row.hasKey ? csr : rotate;
  }
  if (row.facts && issuer?.facts && endsWithIssuer(row.facts, issuer.facts)) {
    return issuer.hasKey ? { ...rotate, advice: 'it ends with its CA' } : csr;
  }
  if (issuer && !issuer.hasKey) return csr;
  if (!row.facts) return { mend: `bootstrap render${more}`, advice: undefined };
  return { mend: `bootstrap certs renew --expires-within ${expiresWithin} --apply${more}`, advice: undefined };
}

/** What nodes still have or show, and the cluster directory has no more. */
function ofMasters({ live, space }: Overview): readonly Finding[] {
  if (!live) return [];
  const more = sameCluster(space);
  const apply = { mend: `bootstrap apply${more}`, advice: undefined };
  const shown = live.served.flatMap(({ node, server, port, facts, state, row }): readonly Finding[] => {
    // nobody verifies those that processes make for themselves, and they make them anew
    if (state === 'ok' || facts.issuer === 'itself' || row?.facts?.fingerprint === facts.fingerprint) return [];
    const onNode = row && live.agreements.get(row)?.node;
    const how =
      onNode === 'same'
        ? { mend: undefined, advice: `it reads its file again within minutes; where it does not, restart ${server}` }
        : apply;
    return [{ node, name: row?.name ?? server, row: undefined, state, facts, where: `shown on port ${port}`, ...how }];
  });
  const own = live.foreign.flatMap(({ node, kind, facts, state }): readonly Finding[] => {
    if (kind !== 'own' || state === 'ok') return [];
    const how =
      state === 'expired'
        ? apply
        : {
            mend: undefined,
            advice: `the kubelet renews it by itself; \`journalctl -u kubelet\` on ${node} says why not`,
          };
    return [{ node, name: 'kubelet', row: undefined, state, facts, where: 'its own, on the node', ...how }];
  });
  const files = live.differing.flatMap(({ row, facts, state }): readonly Finding[] =>
    state === 'ok'
      ? []
      : [{ node: row.node, name: row.name, row: undefined, state, facts, where: 'on the node', ...apply }],
  );
  const isTold = ({ node, facts }: Finding) =>
    files.some((file) => file.node === node && file.facts?.fingerprint === facts?.fingerprint);
  return [...files, ...shown.filter((finding) => !isTold(finding)), ...own];
}

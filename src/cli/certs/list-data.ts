import type { CertificateFacts } from '../../pki/list/facts.ts';
import { daysLeft } from '../../pki/list/life.ts';
import type { LiveView } from '../../rollout/certificates/live.ts';
import type { CertificateRow } from '../../rollout/certificates/rows.ts';
import { isoTime } from '../../rollout/status/words.ts';
import type { Json } from '../../spec/tree.ts';
import type { Overview } from './overview.ts';

/** `certs list` for `-o json` and `-o yaml`. Keys are stable (docs/certs.md); what is not known is null. */
export function listData({ cluster, rows, keys, now, live }: Overview): Json {
  return {
    cluster: cluster.name,
    generatedAt: now.toISOString(),
    certificates: rows.map((row) => rowData(row, now, live)),
    serviceAccount: {
      name: 'service-account',
      algorithm: keys.algorithm ?? null,
      hasKey: keys.hasKey,
      acceptedKeys: keys.accepted,
      problems: [...keys.problems],
      path: keys.path,
      onRotation: keys.change ? changeData(keys.change) : null,
    },
    live: live ? liveData(live, now) : null,
  };
}

function rowData(row: CertificateRow, now: Date, live: LiveView | undefined): { readonly [key: string]: Json } {
  const found = live?.agreements.get(row);
  const shown = live?.served.filter((each) => each.row === row);
  return {
    name: row.name,
    kind: row.kind,
    node: row.node ?? null,
    ...(row.kind === 'authority' ? { roles: [...row.roles], age: row.age ?? null } : { ca: row.authority }),
    state: row.state,
    ...factsData(row.facts, now),
    problems: [...row.problems],
    hasKey: row.hasKey,
    uses: row.uses.map(({ component, by }) => ({ component, by })),
    path: row.path,
    nodePaths: row.places.map(({ path }) => path),
    onRenewal: row.change ? changeData(row.change) : null,
    ...(live && {
      live: found
        ? {
            agreement: found.text,
            node: found.node,
            process: found.process ?? null,
            served: (shown ?? []).map(({ port, facts }) => ({ port, ...factsData(facts, now) })),
          }
        : null,
    }),
  };
}

/** What a certificate says, for `-o json`. */
export function factsData(facts: CertificateFacts | undefined, now: Date): { readonly [key: string]: Json } {
  return {
    subject: facts?.subject ?? null,
    sans: facts ? [...facts.sans] : null,
    issuer: facts?.issuer ?? null,
    algorithm: facts?.algorithm ?? null,
    notBefore: facts ? isoTime(facts.notBefore) : null,
    notAfter: facts ? isoTime(facts.notAfter) : null,
    daysLeft: facts ? daysLeft(facts.notAfter, now.getTime()) : null,
    serial: facts?.serial ?? null,
    fingerprint: facts?.fingerprint ?? null,
  };
}

function changeData({ kind, restarts, seconds, text }: NonNullable<CertificateRow['change']>): Json {
  return { kind, restarts: [...restarts], withinSeconds: seconds ?? null, text };
}

function liveData({ nodes, served, differing, foreign, silent }: LiveView, now: Date): Json {
  return {
    nodes: nodes.map(({ name, why }) => ({ name, reachable: why === undefined, unreachable: why ?? null })),
    served: served.map(({ node, server, port, row, state, facts }) => ({
      node,
      server,
      port,
      certificate: row?.name ?? null,
      state,
      ...factsData(facts, now),
    })),
    differing: differing.map(({ row, state, facts }) => ({
      node: row.node ?? null,
      name: row.name,
      state,
      ...factsData(facts, now),
    })),
    silent: silent.map(({ node, server, port, why }) => ({ node, server, port, why })),
    foreign: foreign.map(({ node, kind, path, state, facts }) => ({
      node,
      kind,
      path,
      state,
      ...factsData(facts, now),
    })),
  };
}

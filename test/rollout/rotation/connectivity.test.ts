import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Pki } from '../../../src/pki/pki.ts';
import type { Connection, MasterSight } from '../../../src/rollout/rotation/connection.ts';
import { brokenOf, connectivity, waitConnected } from '../../../src/rollout/rotation/connectivity.ts';
import { type OldAuthority, oldRefused, waitOldRefused } from '../../../src/rollout/rotation/old-refused.ts';
import { madeAuthority } from './authorities.ts';
import { type Authorities, authorities, LEASES, pkiOf, standIn } from './masters.ts';

const NODES = ['cp1', 'cp2'];
const NOW = Date.parse('2026-11-23T12:00:00Z');
const signal = new AbortController().signal;
// as `interruptible` does
setMaxListeners(0, signal);
let old: Authorities;
let fresh: Authorities;
/** Of the phases `trust` and `issue`. */
let before: Pki;
let after: Pki;

beforeAll(async () => {
  [old, fresh] = await Promise.all([authorities(), authorities()]);
  [before, after] = await Promise.all([pkiOf(NODES, old, [fresh]), pkiOf(NODES, fresh, [old])]);
});

const trusting = (...all: readonly Authorities[]) => {
  const bundle = (name: keyof Authorities) => all.map((one) => one[name].certificate).join('');
  return { clients: bundle('kubernetes'), frontProxy: bundle('frontProxy'), etcd: bundle('etcd') };
};

const RECENT = new Date(NOW - 5000).toISOString();

/** Two masters that show what this Pki has and trust these CAs. */
async function masters(pki: Pki, ...trusted: readonly Authorities[]) {
  const all = await Promise.all(NODES.map((node) => standIn(node, pki, trusting(...trusted))));
  const sights = new Map(all.map(({ sight }): [string, MasterSight] => [sight.node, sight]));
  for (const { leases } of all) {
    for (const node of NODES) leases.set(LEASES.kubelet(node), RECENT);
    leases.set(LEASES['controller-manager'], RECENT);
    leases.set(LEASES.scheduler, RECENT);
  }
  return { all, sights };
}

const prove = (sights: ReadonlyMap<string, MasterSight>, pki: Pki, since = 0) =>
  connectivity({ sights, pki, since, signal }, new Map(), () => NOW);
const isOk = (connections: readonly Connection[], from: string, to: string) =>
  connections.find((one) => one.from === from && one.to === to)?.ok;

describe('every component', () => {
  test('gets through to every other one, and all pairs are tried', async () => {
    const { sights } = await masters(before, old, fresh);
    const found = await prove(sights, before);
    expect(brokenOf(found)).toEqual([]);
    const pairs = found.map(({ from, to }) => `${from} → ${to}`);
    expect(new Set(pairs).size).toBe(pairs.length);
    expect(pairs).toEqual(
      expect.arrayContaining([
        'super-admin.conf → apiserver of cp2',
        'kubelet of cp1 → apiserver of cp2',
        'scheduler of cp2 → apiserver of cp1',
        'front-proxy client of cp1 → apiserver of cp2',
        'apiserver of cp1 → kubelet of cp2',
        'apiserver of cp2 → etcd',
        'etcd healthcheck-client of cp1 → etcd of cp2',
        'apiserver-etcd-client of cp2 → etcd of cp1',
        'etcd peer of cp1 → etcd peer of cp2',
        'kubelet of cp2 → apiserver',
        'leading controller-manager → apiserver',
        'scheduler of cp1 → itself',
      ]),
    );
    // an etcd member is its own peer only where it is alone
    expect(pairs).not.toContain('etcd peer of cp1 → etcd peer of cp1');
  });

  test('is refused where somebody does not trust its CA yet', async () => {
    const { sights } = await masters(before, old);
    const found = await prove(sights, after);
    expect(isOk(found, 'admin of cp1', 'apiserver of cp2')).toBe(false);
    expect(brokenOf(found)).toContain('admin of cp1 → apiserver of cp2: is answered with 401');
    expect(isOk(found, 'front-proxy client of cp1', 'apiserver of cp1')).toBe(false);
    expect(isOk(found, 'etcd peer of cp1', 'etcd peer of cp2')).toBe(false);
  });

  test('of etcd must show a certificate of the CA that issues, though others are trusted', async () => {
    // members that still show the old certificates, after `issue`
    const { sights } = await masters(before, old, fresh);
    const found = await prove(sights, after);
    const broken = brokenOf(found);
    expect(broken).toHaveLength(10);
    expect(broken.every((line) => line.includes('→ etcd') && line.includes('its certificate is of'))).toBe(true);
  });

  test('is seen to be cut off from a kubelet, and by a lease that is not renewed', async () => {
    const { all, sights } = await masters(before, old, fresh);
    for (const { leases, deadKubelets } of all) {
      deadKubelets.add('cp2');
      leases.delete(LEASES.scheduler);
      leases.set(LEASES.kubelet('cp1'), new Date(NOW - 41_000).toISOString());
    }
    expect(brokenOf(await prove(sights, before))).toEqual([
      'apiserver of cp1 → kubelet of cp2: is answered with 503: no route to host',
      'apiserver of cp2 → kubelet of cp2: is answered with 503: no route to host',
      'kubelet of cp1 → apiserver: has not renewed its lease since 2026-11-23T11:59:19.000Z',
      'leading scheduler → apiserver: has no lease there',
    ]);
  });

  test('must have renewed its lease since everything was put in place', async () => {
    const { all, sights } = await masters(before, old, fresh);
    const lines = brokenOf(await prove(sights, before, NOW - 1000));
    expect(lines).toHaveLength(4);
    // whatever the clocks say: one that is renewed while it is waited has got through
    const wait = waitConnected(
      { sights, pki: before, since: Date.now() + 3_600_000 },
      {
        seconds: 50,
        pauseMs: 5,
        signal,
        onUnmet: () => {
          for (const { leases } of all) for (const path of leases.keys()) leases.set(path, `${RECENT.slice(0, -1)}1Z`);
        },
      },
    );
    expect(brokenOf(await wait)).toEqual([]);
  });
});

describe('a client of an old CA', () => {
  const olds = (): readonly OldAuthority[] =>
    [old.kubernetes, old.etcd, old.frontProxy].map(({ name, certificate, key }) => ({ name, certificate, key }));
  const randomness = { random: randomBytes, now: () => new Date() };
  const gone = () => pkiOf(NODES, fresh);

  test('is refused by everybody once the old CA is trusted no more', async () => {
    const pki = await gone();
    const { sights } = await masters(pki, fresh);
    const results = await oldRefused({ sights, pki, signal }, olds(), randomness);
    expect(results.map(({ authority, to, outcome }) => `${authority} ${to} ${outcome}`).sort()).toEqual([
      'etcd etcd of cp1 refused',
      'etcd etcd of cp2 refused',
      'etcd etcd peer of cp1 refused',
      'etcd etcd peer of cp2 refused',
      'front-proxy apiserver of cp1 refused',
      'front-proxy apiserver of cp2 refused',
      'kubernetes apiserver of cp1 refused',
      'kubernetes apiserver of cp2 refused',
    ]);
  });

  test('is seen to be taken still', async () => {
    const pki = await gone();
    const { sights } = await masters(pki, fresh, old);
    const told: string[] = [];
    const results = await waitOldRefused({ sights, pki }, olds(), randomness, {
      seconds: 0,
      signal,
      onUnmet: (unmet) => told.push(...unmet),
    });
    expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(['trusted']));
    expect(told).toContain('apiserver of cp1: a client of the old CA kubernetes is taken for bootstrap:probe');
  });

  test('proves nothing where a good one is refused as well', async () => {
    const pki = await gone();
    const { sights } = await masters(pki, await authorities());
    const results = await oldRefused({ sights, pki, signal }, olds(), randomness);
    expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(['unknown']));
  });

  test('cannot be made where the key of the old CA is elsewhere, or that CA has expired', async () => {
    const pki = await gone();
    const { sights } = await masters(pki, fresh);
    const { certificate, key } = await madeAuthority();
    const without: OldAuthority = { name: 'kubernetes', certificate, key: undefined };
    const late = { random: randomBytes, now: () => new Date(Date.now() + 2000 * 86_400_000) };
    const input = { sights, pki, signal };
    expect((await oldRefused(input, [without], randomness)).map(({ outcome }) => outcome)).toEqual(['unchecked']);
    expect((await oldRefused(input, [{ ...without, key }], late)).map(({ outcome }) => outcome)).toEqual(['unchecked']);
  });
});

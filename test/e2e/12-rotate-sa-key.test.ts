import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bootstrap } from './bootstrap.ts';
import { MASTERS, type MasterName, must, NAMES, standing } from './cluster.ts';
import { figure } from './figures.ts';
import { askAsInside, insideSpeaks, removeInside, startInside } from './inside.ts';
import { kubectl } from './kube.ts';
import { CLUSTER, HOME } from './places.ts';
import type { Borne } from './programs/bearer.ts';
import { asAdmin, commandsFor } from './remedy.ts';
import { clientsWereServed, journal, killedDuring } from './rotation.ts';
import { program, watched } from './watched.ts';

const SCENARIO = 'rotate-sa-key';
const COMMAND = ['certs', 'rotate-sa-key', '--apply', '--yes'];
const DIR = join(HOME, 'kept', 'tokens');

/** Whether an apiserver says, when it is asked, that a token is good. */
async function reviewed(node: MasterName, token: string): Promise<boolean> {
  const file = join(DIR, 'review.json');
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } };
  writeFileSync(file, JSON.stringify(review), { mode: 0o600 });
  const path = '/apis/authentication.k8s.io/v1/tokenreviews';
  const said = await kubectl('--server', `https://${MASTERS[node]}:6443`, 'create', '--raw', path, '-f', file);
  return JSON.parse(said).status.authenticated === true;
}

const reviews = (token: string) => Promise.all(NAMES.map((node) => reviewed(node, token)));

describe('the key that signs service-account tokens is rotated', { timeout: 60 * 60_000 }, () => {
  let token = '';
  const tokenFile = join(DIR, 'before');

  beforeAll(async () => {
    await standing();
    await startInside();
    mkdirSync(DIR, { recursive: true, mode: 0o700 });
    token = (await kubectl('create', 'token', 'default', '--duration=4h')).trim();
    writeFileSync(tokenFile, token, { mode: 0o600 });
  });
  afterAll(removeInside);

  test('tokens of before work until the old key is dropped, new ones always, and nobody notices', async () => {
    const masters = Object.entries(MASTERS).map(([name, address]) => `${name}=${address}`);
    const bearer = await program<Borne>('bearer', join(CLUSTER, 'admin.conf'), tokenFile, ...masters);
    try {
      const seen = await watched(async () => {
        expect(await reviews(token)).toEqual([true, true, true]);
        await killedDuring('sign', 'placing', 8000, COMMAND);
        const paused = must(await bootstrap(...COMMAND));
        figure(SCENARIO, 'after a kill while `sign` was under way: until it paused', paused.seconds, 's');
        expect(paused.stdout).toMatch(/go on working until \d{4}-\d\d-\d\d \d\d:\d\d UTC/);
        expect(journal()?.records.at(-1)).toMatchObject({ phase: 'sign', proven: expect.any(String) });
        expect(await reviews(token)).toEqual([true, true, true]);

        const refused = await bootstrap(...COMMAND, '--tokens-last', '0s');
        expect(refused.status, refused.stderr).toBe(76);
        // the rig has no images of these, so that new pods of theirs would never take the place of the old ones
        for (const app of ['kube-dns', 'kube-proxy'])
          await kubectl('delete', 'pods', '-n', 'kube-system', '-l', `k8s-app=${app}`, '--wait=false', '--now');
        const [restart = ''] = commandsFor('Deployment default/inside', refused.stderr);
        await asAdmin(restart);
        await kubectl('rollout', 'status', 'deployment/inside', '--timeout=180s');
        const dropping = Date.now();
        const last = must(await bootstrap(...COMMAND, '--tokens-last', '0s'));
        figure(SCENARIO, '`distrust` of three masters', last.seconds, 's');
        return dropping;
      });
      const borne = await bearer.found();
      clientsWereServed(SCENARIO, seen);
      figure(
        SCENARIO,
        'fresh tokens signed, accepted (by three apiservers), refused',
        `${borne.minted}, ${borne.accepted}, ${borne.freshRefused.length}`,
      );
      expect(borne.freshRefused).toEqual([]);
      for (const [node, states] of Object.entries(borne.old)) {
        const [first] = states.filter(({ state }) => state === 'refused');
        expect(first?.at, JSON.stringify({ node, states })).toBeGreaterThan(seen.did);
        expect(states.at(-1)?.state).toBe('refused');
        figure(
          SCENARIO,
          `${node} refused the old token, from the beginning of \`distrust\``,
          ((first?.at ?? 0) - seen.did) / 1000,
          's',
        );
      }
    } finally {
      bearer.stop();
    }
  });

  test('every apiserver answers 401 to the old token, and a new one is good everywhere', async () => {
    expect(await reviews(token)).toEqual([false, false, false]);
    const fresh = (await kubectl('create', 'token', 'default')).trim();
    expect(await reviews(fresh)).toEqual([true, true, true]);
  });

  test('a pod that speaks to the API goes on', async () => {
    await insideSpeaks();
    expect((await askAsInside()).stdout).toBe('200');
  });

  test('all is well, and nothing is left to do', async () => {
    expect(journal()).toBeUndefined();
    expect(await bootstrap('plan', '-q')).toMatchObject({ status: 0 });
    expect(await bootstrap('status', '-q')).toMatchObject({ status: 0 });
  });
});

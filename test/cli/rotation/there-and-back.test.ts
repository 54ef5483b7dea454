import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { textAt } from '../../world/json.ts';
import type { World } from '../../world/world.ts';
import { running } from '../rollout-faults/running.ts';
import { apply, done, HAS_TOOLS, sharedWorld } from '../rollout-faults/support.ts';
import { filesWith, now, rotate } from './support.ts';

const PATIENCE = 600_000;
const SELF = '/apis/authentication.k8s.io/v1/selfsubjectreviews';

/** Who an apiserver takes the owner of this client certificate for; the status where for nobody. */
async function whoIs(world: World, node: string, as: ReturnType<World['identity']>): Promise<string | number> {
  const { status, body } = await world.api(node, as).request(SELF, {
    method: 'POST',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
  });
  return status === 201 ? textAt(body, 'status', 'userInfo', 'username') : status;
}

describe.runIf(HAS_TOOLS)('all CAs of a living cluster', { timeout: PATIENCE }, () => {
  // one master: what clients of three notice is seen in etcd-ca.test.ts, and on real hosts
  const shared = sharedWorld(1);

  test('are replaced up to the last phase, and taken back again: everything is as before', async () => {
    const world = shared();
    await done(apply(world));
    const read = (path: string) => readFileSync(join(world.dir, 'pki', path), 'utf8');
    const before = ['ca.crt', 'ca.key', 'etcd/ca.crt', 'front-proxy-ca.crt'].map(read);
    const there = await done(rotate(world, ['rotate-ca', 'all'], '--pause-before', 'distrust'));
    expect(there).toContain('paused before distrust, as it was asked for');
    expect(there).toMatch(/✓ sign /);
    const fresh = readFileSync(join(world.dir, 'pki/rotation/new/ca.crt'), 'utf8');
    for (const name of world.names) {
      expect(readFileSync(join(world.node(name).root, 'etc/kubernetes/pki/ca.crt'), 'utf8')).toBe(fresh);
    }
    // at any moment everything else goes by the phase as well
    expect(await done(running(world.dir, 'plan'))).toMatch(/nothing (to do|would change)/);

    const back = await done(rotate(world, ['rotate-ca', 'all'], '--rollback'));
    expect(back).toContain('was taken back: the old one alone is trusted, as before');
    expect(now(world)).toBeUndefined();
    expect(['ca.crt', 'ca.key', 'etcd/ca.crt', 'front-proxy-ca.crt'].map(read)).toEqual(before);
    expect(filesWith(world.dir, fresh)).toEqual([]);
    for (const name of world.names) expect(filesWith(join(world.node(name).root, 'etc'), fresh)).toEqual([]);
    expect(await done(apply(world))).toContain('nothing to do');
  });

  test('once replaced, who shows a certificate of the old one is nobody', async () => {
    const world = shared();
    const old = world.identity();
    const oldCa = readFileSync(join(world.dir, 'pki/ca.crt'), 'utf8');
    await done(rotate(world, ['rotate-ca', 'kubernetes']));
    const trusting = { ...old, ca: world.identity().ca };
    for (const name of world.names) {
      expect(await whoIs(world, name, trusting)).toBe(401);
      expect(await whoIs(world, name, world.identity())).toBe('kubernetes-super-admin');
      expect(filesWith(join(world.node(name).root, 'etc'), oldCa)).toEqual([]);
    }
    const told = await world.api().request('/api/v1/namespaces/default/configmaps/kube-root-ca.crt');
    expect(textAt(told.body, 'data', 'ca.crt')).toBe(readFileSync(join(world.dir, 'pki/ca.crt'), 'utf8'));
  });

  test('the service-account key is replaced: tokens of the old one are good until it is dropped, and not after that', async () => {
    const world = shared();
    const mint = async () => {
      const { body } = await world.api().request('/api/v1/namespaces/kube-system/serviceaccounts/default/token', {
        method: 'POST',
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3600 } },
      });
      return textAt(body, 'status', 'token');
    };
    const isGood = async (token: string) => {
      const answers = await Promise.all(
        world.names.map((name) =>
          world.api(name).request('/apis/authentication.k8s.io/v1/tokenreviews', {
            method: 'POST',
            body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } },
          }),
        ),
      );
      const said = answers.map(({ body }) => JSON.stringify(body).includes('"authenticated":true'));
      expect(new Set(said).size).toBe(1);
      return said[0];
    };
    const old = await mint();
    const paused = await done(rotate(world, ['rotate-sa-key']));
    expect(paused).toMatch(/Tokens of the old key are to go on working until \d{4}-\d\d-\d\d \d\d:\d\d UTC/);
    const fresh = await mint();
    expect([await isGood(old), await isGood(fresh)]).toEqual([true, true]);
    const ended = await done(rotate(world, ['rotate-sa-key'], '--tokens-last', '0s'));
    expect(ended).toContain('a token of the old key is refused everywhere');
    expect([await isGood(old), await isGood(fresh), await isGood(await mint())]).toEqual([false, true, true]);
  });
});

import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { emptyDir } from '../../support/cli.ts';
import { eventually } from '../../world/world.ts';
import { running } from '../rollout-faults/running.ts';
import { apply, done, HAS_TOOLS, sharedWorld, starts, startsSince } from '../rollout-faults/support.ts';
import { filesWith, issuerKeyId, now, rotate, subjectKeyId } from './support.ts';

const PATIENCE = 600_000;
const COMMAND = ['rotate-ca', 'etcd'];

describe.runIf(HAS_TOOLS)('rotating the CA of a living etcd', { timeout: PATIENCE }, () => {
  const shared = sharedWorld(3);

  test('is done under load, with the command killed once in every phase: no write fails, and the old CA is nowhere', async () => {
    const world = shared();
    await done(apply(world));
    const kept = emptyDir();
    cpSync(join(world.dir, 'pki'), kept, { recursive: true });
    const old = readFileSync(join(kept, 'etcd/ca.crt'), 'utf8');
    const before = starts(world);
    const writer = world.writer();
    await eventually('it writes', () => writer.read().done > 5);

    const killed: string[] = [];
    for (const [phase, moment] of [
      ['trust', /in place/],
      ['issue', /revision \d+ is on the node/],
      ['distrust', /✓ revision/],
    ] as const) {
      const run = rotate(world, COMMAND);
      await run.says(new RegExp(`^${phase}: [\\s\\S]*${moment.source}`, 'm'));
      await delay(killed.length * 150);
      await run.kill();
      expect(now(world)?.phase, run.said()).toBe(phase);
      killed.push(phase);
      const status = await done(running(world.dir, 'certs', 'rotate-ca', '--status'));
      expect(status).toContain(`▸ ${phase}`);
    }
    const said = await done(rotate(world, COMMAND));
    expect(said).toContain('The CA etcd is replaced; the old one is trusted nowhere any more.');
    expect(said).toContain('a client certificate of the old CA is refused everywhere');
    expect(now(world)).toBeUndefined();

    const { done: written, failed, lost, errors } = writer.stop();
    expect({ failed, lost }, errors.join('\n')).toEqual({ failed: 0, lost: 0 });
    expect(written).toBeGreaterThan(100);
    // each member twice: to trust both, to trust the new one alone; the controllers not at all
    const restarted = startsSince(world, before);
    for (const name of world.names) {
      expect(restarted[`${name} etcd`]).toBe(2);
      expect(restarted[`${name} kube-apiserver`]).toBe(2);
      expect(restarted[`${name} kube-controller-manager`]).toBeUndefined();
    }

    const fresh = readFileSync(join(world.dir, 'pki/etcd/ca.crt'), 'utf8');
    expect(fresh).not.toBe(old);
    const client = (dir: string) => ({
      cert: join(dir, 'nodes/cp1/etcd/healthcheck-client.crt'),
      key: join(dir, 'nodes/cp1/etcd/healthcheck-client.key'),
    });
    for (const name of world.names) {
      const { etcdClient, etcdPeer } = world.ports(name);
      for (const port of [etcdClient, etcdPeer]) {
        expect(issuerKeyId(port, client(join(world.dir, 'pki')))).toBe(subjectKeyId(fresh));
      }
      const { cert, key } = client(kept);
      const asked = spawnSync(
        'etcdctl',
        ['endpoint', 'health', '--endpoints', `https://127.0.0.1:${etcdClient}`, '--command-timeout', '2s'].concat(
          '--cacert',
          join(world.dir, 'pki/etcd/ca.crt'),
          '--cert',
          cert,
          '--key',
          key,
        ),
        { encoding: 'utf8', env: { ...process.env, ETCDCTL_API: '3' } },
      );
      expect(asked.status, asked.stderr).not.toBe(0);
      expect(filesWith(join(world.node(name).root, 'etc'), old)).toEqual([]);
    }
    expect(filesWith(world.dir, old)).toEqual([]);
    expect(await done(apply(world))).toContain('nothing to do');
  });

  test('is refused while something else waits to be applied, and while another rotation is under way', async () => {
    const world = shared();
    const changed = running(
      world.dir,
      'certs',
      'rotate-ca',
      'etcd',
      '--apply',
      '--yes',
      '--set',
      'spec.apiServer.extraArgs.v=5',
    );
    expect(await changed.ended).toMatchObject({ status: 76 });
    expect(changed.said()).toMatch(/a rotation is begun only where all is well:\n {2}.*: not as the cluster file says/);
    const other = running(world.dir, 'certs', 'rotate-sa-key');
    expect(await other.ended).toMatchObject({ status: 76 });
    expect(other.said()).toContain('a rotation of the CA etcd is under way (phase prepare)');
    expect(await done(rotate(world, COMMAND, '--rollback'))).toContain('was taken back');
    expect(now(world)).toBeUndefined();
  });
});

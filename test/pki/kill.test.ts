import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeRequests } from '../../src/pki/external/requests.ts';
import { pkiInventory } from '../../src/pki/inventory.ts';
import { generateKey } from '../../src/pki/keys.ts';
import { readPki } from '../../src/pki/read.ts';
import { openPkiStore } from '../../src/pki/store.ts';
import { needTool } from '../support/tools.ts';
import { testCluster, threeMasters } from './clusters.ts';
import { sign } from './external-tools.ts';
import { contents, ensure, modes, temporaryDirectory } from './tools.ts';

const KILLS = 16;
/** Each kill takes a process, on a machine that may well be busy. */
const PATIENCE = 240_000;
const inventory = pkiInventory(testCluster({ nodes: threeMasters, serve: 'pods.example.com' }));
const NEVER_LOST = /^pki\/(.*\/)?(ca|front-proxy-ca)\.(crt|key)$|^pki\/sa\.(key|pub)$|\.token$/;
const scratch = mkdtempSync(join(tmpdir(), 'bootstrap-kill-'));
const program = join(scratch, 'ensure.cjs');

beforeAll(async () => {
  const entry = fileURLToPath(new URL('ensure-child.ts', import.meta.url));
  await build({ entryPoints: [entry], outfile: program, bundle: true, platform: 'node', format: 'cjs' });
}, PATIENCE);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Runs the program until just before that step on the disk; 0 lets it end, and gives the number of its steps. */
function run(killAt: number, dir: string, ...certSANs: readonly string[]): number {
  const env = { ...process.env, KILL_AT: `${killAt}` };
  const child = spawnSync(process.execPath, [program, dir, ...certSANs], { env, encoding: 'utf8' });
  expect([child.status, child.signal, child.stderr]).toEqual(killAt ? [null, 'SIGKILL', ''] : [0, null, '']);
  return Number(child.stdout);
}

/** Steps from the first to the last, at even distances but each time others. */
function someOf(steps: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => 1 + Math.floor(((i + Math.random()) * steps) / count));
}

/** Whatever a killed run left: no half files, no key that others may read, and the next run ends as if nothing had been. */
async function goesOn(dir: string, wanted = inventory): Promise<void> {
  const left = contents(dir);
  for (const [path, mode] of Object.entries(modes(dir))) {
    if (/\.(key|token)(\.tmp-|$)/.test(path)) expect(mode, path).toBe('600');
    if (/\.(crt|key|pub)$/.test(path))
      expect(left[path], path).toMatch(/^-----BEGIN .*-----\n[\s\S]*-----END .*-----\n$/);
  }
  await ensure(wanted, dir);
  const done = contents(dir);
  expect(Object.keys(done).filter((path) => path.includes('.tmp-'))).toEqual([]);
  for (const path of Object.keys(left).filter((path) => NEVER_LOST.test(path)))
    expect(done[path], path).toBe(left[path]);
  readPki(wanted, openPkiStore(dir));
  expect((await ensure(wanted, dir)).changes).toEqual([]);
}

test(
  'killed at any moment, the next run finishes it, and no CA, service-account key or token is lost',
  async () => {
    const steps = run(0, join(scratch, 'whole'));
    expect(steps).toBeGreaterThan(3 * 78);
    for (const step of someOf(steps, KILLS)) {
      const dir = temporaryDirectory();
      run(step, dir);
      await goesOn(dir);
    }
  },
  PATIENCE,
);

test(
  'killed again and again in one directory, it still comes to its end',
  async () => {
    const dir = temporaryDirectory();
    for (const step of [1, 30, 95, 100, 60, 20, 70, 40, 80]) run(step, dir);
    await goesOn(dir);
  },
  PATIENCE,
);

test(
  'killed while certificates are issued again, the CAs stay and the next run finishes',
  async () => {
    const whole = temporaryDirectory();
    await ensure(inventory, whole);
    const wanted = pkiInventory(
      testCluster({ nodes: threeMasters, serve: 'pods.example.com', certSANs: ['new.example.com'] }),
    );
    const copy = () => {
      const dir = temporaryDirectory();
      cpSync(whole, dir, { recursive: true });
      return dir;
    };
    const steps = run(0, copy(), 'new.example.com');
    for (let step = 1; step <= steps; step++) {
      const dir = copy();
      run(step, dir, 'new.example.com');
      await goesOn(dir, wanted);
    }
  },
  PATIENCE,
);

test.each(['renew', 'renew-keeping-keys'])(
  'killed while it does %s, the next run makes whole pairs of what is left',
  async (what) => {
    const whole = temporaryDirectory();
    await ensure(inventory, whole);
    const copy = () => {
      const dir = temporaryDirectory();
      cpSync(whole, dir, { recursive: true });
      return dir;
    };
    const steps = run(0, copy(), what);
    expect(steps).toBeGreaterThan(what === 'renew' ? 3 * 70 : 3 * 35);
    for (const step of someOf(steps, KILLS / 2)) {
      const dir = copy();
      run(step, dir, what);
      // with the keys that were there any mixture of old and new certificates is whole
      if (what !== 'renew') readPki(inventory, openPkiStore(dir));
      await goesOn(dir);
    }
  },
  PATIENCE,
);

test.runIf(needTool('openssl'))(
  'killed at any moment while signed certificates are taken in, the same import finishes it',
  async () => {
    const whole = temporaryDirectory();
    await ensure(inventory, whole);
    const safe = temporaryDirectory();
    for (const ending of ['crt', 'key'])
      cpSync(join(whole, `pki/etcd/ca.${ending}`), join(safe, `etcd/ca.${ending}`), { recursive: true });
    rmSync(join(whole, 'pki/etcd/ca.key'));
    const { requests } = await makeRequests(inventory, openPkiStore(whole), {
      now: new Date(),
      generateKey,
      renewBefore: 0,
      paths: new Set(['nodes/master-0/etcd/peer', 'nodes/master-1/etcd/server', 'nodes/master-2/etcd/peer']),
      named: true,
      newKeys: false,
    });
    const file = join(safe, 'signed.pem');
    writeFileSync(file, requests.map(({ request }) => sign(join(safe, 'etcd/ca'), request)).join(''));
    const copy = () => {
      const dir = temporaryDirectory();
      cpSync(whole, dir, { recursive: true });
      return dir;
    };
    const finished = copy();
    const steps = run(0, finished, 'import', file);
    expect(steps).toBeGreaterThan(3 * 6);
    for (let step = 1; step <= steps; step++) {
      const dir = copy();
      run(step, dir, 'import', file);
      run(0, dir, 'import', file);
      openPkiStore(dir).removeStaleTemps();
      expect(contents(dir), `step ${step}`).toEqual(contents(finished));
      expect((await ensure(inventory, dir)).changes).toEqual([]);
    }
  },
  PATIENCE,
);

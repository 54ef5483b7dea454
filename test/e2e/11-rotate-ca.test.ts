import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bootstrap } from './bootstrap.ts';
import { authorities, bundlesOn, CAS, isFrom, kubeletIdentity, marksOf, tracesOf } from './certificates.ts';
import { must, NAMES, standing } from './cluster.ts';
import { figure } from './figures.ts';
import { askAsInside, insidePod, insideSpeaks, removeInside, startInside } from './inside.ts';
import { etcdAnswers, type Keepsakes, keepsakes, masterAnswers, oldKubectl } from './keepsakes.ts';
import { etcdMembers, kubectl, staticPods } from './kube.ts';
import { asAdmin, commandsFor } from './remedy.ts';
import { inHost } from './rig.ts';
import { clientsWereServed, journal, killedDuring } from './rotation.ts';
import { until } from './until.ts';
import { watched } from './watched.ts';
import { freshWorker, joinWorker, removeWorker, WORKER, workerReady } from './worker.ts';

const ALL = ['certs', 'rotate-ca', 'all', '--apply', '--yes'];
/** Seconds within which what the kubelet brings into running pods follows. */
const LATEST = 240;

type Pems = ReadonlyMap<string, string>;

/**
 * Where these CAs and their keys are: on the masters, in the cluster directory, in the API.
 * @param others of the same names, so that nothing is taken for a trace that they have in common
 */
async function traces(wanted: Pems, others: Pems, hosts?: readonly string[]): Promise<readonly string[]> {
  const marks = [...wanted].flatMap(([name, pem]) => {
    const ending = name.slice(name.lastIndexOf('.'));
    return marksOf(
      pem,
      [...others].filter(([path]) => path.endsWith(ending)).map(([, text]) => text),
    );
  });
  return tracesOf(marks, await kubectl('get', 'configmaps,secrets', '--all-namespaces', '-o', 'json'), hosts);
}

async function nowhere(gone: Pems, others: Pems, hosts?: readonly string[]): Promise<void> {
  let found: readonly string[] = [];
  const look = async () => {
    found = await traces(gone, others, hosts);
    return found.length ? undefined : true;
  };
  await until('nothing is left of them', look, LATEST).catch(() => undefined);
  expect(found).toEqual([]);
}

/** The CAs of a folder of the cluster directory, with their keys, by path. */
const withKeys = (under?: string) => new Map([...authorities(under), ...authorities(under, 'key')]);

async function trustsAlone(cas: Pems): Promise<void> {
  const wanted = await Promise.all(NAMES.map(bundlesOn));
  for (const bundles of wanted) {
    for (const name of CAS)
      expect(bundles.get(`${name}-bundle.crt`)).toEqual([
        new X509Certificate(cas.get(`${name}.crt`) ?? '').fingerprint256,
      ]);
  }
}

const phases = (stderr: string) => [...stderr.matchAll(/^✓ (\w+):/gm)].map(([, phase]) => phase);

describe('all CAs are rotated up to the last phase, and then taken back', { timeout: 60 * 60_000 }, () => {
  const SCENARIO = 'rotate-ca, there and back';
  let kept: Keepsakes;
  let old: Pems;
  let fresh: Pems;

  beforeAll(async () => {
    await standing();
    kept = await keepsakes('there-and-back');
    old = withKeys();
  });

  test('while a client writes and others watch, and nobody notices', async () => {
    const seen = await watched(async () => {
      const there = must(await bootstrap(...ALL, '--settle', '20s', '--pause-before', 'distrust'));
      figure(SCENARIO, 'there, up to `distrust`, with --settle 20s', there.seconds, 's');
      expect(phases(there.stderr)).toEqual(['trust', 'issue', 'sign']);
      expect(there.stdout).toContain('paused before distrust');
      expect(journal()?.records.at(-1)).toMatchObject({ phase: 'sign', proven: expect.any(String) });
      fresh = withKeys('pki/rotation/new');
      for (const bundles of await Promise.all(NAMES.map(bundlesOn)))
        for (const trusted of bundles.values()) expect(trusted).toHaveLength(2);
      for (const node of NAMES) {
        expect(await masterAnswers(node, kept)).toBe('200');
        expect(isFrom(await kubeletIdentity(node), fresh.get('ca.crt') ?? '')).toBe(true);
      }
      // so that to find nothing later means something
      expect((await traces(fresh, old)).join('\n')).toMatch(
        /cluster directory .*cp1 .*ca-bundle\.crt.*ConfigMap default\/kube-root-ca\.crt/s,
      );
      const back = must(await bootstrap(...ALL, '--settle', '20s', '--rollback'));
      figure(SCENARIO, 'all the way back', back.seconds, 's');
    });
    clientsWereServed(SCENARIO, seen);
  });

  test('the old CAs alone are trusted again, and the old admin.conf works', async () => {
    expect(journal()).toBeUndefined();
    await trustsAlone(old);
    const ran = await oldKubectl(kept, 'get', 'nodes');
    expect(ran.status, ran.stderr).toBe(0);
    for (const node of NAMES) {
      expect(await masterAnswers(node, kept)).toBe('200');
      expect((await etcdAnswers(node, kept)).status).toBe(0);
      expect(isFrom(await kubeletIdentity(node), old.get('ca.crt') ?? '')).toBe(true);
    }
  });

  test('the new CAs are nowhere', async () => nowhere(fresh, old));

  test('all is as it was', async () => {
    expect(withKeys()).toEqual(old);
    expect(await bootstrap('plan', '-q')).toMatchObject({ status: 0 });
    expect(await bootstrap('status', '-q')).toMatchObject({ status: 0 });
  });
});

describe('all CAs are rotated to the end, and the CLI is killed in each phase', { timeout: 100 * 60_000 }, () => {
  const SCENARIO = 'rotate-ca, to the end';
  const FORWARD = [...ALL, '--restart-workloads'];
  let kept: Keepsakes;
  let old: Pems;
  let giveBoth = '';

  beforeAll(async () => {
    await standing();
    await freshWorker();
    await joinWorker();
    await workerReady();
    await startInside(WORKER);
    kept = await keepsakes('to-the-end');
    old = withKeys();
    for (const node of NAMES) {
      expect(await masterAnswers(node, kept)).toBe('200');
      expect((await etcdAnswers(node, kept)).status).toBe(0);
    }
    const others = new Map<string, string>();
    expect((await traces(old, others, [...NAMES, WORKER])).join('\n')).toMatch(
      /cluster directory .*cp1 .*ca-bundle\.crt.*w1 .*kubelet\.conf.*ConfigMap default\/kube-root-ca\.crt/s,
    );
  });
  afterAll(async () => {
    await removeInside();
    await removeWorker();
  });

  test('while a client writes and others watch, and a worker is taken along', async () => {
    const began = performance.now();
    const seen = await watched(async () => {
      await killedDuring('trust', 'placing', 40_000, FORWARD);
      await killedDuring('trust', 'waiting', 3000, FORWARD);
      giveBoth = await refusedFor('issue', 0);
      await asAdmin(giveBoth);
      await workerReady();
      await killedDuring('issue', 'proving', 0, FORWARD);
      await killedDuring('sign', 'placing', 4000, FORWARD);
      await killedDuring('sign', 'waiting', 10_000, FORWARD);
      await joinAgain(commandsFor(`Node ${WORKER}`, (await refused('distrust')).stderr));
      await killedDuring('distrust', 'placing', 100_000, FORWARD);
      await killedDuring('distrust', 'proving', 300, FORWARD);
      const last = must(await bootstrap(...FORWARD));
      figure(SCENARIO, 'the last run, after a kill while `distrust` was being proven', last.seconds, 's');
    });
    figure(
      SCENARIO,
      'all of it, with seven kills, two waits for files to be read, two remedies',
      (performance.now() - began) / 1000,
      's',
    );
    clientsWereServed(SCENARIO, seen);
    expect(journal()).toBeUndefined();
  });

  /** It must not begin this phase as long as the worker is not taken along. */
  async function refused(phase: string) {
    const ran = await bootstrap(...FORWARD);
    figure(SCENARIO, `refused before \`${phase}\` for the worker after`, ran.seconds, 's');
    expect(ran.status, ran.stderr).toBe(76);
    expect(ran.stderr).toContain(`${phase} is not begun`);
    expect(ran.stderr).toContain(`Node ${WORKER}`);
    return ran;
  }

  async function refusedFor(phase: string, which: number): Promise<string> {
    return commandsFor(`Node ${WORKER}`, (await refused(phase)).stderr)[which] ?? '';
  }

  async function joinAgain([drain = '', reset = '', remove = '']: readonly string[]): Promise<void> {
    await asAdmin(drain);
    await inHost(WORKER, `${reset} --force`);
    await asAdmin(remove);
    const joined = await joinWorker();
    expect(joined.stdout + joined.stderr).toContain('This node has joined the cluster');
    await workerReady();
  }

  test('a client certificate of the old CA gets 401 from every apiserver, and none from etcd', async () => {
    for (const node of NAMES) {
      expect(await masterAnswers(node, kept)).toBe('401');
      const { status, stderr } = await etcdAnswers(node, kept);
      expect(status).not.toBe(0);
      figure(SCENARIO, `etcd of ${node} to a client certificate of the old CA`, seenIn(stderr));
    }
    expect(await etcdMembers()).toMatchObject({ healthy: 3 });
    expect((await oldKubectl(kept, 'get', 'nodes')).status).not.toBe(0);
  });

  test('the old CAs are nowhere on the masters, in the cluster directory, or in the API', async () => {
    await nowhere(old, withKeys());
    await trustsAlone(authorities());
  });

  test('every kubelet of a master has a client certificate of the new CA', async () => {
    const ca = authorities().get('ca.crt') ?? '';
    for (const node of NAMES) expect(isFrom(await kubeletIdentity(node), ca)).toBe(true);
  });

  test('a pod that speaks to the API went on, and its files still let it in', async () => {
    await insideSpeaks();
    // it ends itself where it could not renew its Lease for ten seconds
    figure(SCENARIO, 'restarts of that pod since the worker joined again', (await insidePod()).restarts);
    expect((await askAsInside()).stdout).toBe('200');
  });

  test('the remedy of before, once more, takes the old CA from the worker as well', async () => {
    await asAdmin(giveBoth);
    await workerReady();
    await nowhere(old, withKeys(), [WORKER]);
    await insideSpeaks();
  });

  test('all is well, and nothing is left to do', async () => {
    expect(await bootstrap('plan', '-q')).toMatchObject({ status: 0 });
    expect(await bootstrap('certs', 'check', '--live', '-q')).toMatchObject({ status: 0 });
    expect(await bootstrap('status', '-q')).toMatchObject({ status: 0 });
    expect((await staticPods()).filter(({ ready }) => !ready)).toEqual([]);
  });
});

/** The reason in a message of etcdctl, which is a line of JSON with another one in it. */
function seenIn(stderr: string): string {
  return (
    /(remote error: [^"\\]+|context deadline exceeded|authentication handshake failed[^"\\]*)/.exec(stderr)?.[0] ??
    stderr.slice(0, 80)
  );
}

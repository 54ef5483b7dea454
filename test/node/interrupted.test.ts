import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { type Bundle, bundleDigest } from '../../src/bundle/bundle.ts';
import type { NodeAgent } from '../../src/rollout/agent.ts';
import type { Holder } from '../../src/rollout/node/holder.ts';
import { apply, type Box, bundle, facts, file, MANIFESTS, makeBox, manifest, put, tree, wholly } from './node-box.ts';
import { shim } from './shims.ts';
import { stateOf } from './state-of.ts';

/** Small, but with every kind of change from one to the other. */
const sample = (word: 'one' | 'two'): Bundle =>
  bundle(
    [
      file('/etc/kubernetes/pki/ca.crt', `certificate ${word}\n`),
      file('/etc/kubernetes/pki/ca.key', `key ${word}\n`, { mode: 0o600 }),
      manifest('etcd', `etcd ${word}\n`),
      ...(word === 'two' ? [file('/opt/new/file', 'new\n'), manifest('new', 'two\n')] : [manifest('old', 'one\n')]),
    ],
    [
      { path: MANIFESTS, mode: 0o700, owner: 'root:root' },
      { path: '/etc/kubernetes/pki', mode: word === 'one' ? 0o755 : 0o711, owner: 'root:root' },
    ],
  );

const OLD = sample('one');
const NEW = sample('two');
const HOLDER: Holder = { token: 'this-run', isDead: () => true };
const WHO = 'bootstrap apply by ann@desk (process 1)';

/** What the kubelet sees is at every moment made of whole files. */
function expectWholeManifests(box: Box): void {
  const whole = new Set([...OLD.files, ...NEW.files].map(({ path, content }) => `${path} ${content}`));
  for (const name of readdirSync(box.at(MANIFESTS)).filter((each) => !each.startsWith('.')))
    expect(whole).toContain(`${MANIFESTS}/${name} ${readFileSync(box.at(join(MANIFESTS, name)), 'utf8')}`);
}

/** Nor does anything that runs between two calls find a certificate with the key of another. */
function expectFittingPair(box: Box): void {
  const words = ['ca.crt', 'ca.key'].map((name) => box.read(`/etc/kubernetes/pki/${name}`).split(' ')[1]);
  expect(words[0]).toBe(words[1]);
}

function expectClean(box: Box): void {
  const records = readdirSync(box.state('')).filter((name) => !['lock', 'reverted', 'node.sh'].includes(name));
  expect(records.sort()).toEqual(['current', 'last-known-good', 'revisions']);
  expect(readdirSync(box.state('revisions')).filter((name) => !/^[123]$/.test(name))).toEqual([]);
  const hidden = readdirSync(box.root, { recursive: true, encoding: 'utf8' }).filter((path) => path.includes('-new'));
  expect(hidden).toEqual([]);
}

interface Step {
  /** Brings the node to where the step begins. */
  readonly before: (agent: NodeAgent, box: Box) => Promise<unknown>;
  readonly step: (agent: NodeAgent, box: Box) => Promise<unknown>;
}

const activate = { kubelet: 'reload', confirmSeconds: 1 } as const;
const staged = (agent: NodeAgent) => agent.stage(NEW, bundleDigest(NEW), 'ann@desk');

const STEPS: Readonly<Record<string, Step>> = {
  lock: { before: (agent) => agent.unlock(), step: (agent) => agent.lock(WHO) },
  stage: { before: async () => undefined, step: staged },
  activate: { before: staged, step: (agent) => agent.activate(2, activate) },
  commit: { before: (agent) => put(agent, NEW, 'reload', 1), step: (agent) => agent.commit(2) },
  revert: { before: (agent) => put(agent, NEW, 'reload', 1), step: (agent) => agent.revert('no') },
};

const copy = (from: Box, to: Box): Promise<unknown> => promisify(execFile)('cp', ['-a', `${from.root}/.`, to.root]);

/** Every third call is killed, and the one behind it fails: calls in a row seldom leave different files. */
const STRIDE = 3;
const FIRST = { kill: 1, fail: 2 } as const;

/**
 * Does a step on copies of one node, broken off at its first call, its fourth, and so on until it ends by itself; where calls
 * are to fail, at its second, its fifth.
 * @param check of a node that was left so; once for each state that nodes are left in, since most calls only read: what
 *   goes on from the very same files does the very same
 * @returns how many calls it took, and how many states there were
 */
async function atEveryCall(
  { before, step }: Step,
  action: 'kill' | 'fail',
  check: (box: Box, error: Error | undefined) => Promise<void>,
): Promise<{ readonly calls: number; readonly states: number }> {
  const states = new Set<string>();
  const origin = makeBox();
  try {
    const agent = origin.agent({}, HOLDER);
    await apply(agent, OLD);
    await agent.lock(WHO);
    await before(agent, origin);
    let at = FIRST[action] - STRIDE;
    let isOver = false;
    const worker = async () => {
      while (!isOver) {
        at += STRIDE;
        const mine = at;
        const box = makeBox();
        try {
          await copy(origin, box);
          const env = shim(box, mine, action);
          const error = await step(box.agent(env, HOLDER), box).then(
            () => undefined,
            (thrown: Error) => thrown,
          );
          if (action === 'kill' ? !error : mine > 200 || !wasReached(box, mine)) isOver = true;
          expectWholeManifests(box);
          expectFittingPair(box);
          if (action === 'fail' && error) expect(error.message).toMatch(/^cp1: ./);
          const state = `${error ? 'broken off' : 'over'}\n${stateOf(box)}`;
          if (states.has(state)) continue;
          states.add(state);
          await check(box, error);
        } catch (error) {
          isOver = true;
          throw new Error(`at call ${mine}: ${error instanceof Error ? error.message : ''}`, { cause: error });
        } finally {
          box.remove();
        }
      }
    };
    await Promise.all([worker(), worker(), worker()]);
    return { calls: at, states: states.size };
  } finally {
    origin.remove();
  }
}

function wasReached(box: Box, at: number): boolean {
  const dir = readdirSync(box.dir).find((name) => name.startsWith('shim-')) ?? '';
  return readFileSync(join(box.dir, dir, 'count'), 'utf8').length >= at;
}

async function expectEitherIs(box: Box): Promise<void> {
  const seen = await facts(box.agent());
  expect(tree(box)).toEqual(wholly(seen.current === 1 ? OLD : NEW));
  expect(box.mode('/etc/kubernetes/pki')).toBe(seen.current === 1 ? 0o755 : 0o711);
  expect(box.has('/opt/new')).toBe(seen.current !== 1);
}

async function expectGoesOn(box: Box): Promise<void> {
  const agent = box.agent({}, HOLDER);
  await agent.lock(WHO);
  const number = await put(agent, NEW, 'reload', 60);
  await agent.commit(number);
  expectWholeManifests(box);
  await expectEitherIs(box);
  expect((await facts(agent)).current).toBe(number);
  expectClean(box);
}

describe.each(Object.keys(STEPS))('%s that is broken off', (name) => {
  const step = STEPS[name] as Step;

  test('by a kill at any call can be repeated, and the boot after it finds the old revision or the new one', async () => {
    const { calls, states } = await atEveryCall(step, 'kill', async (box) => {
      const again = makeBox();
      try {
        await copy(box, again);
        // the boot: what was placed stays until its time is over, as no timer runs here
        expect(await again.own('recover')).toMatchObject({ status: 0, stderr: '' });
        expectWholeManifests(again);
        expectFittingPair(again);
        await new Promise((resolve) => setTimeout(resolve, existsSync(again.state('transaction')) ? 1100 : 0));
        expect(await again.own('expire')).toMatchObject({ status: 0, stderr: '' });
        await expectEitherIs(again);
        expect((await facts(again.agent())).transaction).toBeUndefined();
      } finally {
        again.remove();
      }
      await expectGoesOn(box);
    });
    expect(calls).toBeGreaterThan(5);
    expect(states).toBeGreaterThan(2);
  }, 600_000);

  test('by a call that finds the disk full says so, leaves the old revision or the new one, and can be repeated', async () => {
    await atEveryCall(step, 'fail', async (box, error) => {
      const { transaction } = await facts(box.agent());
      if (name === 'activate' && error && transaction?.state !== 'placed') {
        expect(transaction).toBeUndefined();
        await expectEitherIs(box);
      }
      await expectGoesOn(box);
    });
  }, 600_000);
});

const IDENTITY = '/var/lib/kubelet/pki/kubelet-client-current.pem';

describe("the kubelet's own certificate", () => {
  test('is there at every moment while the file that an earlier version left becomes a link', async () => {
    const step: Step = {
      before: async (agent, box) => {
        await put(agent, NEW, 'reload', 1);
        box.write(IDENTITY, 'certificate and key\n', 0o600);
      },
      step: (agent) => agent.activate(2, activate),
    };
    for (const action of ['kill', 'fail'] as const) {
      await atEveryCall(step, action, async (box) => {
        expect(box.read(IDENTITY)).toBe('certificate and key\n');
        const agent = box.agent({}, HOLDER);
        await agent.lock(WHO);
        await agent.commit(await put(agent, NEW, 'reload', 60));
        expect(readdirSync(box.at(dirname(IDENTITY))).sort()).toEqual([
          'kubelet-client-bootstrap.pem',
          'kubelet-client-current.pem',
        ]);
        expect(readlinkSync(box.at(IDENTITY))).toBe('kubelet-client-bootstrap.pem');
        expect(box.read(IDENTITY)).toBe('certificate and key\n');
        expectClean(box);
      });
    }
  }, 600_000);

  test('is given up by a kill at any call and the same again, and never without a restart of the kubelet after it', async () => {
    const step: Step = {
      before: async (_, box) => {
        for (const path of ['kubelet.conf', 'pki/kubelet/client.crt', 'pki/kubelet/client.key'])
          box.write(`/etc/kubernetes/${path}`, 'x\n');
        box.write(IDENTITY, 'certificate and key\n', 0o600);
      },
      step: (agent) => agent.renewKubelet(),
    };
    for (const action of ['kill', 'fail'] as const) {
      await atEveryCall(step, action, async (box, error) => {
        if (!error) {
          expect(box.has(IDENTITY)).toBe(false);
          expect(box.systemctl()).toEqual(['restart kubelet.service']);
          return;
        }
        box.systemctl();
        const agent = box.agent({}, HOLDER);
        await agent.lock(WHO);
        await agent.renewKubelet();
        expect(box.has(IDENTITY)).toBe(false);
        expect(box.systemctl()).toEqual(['restart kubelet.service']);
      });
    }
  }, 600_000);
});

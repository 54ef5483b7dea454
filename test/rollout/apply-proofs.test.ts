import { describe, expect, test } from 'vitest';
import { makeBundle } from '../../src/bundle/bundle.ts';
import type { PodRun } from '../../src/rollout/agent.ts';
import { liveObserver } from '../../src/rollout/apply/live-observer.ts';
import type { Master } from '../../src/rollout/apply/master.ts';
import { judge, type ProofInput } from '../../src/rollout/apply/proofs.ts';
import type { ApiClient } from '../../src/rollout/probe/api-client.ts';
import { silentMember } from '../../src/rollout/probe/etcd-report.ts';
import { type MirrorPod, mirrorPodOf } from '../../src/rollout/probe/mirror-pod.ts';
import type { Sight } from '../../src/rollout/sight.ts';
import { fakeCluster, GOOD } from './apply-fixtures.ts';

const NAMES = ['kube-apiserver', 'kube-scheduler'];
const pods = NAMES.map((component) => ({
  component,
  mirror: `${component}-cp1`,
  inputsDigest: 'new',
  manifestDigest: 'new',
}));

const mirror = (digest: string, ready = true): MirrorPod =>
  mirrorPodOf({
    metadata: { annotations: { 'bootstrap/inputs-digest': digest, 'bootstrap/manifest-digest': digest } },
    status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  });

const input = (more: Partial<ProofInput> = {}): ProofInput => ({
  ...GOOD,
  pods,
  mirrors: new Map(pods.map((pod) => [pod.mirror, mirror('new')])),
  ...more,
});

const unmet = (more: Partial<ProofInput>): readonly string[] => {
  const seen = judge(input(more));
  return seen.kind === 'good' ? [] : [seen.kind, ...seen.unmet];
};

describe('a node has proven its revision', () => {
  test('where every pod is the new one and ready, and not before', () => {
    expect(judge(input())).toEqual({ kind: 'good' });
    const scheduler = (pod: MirrorPod) => ({
      mirrors: new Map(NAMES.map((name) => [`${name}-cp1`, name === 'kube-scheduler' ? pod : mirror('new')])),
    });
    expect(unmet(scheduler(mirror('old')))).toEqual(['not-yet', 'kube-scheduler: the pod is still the old one']);
    expect(unmet(scheduler(mirror('new', false)))).toEqual(['not-yet', 'kube-scheduler: the pod is not ready yet']);
    expect(unmet({ mirrors: 'unknown' })).toHaveLength(3);
  });

  test('where every pod that its revision takes away is gone', () => {
    expect(unmet({ lingering: ['etcd-cp1'] })).toEqual([
      'not-yet',
      'etcd-cp1: the pod is still there, but its manifest is gone',
    ]);
  });

  test('never by what the API said before its apiserver went down', () => {
    const stale = new Map(pods.map((pod) => [pod.mirror, mirror('old')]));
    // and what cannot be known now is not held against it
    expect(unmet({ apiServer: 'nobody listens there', mirrors: stale })).toEqual([
      'not-yet',
      'kube-apiserver: nobody listens there',
    ]);
  });

  test('it is given up where a container has crashed three times and is not well, and only then', () => {
    const crashes = (times: number) => new Map([['kube-apiserver-cp1', times]]);
    expect(unmet({ crashes: crashes(9) })).toEqual([]);
    const down = { apiServer: 'nobody listens there', mirrors: 'unknown' } as const;
    expect(unmet({ ...down, crashes: crashes(2) })[0]).toBe('not-yet');
    expect(unmet({ ...down, crashes: crashes(3) })).toEqual([
      'hopeless',
      'kube-apiserver: crashes (3 restarts)',
      'kube-apiserver: nobody listens there',
    ]);
  });

  test('that what does not run shows no certificate is not said as well', () => {
    const certificates = ['kube-apiserver: shows no certificate', 'etcd: serves another certificate than server.crt'];
    expect(unmet({ apiServer: 'nobody listens there', certificates })).toEqual([
      'not-yet',
      'kube-apiserver: nobody listens there',
      'etcd: serves another certificate than server.crt',
    ]);
  });
});

describe('what is seen of a live node', () => {
  /** A node whose bundle is a kubelet's configuration and an apiserver; a test says what it answers. */
  function node() {
    const state = { lease: '2030-01-01T00:00:00Z', kubelet: 'ok', runs: [] as PodRun[], apiServer: 'ok', etcd: 'ok' };
    const file = (path: string, text: string, effect: 'kubelet' | 'manifest') => ({
      path,
      content: Buffer.from(text),
      mode: 0o600,
      owner: 'root:root',
      sensitive: false,
      effect:
        effect === 'kubelet' ? ({ kind: 'kubelet' } as const) : ({ kind: 'manifest', pod: 'kube-apiserver' } as const),
    });
    const [base] = fakeCluster(['cp1']).masters;
    if (!base) throw new Error('no master');
    const master: Master = {
      ...base,
      bundle: makeBundle(
        'cp1',
        [],
        [
          file('/etc/kubernetes/manifests/kube-apiserver.yaml', 'metadata: {name: kube-apiserver}\n', 'manifest'),
          file('/var/lib/kubelet/config.yaml', 'healthzPort: 10999\n', 'kubelet'),
        ],
      ),
      agent: { ...base.agent, pods: async () => state.runs },
    };
    const api = {
      get: async (path: string) =>
        path.includes('/leases/')
          ? { spec: { renewTime: state.lease } }
          : { metadata: { annotations: {} }, status: { conditions: [{ type: 'Ready', status: 'True' }] } },
    } as unknown as ApiClient;
    const health = (seen: string) => ({ ok: seen === 'ok', failing: [], seen });
    const sight = {
      node: 'cp1',
      learn: () => {},
      api: async () => api,
      apiServer: async () => health(state.apiServer),
      kubelet: async (port: number) => health(port === 10_999 ? state.kubelet : `port ${port}`),
      etcd: async () => silentMember('cp1', 'x'),
      leaf: async () => undefined,
    } as unknown as Sight;
    const observer = liveObserver(new Map([['cp1', sight]]), ['cp1']);
    const look = async () => {
      const seen = judge(await observer.proofs(master));
      return seen.kind === 'good' ? [] : seen.unmet;
    };
    return { state, observer, master, look };
  }

  test('a kubelet that was restarted must have spoken to the apiserver since', async () => {
    const { state, observer, master, look } = node();
    await observer.begin(master, { stops: [], changed: [], heartbeat: true });
    expect(await look()).toEqual(['kubelet: has not spoken to the apiserver since its restart']);
    expect(await look()).toEqual(['kubelet: has not spoken to the apiserver since its restart']);
    state.lease = '2030-01-01T00:00:10Z';
    expect(await look()).toEqual([]);
    await observer.begin(master, { stops: [], changed: [], heartbeat: false });
    expect(await look()).toEqual([]);
  });

  test('a kubelet that systemd calls active, but that does not say itself that it is well, is not', async () => {
    const { state, observer, master, look } = node();
    await observer.begin(master, { stops: [], changed: [], heartbeat: false });
    state.kubelet = 'nobody listens there';
    expect(await look()).toEqual(['kubelet: nobody listens there']);
    state.kubelet = 'ok';
    expect(await look()).toEqual([]);
  });

  test('restarts from before are not counted, those of a pod that has come again are', async () => {
    const { state, observer, master } = node();
    const run = (restarts: number) => [{ pod: 'kube-apiserver-cp1', uid: 'u', restarts }];
    state.runs = run(4);
    await observer.begin(master, { stops: [], changed: [], heartbeat: false });
    const crashes = async () => (await observer.proofs(master)).crashes.get('kube-apiserver-cp1');
    expect(await crashes()).toBe(0);
    state.runs = run(6);
    expect(await crashes()).toBe(2);
    state.runs = run(3);
    expect(await crashes()).toBe(3);
  });
});

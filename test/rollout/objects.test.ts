import { describe, expect, it } from 'vitest';
import { clusterObjects } from '../../src/render/cluster/cluster-objects.ts';
import { type ClusterObjects, objectName } from '../../src/render/cluster/object.ts';
import { below } from '../../src/render/json.ts';
import { applyObjects, keptWarning } from '../../src/rollout/objects/apply-objects.ts';
import { diffObjects } from '../../src/rollout/objects/diff-objects.ts';
import { notRegistered } from '../../src/rollout/objects/mark-nodes.ts';
import { type Patience, patience } from '../../src/rollout/objects/object-api.ts';
import { clusterOf, contextFor, fakePki, specOf } from '../render/fixtures.ts';
import { failureOf } from './failure-of.ts';
import { objectsServer } from './objects-server.ts';

const COREFILE = '/api/v1/namespaces/kube-system/configmaps/coredns';
const INFO = '/api/v1/namespaces/kube-public/configmaps/cluster-info';
const COREDNS = '/apis/apps/v1/namespaces/kube-system/deployments/coredns';

/** Everything for one master, or what `more` makes of it; nodes are left out where they do not matter. */
async function wanted(more: object = {}, nodes = false): Promise<ClusterObjects> {
  const cluster = clusterOf(specOf(1, more));
  const all = clusterObjects(cluster, fakePki(cluster), await contextFor(cluster));
  return nodes ? { objects: [], nodes: all.nodes } : { ...all, nodes: [] };
}

/** A clock that goes on only while one waits, so that tests wait for nothing. */
function quick(seconds: number): Patience & { readonly waited: number[] } {
  let time = 0;
  const waited: number[] = [];
  const pause = async (ms: number) => {
    waited.push(ms);
    time += ms;
  };
  return { seconds, now: () => time, pause, waited };
}

describe('applying objects', () => {
  it('makes all of them, what others need first, and changes nothing the second time', async () => {
    const { api, stored } = await objectsServer();
    const all = await wanted();
    expect((await diffObjects(api, all)).every(({ kind }) => kind === 'create')).toBe(true);
    expect(stored.size).toBe(0);

    const first = await applyObjects(api, all);
    expect(first.kept).toEqual([]);
    expect(first.outcomes.map(({ outcome }) => outcome)).toEqual(all.objects.map(() => 'created'));
    const kinds = first.outcomes.map(({ object }) => object.split(' ')[0]);
    expect([...new Set(kinds)]).toEqual([
      'ServiceAccount',
      'ClusterRole',
      'ClusterRoleBinding',
      'Role',
      'RoleBinding',
      'ConfigMap',
      'Service',
      'Deployment',
      'DaemonSet',
    ]);

    const before = new Map(stored);
    expect(await diffObjects(api, all)).toEqual([]);
    expect((await applyObjects(api, all)).outcomes.map(({ outcome }) => outcome)).toEqual(
      all.objects.map(() => 'unchanged'),
    );
    expect(new Map(stored)).toEqual(before);
  });

  it('names just the fields that a changed cluster file changes', async () => {
    const { api } = await objectsServer();
    await applyObjects(api, await wanted());
    const changed = await wanted({ dns: { imageTag: 'v9.9.9' } });
    const expected = [
      { kind: 'change', object: 'ConfigMap kube-system/kubeadm-config', fields: ['data.ClusterConfiguration'] },
      {
        kind: 'change',
        object: 'Deployment kube-system/coredns',
        fields: ['spec.template.spec.containers[0].image'],
      },
    ];
    expect(await diffObjects(api, changed)).toEqual(expected);
    const { outcomes } = await applyObjects(api, changed);
    expect(outcomes.filter(({ outcome }) => outcome !== 'unchanged').map(({ object }) => object)).toEqual(
      expected.map(({ object }) => object),
    );
    expect(await diffObjects(api, changed)).toEqual([]);
  });

  it('leaves a field to whoever else has set it, says so, and applies the rest', async () => {
    const { api, stored, edit } = await objectsServer();
    await applyObjects(api, await wanted());
    edit(COREFILE, ['data', 'Corefile'], 'mine', 'kubectl-edit');
    edit(COREDNS, ['spec', 'template', 'spec', 'containers', '[name="coredns"]', 'image'], 'mine:1', 'kubectl-set');
    const again = await wanted({ networking: { dnsDomain: 'other.local' } });

    const seen: string[] = [];
    await diffObjects(api, again, { onKept: ({ field, manager }) => seen.push(`${field} ${manager}`) });
    const { kept, outcomes } = await applyObjects(api, again);
    expect(kept.map(({ field, manager }) => `${field} ${manager}`)).toEqual(seen);
    expect(kept.map(keptWarning).map(({ message }) => message)).toEqual([
      expect.stringContaining('ConfigMap kube-system/coredns: .data.Corefile stays as "kubectl-edit" has set it'),
      expect.stringContaining('.spec.template.spec.containers[name="coredns"].image stays as "kubectl-set"'),
    ]);
    expect(below(stored.get(COREFILE)?.object, 'data', 'Corefile')).toBe('mine');
    expect(outcomes.find(({ object }) => object.endsWith('kubelet-config'))?.outcome).toBe('unchanged');
    expect(outcomes.find(({ object }) => object === 'ConfigMap kube-system/kubelet-config')?.outcome).toBe('changed');
    expect(await diffObjects(api, again)).toEqual([]);
  });

  it('leaves the signatures of tokens in cluster-info', async () => {
    const { api, stored, edit } = await objectsServer();
    await applyObjects(api, await wanted());
    edit(INFO, ['data', 'jws-kubeconfig-abcdef'], 'x..y', 'kube-controller-manager');
    await applyObjects(api, await wanted({ controlPlaneEndpoint: 'new.example.com' }));
    expect(below(stored.get(INFO)?.object, 'data', 'jws-kubeconfig-abcdef')).toBe('x..y');
    expect(below(stored.get(INFO)?.object, 'data', 'kubeconfig')).toContain('https://new.example.com:6443');
  });

  it('outlasts an apiserver that is not there, busy, or restarting, within its time', async () => {
    const { api, mishaps } = await objectsServer();
    mishaps.push(503, 'cut', 429, 500, 'cut');
    const patient = quick(60);
    const { outcomes } = await applyObjects(api, await wanted(), { patience: patient });
    expect(outcomes.every(({ outcome }) => outcome === 'created')).toBe(true);
    expect(patient.waited.length).toBeGreaterThanOrEqual(4);
  });

  it('gives up when its time is over, saying what was answered', async () => {
    const { api, mishaps } = await objectsServer();
    mishaps.push(...Array.from({ length: 500 }, () => 503));
    const error = await failureOf(applyObjects(api, await wanted(), { patience: quick(5) }));
    expect(error.code).toBe('failed');
    expect(error.message).toMatch(/ServiceAccount kube-system\/.* \(503 Mishap\): not just now$/);
  });

  it('stops at once where it is interrupted', async () => {
    const { api, stored } = await objectsServer();
    const stop = new AbortController();
    stop.abort();
    const error = await failureOf(applyObjects(api, await wanted(), { patience: patience(60, stop.signal) }));
    expect(error.message).toBe('interrupted');
    expect(stored.size).toBe(0);
  });

  it('does not repeat what the apiserver refuses', async () => {
    const { api, mishaps, requests } = await objectsServer();
    const [object] = (await wanted()).objects;
    if (!object) throw new Error('no object');
    mishaps.push(403);
    const error = await failureOf(applyObjects(api, { objects: [object], nodes: [] }, { patience: quick(60) }));
    expect(error.message).toBe(`the apiserver does not show ${objectName(object)} (403 Mishap): not just now`);
    expect(requests).toHaveLength(1);
  });
});

describe('marking masters', () => {
  const node = (labels: Readonly<Record<string, string>>, taints: readonly object[] = []) =>
    JSON.parse(JSON.stringify({ kind: 'Node', metadata: { name: 'cp1', labels }, spec: { taints } }));
  const NODE = '/api/v1/nodes/cp1';
  const CONTROL_PLANE = { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' };
  const NOT_READY = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };

  it('adds labels and the taint to a new node and leaves those of others', async () => {
    const { api, stored, put } = await objectsServer();
    put(NODE, node({ 'kubernetes.io/hostname': 'cp1' }, [NOT_READY]));
    const marks = await wanted({}, true);
    expect(await diffObjects(api, marks)).toEqual([
      {
        kind: 'change',
        object: 'Node cp1',
        fields: [
          'metadata.labels["node-role.kubernetes.io/control-plane"]',
          'metadata.labels["node.kubernetes.io/exclude-from-external-load-balancers"]',
          'spec.taints',
        ],
      },
    ]);
    await applyObjects(api, marks);
    expect(stored.get(NODE)?.object).toMatchObject({
      metadata: {
        labels: {
          'kubernetes.io/hostname': 'cp1',
          'node-role.kubernetes.io/control-plane': '',
          'node.kubernetes.io/exclude-from-external-load-balancers': '',
        },
      },
      spec: { taints: [NOT_READY, CONTROL_PLANE] },
    });
    expect(await diffObjects(api, marks)).toEqual([]);
    expect((await applyObjects(api, marks)).outcomes).toEqual([
      { object: 'Node cp1', outcome: 'unchanged', fields: [] },
    ]);
  });

  it('does not put back the default taint that a user has taken away', async () => {
    const { api, put } = await objectsServer();
    put(NODE, node({ 'node-role.kubernetes.io/control-plane': '' }));
    expect(await diffObjects(api, await wanted({}, true))).toEqual([]);
  });

  it('puts back labels and taints that the cluster file gives', async () => {
    const { api, stored, put } = await objectsServer();
    put(NODE, node({ 'node-role.kubernetes.io/control-plane': '', zone: 'b' }, [NOT_READY]));
    const taint = { key: 'only', value: 'db', effect: 'NoExecute' };
    const nodes = [{ name: 'cp1', addresses: ['10.0.0.11'], labels: { zone: 'a' }, taints: [taint] }];
    await applyObjects(api, await wanted({ nodes }, true));
    expect(below(stored.get(NODE)?.object, 'metadata', 'labels', 'zone')).toBe('a');
    expect(below(stored.get(NODE)?.object, 'spec', 'taints')).toEqual([NOT_READY, taint]);
  });

  it('loses no taint that somebody adds in the same moment', async () => {
    const server = await objectsServer();
    server.put(NODE, node({}));
    let once = true;
    server.beforePatch = () => {
      if (once) server.put(NODE, node({}, [NOT_READY]));
      once = false;
    };
    await applyObjects(server.api, await wanted({}, true));
    expect(below(server.stored.get(NODE)?.object, 'spec', 'taints')).toEqual([NOT_READY, CONTROL_PLANE]);
  });

  it('waits for a node to register, and says so where it does not', async () => {
    const server = await objectsServer();
    const marks = await wanted({}, true);
    expect(await diffObjects(server.api, marks)).toEqual([]);
    const patient = quick(20);
    const pause = async (ms: number, signal: AbortSignal | undefined) => {
      await patient.pause(ms, signal);
      if (patient.waited.length === 3) server.put(NODE, node({}));
    };
    const { outcomes } = await applyObjects(server.api, marks, { nodePatience: { ...patient, pause } });
    expect(outcomes[0]?.outcome).toBe('changed');

    server.stored.clear();
    const { unregistered } = await applyObjects(server.api, marks, { nodePatience: quick(20) });
    expect(unregistered).toEqual(['cp1']);
    const error = notRegistered(unregistered, 20);
    expect(error.message).toBe('the node cp1 has not registered within 20 s');
    expect(error.hint).toContain('kubelet');
  });

  it('keeps no node waiting for another, however many are missing', async () => {
    const server = await objectsServer();
    const names = ['cp1', 'cp2', 'cp3', 'cp4', 'cp5'];
    const nodes = names.map((name, i) => ({ name, addresses: [`10.0.0.${11 + i}`] }));
    server.put('/api/v1/nodes/cp5', node({}));
    const marks = await wanted({ controlPlaneEndpoint: 'lb.example.com', nodes }, true);
    const marked: string[] = [];
    const asked: (readonly string[])[] = [];
    const { unregistered } = await applyObjects(server.api, marks, {
      nodePatience: quick(20),
      onProgress: ({ object }) => marked.push(object),
      onWaiting: (missing) => {
        if (!asked.length) server.put('/api/v1/nodes/cp2', node({}));
        asked.push(missing);
      },
    });
    expect(marked).toEqual(['Node cp5', 'Node cp2']);
    expect(asked[0]).toEqual(['cp1', 'cp2', 'cp3', 'cp4']);
    expect(unregistered).toEqual(['cp1', 'cp3', 'cp4']);
    const told: string[] = [];
    await diffObjects(server.api, marks, { onUnregistered: (name) => told.push(name) });
    expect(told.sort()).toEqual(unregistered);
  });
});

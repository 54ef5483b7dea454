import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BootstrapError } from '../../src/base/errors.ts';
import { movedSince } from '../../src/rollout/plan/moved-since.ts';
import { planDocument } from '../../src/rollout/plan/plan-document.ts';
import { readPlanDocument } from '../../src/rollout/plan/read-plan-document.ts';
import type { Plan } from '../../src/rollout/plan.ts';
import { render, specOf } from '../render/fixtures.ts';
import { edited, type FakeNode, MANIFESTS, nodeWith, planOf } from './plan-fixtures.ts';

const ORIGIN = { clusterDigest: 'c1', at: '2026-07-28T12:00:00.000Z', by: 'ann@desk' };
const before = (await render(specOf(3))).bundles;
const after = (await render(specOf(3, { apiServer: { extraArgs: { v: 4 } } }))).bundles;
const nodes = before.map((bundle) => nodeWith(bundle));
const plan = planOf(after, nodes);

const moved = (now: Plan, clusterDigest = ORIGIN.clusterDigest, then = plan) =>
  movedSince(readPlanDocument(planDocument(then, ORIGIN)), now, clusterDigest);
const withSecond = (node: FakeNode): readonly FakeNode[] => nodes.map((each, i) => (i === 1 ? node : each));
const second = nodes[1] ?? nodes[0];
if (!second) throw new Error('no node');

describe('a plan file', () => {
  test('says when, by whom and for which cluster it was made, and the plan as -o json does', () => {
    const data = JSON.parse(planDocument(plan, ORIGIN));
    expect(data).toMatchObject({ kind: 'Plan', format: 1, ...ORIGIN, cluster: 'prod', mode: 'rolling', changes: true });
    expect(data.nodes[0].files[0]).toMatchObject({ kind: 'change', effect: 'manifest', sensitive: false });
    expect(data.nodes[0].files[0].diff).toContain('+    - --v=4');
  });

  test('still holds where nothing has moved', () => {
    expect(moved(planOf(after, nodes))).toEqual([]);
  });

  test('still holds after a change of the cluster file that changes nothing', () => {
    expect(moved(plan, 'c2')).toEqual([]);
  });

  test('still holds where another member leads or is unwell: apply looks at that itself', () => {
    const etcd = {
      dead: new Set<string>(),
      answering: new Set(['cp1', 'cp2']),
      healthy: new Set(['cp1', 'cp2']),
      leader: 'cp2',
    };
    expect(moved(planOf(after, nodes, { etcd }))).toEqual([]);
  });

  test('names the files that are wanted otherwise now, and what has moved them', async () => {
    const path = `${MANIFESTS}/kube-apiserver.yaml`;
    const other = (await render(specOf(3, { apiServer: { extraArgs: { v: 5 } } }))).bundles;
    expect(moved(planOf(other, nodes), 'c2')).toEqual(
      ['cp2', 'cp3', 'cp1'].map((node) => `${node}: what is wanted has changed, with the cluster file: ${path}`),
    );
    expect(moved(planOf(other, nodes))[0]).toContain('with the PKI, or this program');
    // as it is on the node already
    expect(moved(planOf(before, nodes), 'c2')[0]).toBe(
      `cp2: what is wanted has changed, with the cluster file: ${path}`,
    );
  });

  test('names what has moved on a node', () => {
    const path = '/etc/kubernetes/pki/sa.pub';
    expect(moved(planOf(after, withSecond(edited(second, path, 'x'))))).toEqual([
      `cp2: files have changed on the node: ${path}`,
    ]);
    const newer = { ...second, facts: { ...second.facts, current: 4 } };
    expect(moved(planOf(after, withSecond(newer)))).toEqual(['cp2: revision 3 then, revision 4 now']);
    const stray = edited(second, `${MANIFESTS}/x`, 'x');
    expect(moved(planOf(after, withSecond(stray)))).toEqual([`cp2: new in the manifests directory: ${MANIFESTS}/x`]);
    const transaction = { state: 'placed', to: 4, digest: '', from: 3 } as const;
    expect(moved(planOf(after, withSecond({ ...second, facts: { ...second.facts, transaction } })))).toEqual([
      'cp2: revision 4 is under way now',
    ]);
  });

  test('names nodes that have come and gone, another mode, other API objects and another cluster', () => {
    expect(moved(planOf(after.slice(0, 2), nodes))).toEqual(['cp3: is not among the nodes any more']);
    const fewer = planOf(after.slice(0, 2), nodes);
    expect(moved(plan, 'c1', fewer)).toEqual(['cp3: was not among the nodes then']);
    const down = {
      dead: new Set(['cp1', 'cp2', 'cp3']),
      answering: new Set<string>(),
      healthy: new Set<string>(),
      leader: undefined,
    };
    expect(moved(planOf(after, nodes, { etcd: down }))[0]).toBe('it was a rolling then, it is a cold-start now');
    const objects = [{ kind: 'create', object: 'ConfigMap kube-system/coredns', fields: [] }] as const;
    expect(moved(planOf(after, nodes, { objects }))).toEqual([
      'API objects have changed: ConfigMap kube-system/coredns',
    ]);
    expect(moved(planOf(after, nodes, { objects: undefined }))).toEqual(['the API does not answer now']);
    expect(moved({ ...plan, cluster: 'test' })).toEqual(['the plan is for cluster "prod", not "test"']);
  });
});

describe('what is no plan file', () => {
  const complaint = (text: string): string => {
    try {
      readPlanDocument(text, 'plan.json');
      return '';
    } catch (error) {
      if (error instanceof BootstrapError && error.code === 'usage') return error.message;
      throw error;
    }
  };

  test('is refused with the place and what is wrong there', () => {
    const text = planDocument(plan, ORIGIN);
    expect(complaint('nonsense')).toBe('plan.json: is not JSON, so no plan');
    expect(complaint('[]')).toBe('plan.json: is not a map');
    expect(complaint('{"kind": "Cluster"}')).toBe('plan.json: is not a plan of bootstrap');
    expect(complaint(text.replace('"format": 1', '"format": 2'))).toBe(
      'plan.json: format: 2 is of another version of bootstrap; this one reads 1',
    );
    expect(complaint(text.replace('"digest": "', '"digest": 5, "x": "'))).toBe(
      'plan.json: nodes[0].digest: is not a text',
    );
    expect(complaint(text.replace('"strays": []', '"strays": {}'))).toBe('plan.json: nodes[0].strays: is not a list');
  });

  test('never gets further, whatever value of it is another one', () => {
    const data = JSON.parse(planDocument(planOf(after.slice(0, 1), nodes), ORIGIN));
    const spots: { readonly holder: Record<string, unknown>; readonly key: string }[] = [];
    const walk = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      for (const key of Object.keys(value)) {
        spots.push({ holder: value as Record<string, unknown>, key });
        walk((value as Record<string, unknown>)[key]);
      }
    };
    walk(data);
    fc.assert(
      fc.property(fc.constantFrom(...spots), fc.jsonValue(), ({ holder, key }, value) => {
        const kept = holder[key];
        holder[key] = value;
        try {
          complaint(JSON.stringify(data));
        } finally {
          holder[key] = kept;
        }
      }),
    );
  });
});

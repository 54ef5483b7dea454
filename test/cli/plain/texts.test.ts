import { createColors } from 'picocolors';
import { describe, expect, test } from 'vitest';
import { BootstrapError } from '../../../src/base/errors.ts';
import { chosenNodes, machinesFor, neededNodes, nodeNamed } from '../../../src/cli/nodes.ts';
import { planText } from '../../../src/cli/plan-text.ts';
import { refuseUnreached } from '../../../src/cli/rollout/unreached.ts';
import { statusData } from '../../../src/cli/status-data.ts';
import { statusText } from '../../../src/cli/status-text.ts';
import { planWithoutMasters } from '../../../src/rollout/plan/make-plan.ts';
import { movedSince } from '../../../src/rollout/plan/moved-since.ts';
import { planData } from '../../../src/rollout/plan/plan-data.ts';
import { planDocument } from '../../../src/rollout/plan/plan-document.ts';
import { planChanges } from '../../../src/rollout/plan/plan-node.ts';
import { readPlanDocument } from '../../../src/rollout/plan/read-plan-document.ts';
import type { Plan } from '../../../src/rollout/plan.ts';
import type { ClusterObservation, NodeObservation } from '../../../src/rollout/status/observe.ts';
import { statusOf } from '../../../src/rollout/status/status-of.ts';
import { bundleOf, webFile } from '../../rollout/plain/plain-fixtures.ts';
import { edited, MANIFESTS, nodeWith, planned, planOf } from '../../rollout/plan-fixtures.ts';
import { NOW, nodeOf, reached, bundleOf as statusBundle, wellCluster } from '../../rollout/status-fixtures.ts';
import { clusterOf, file, THREE } from '../../support/spec.ts';

const color = createColors(false);
const textOf = (plan: Plan) => planText(plan, { color, columns: 80, verbose: false, quiet: false });
const hostPlan = (name: string, image: string) =>
  planned(bundleOf(name, webFile(image)), nodeWith(bundleOf(name, webFile('web:1')), 3, { hasEtcdData: false }));
const withHosts = (image: string, ...names: readonly string[]): Plan => ({
  ...planWithoutMasters('prod'),
  plainNodes: names.map((name) => hostPlan(name, image)),
});

describe('a plan with plain nodes', () => {
  test('says in which order they come, and nothing of etcd where there is none', () => {
    const text = textOf(withHosts('web:2', 'node01', 'node02', 'node03'));
    expect(text).toContain('node01, node02, node03  revision 3 → new');
    expect(text).toContain('order    node01, then up to 4 at a time: node02, node03\n');
    expect(text).toContain('3 nodes change (3 files); restarts: default/web on each; nothing else stops');
    expect(text).not.toMatch(/etcd|objects/);
    expect(textOf(withHosts('web:2', 'node01'))).not.toContain('order');
  });

  test('has them behind the masters, and the quorum does not count them', () => {
    const master = bundleOf('cp1', webFile('a', 'other'));
    const plan: Plan = {
      ...planOf([master], [edited(nodeWith(master), `${MANIFESTS}/default_other.yaml`, undefined)]),
      plainNodes: [hostPlan('node01', 'web:2')],
    };
    expect(textOf(plan)).toContain(
      'order    after the masters node01\netcd     1 member, 1 needed, 1 up, none restarts',
    );
    expect(planData(plan)['nodes']).toMatchObject([
      { node: 'cp1', role: 'master' },
      { node: 'node01', role: 'node' },
    ]);
  });

  test('that changes nothing says so of all', () => {
    const plan = withHosts('web:1', 'node01', 'node02');
    expect(planChanges(plan)).toBe(false);
    expect(textOf(plan)).toBe('nothing to do: 2 nodes are at revision 3, as cluster.yaml says');
  });

  test('no longer holds where one of them has moved', () => {
    const origin = { clusterDigest: 'c', at: '', by: '' };
    const kept = readPlanDocument(planDocument(withHosts('web:2', 'node01', 'node02'), origin));
    expect(movedSince(kept, withHosts('web:2', 'node01', 'node02'), 'c')).toEqual([]);
    expect(movedSince(kept, withHosts('web:2', 'node01'), 'c')).toEqual(['node02: is not among the nodes any more']);
    expect(movedSince(kept, withHosts('web:3', 'node01', 'node02'), 'd')).toEqual([
      `node01: what is wanted has changed, with the cluster file: ${MANIFESTS}/default_web.yaml`,
      `node02: what is wanted has changed, with the cluster file: ${MANIFESTS}/default_web.yaml`,
    ]);
  });
});

describe('the status of plain nodes', () => {
  const host = (name: string, more: Partial<NodeObservation> = {}): NodeObservation => ({
    ...nodeOf(name),
    isPlain: true,
    contact: reached({ hasEtcdData: false, manifests: ['default_web.yaml'] }, name),
    pods: undefined,
    health: { kubelet: { ok: true, failing: [], seen: 'ok' } },
    manifests: new Map(),
    certificates: [],
    served: [],
    ...more,
  });
  const shown = (observed: ClusterObservation) => {
    const wanted = observed.nodes.map(({ node }) => ({ ...statusBundle('cp1'), node }));
    const status = statusOf(observed, wanted, NOW);
    return { status, text: statusText(status, { columns: 80, color }) };
  };

  test('has a kubelet and nothing of the control plane', () => {
    const well = wellCluster();
    const { status, text } = shown({ ...well, nodes: [...well.nodes, host('node01')] });
    expect(text).toMatch(/3 masters, 1 node, /);
    expect(text).toMatch(/^node01 {2}ok {7}- {12}- {10}- {11}- {10}4$/m);
    expect(status.problems).toEqual([]);
    expect(statusData(status)).toMatchObject({ nodes: [{ role: 'master' }, {}, {}, { role: 'node' }] });
  });

  test('needs no master, and says what is wrong there', () => {
    const observed: ClusterObservation = {
      ...wellCluster(),
      members: [],
      etcd: { kind: 'none' },
      nodes: [
        host('node01', { health: { kubelet: { ok: false, failing: ['syncloop'], seen: 'not ready: syncloop' } } }),
        host('node02', { strays: ['/etc/kubernetes/manifests/etcd-exporter.yaml'] }),
      ],
    };
    const { status, text } = shown(observed);
    expect(text).toMatch(/NODE {4}KUBELET {2}REVISION\nnode01 {2}failing {2}4\nnode02 {2}ok {7}4, 1 stray file\n/);
    expect(status.etcd).toBeUndefined();
    expect(status.problems.map(({ code, node, severity }) => [code, node, severity])).toEqual([
      ['component', 'node01', 'error'],
      ['stray', 'node02', 'warning'],
    ]);
  });
});

describe('--node', () => {
  const cluster = clusterOf(
    file(
      `${THREE}\n  - {name: node01, role: node, addresses: [10.0.0.21]}\n  - {name: node02, role: node, addresses: [10.0.0.22]}`,
    ),
  );
  const masters = ['cp1', 'cp2', 'cp3'];

  test('names plain nodes as well as masters', () => {
    expect(nodeNamed(cluster, 'node02').role).toBe('node');
    expect([...chosenNodes(cluster, undefined)]).toEqual([...masters, 'node01', 'node02']);
    expect(() => chosenNodes(cluster, ['node03'])).toThrow('there is no node "node03"');
  });

  test('makes a plain node one that must be reached; of all together one may be away', () => {
    const of = (...names: readonly string[]) => [...neededNodes(cluster, chosenNodes(cluster, names), names)];
    expect(of()).toEqual(masters);
    expect(of('node01')).toEqual(['node01']);
    expect([...neededNodes(cluster, chosenNodes(cluster, undefined), undefined)]).toEqual(masters);
  });

  test('of plain nodes alone leaves the masters out of it', () => {
    expect([...machinesFor(cluster, new Set(['node01']))]).toEqual(['node01']);
    expect([...machinesFor(cluster, new Set(['cp2', 'node01']))]).toEqual([...masters, 'node01']);
  });
});

test('where none of several nodes can be reached, that is said of each', () => {
  const away = (node: string) => [node, new BootstrapError('unreachable', `${node}: no route to host`)] as const;
  expect(() => refuseUnreached(new Map([away('node01')]))).toThrow('node01: no route to host');
  expect(() => refuseUnreached(new Map([away('node01'), away('node02')]))).toThrow(
    'none of the 2 nodes can be reached\n  node01: no route to host\n  node02: no route to host',
  );
});

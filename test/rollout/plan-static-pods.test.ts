import { createColors } from 'picocolors';
import { describe, expect, test } from 'vitest';
import type { Bundle } from '../../src/bundle/bundle.ts';
import { planText } from '../../src/cli/plan-text.ts';
import { wantedPods } from '../../src/rollout/apply/wanted.ts';
import { render, specOf } from '../render/fixtures.ts';
import { manifest } from '../render/static-pods/fixtures.ts';
import { bareNode, edited, nodeWith, planned, planOf } from './plan-fixtures.ts';

const FILE = '/etc/kubernetes/manifests/default_static-web.yaml';
const pod = (spec: object = {}) => ({ manifest: manifest(spec, { name: 'static-web' }), nodes: ['cp2'] });
const bundlesOf = async (...staticPods: readonly object[]): Promise<readonly Bundle[]> =>
  (await render(specOf(3, { staticPods }))).bundles;

const without = await bundlesOf();
const withPod = await bundlesOf(pod());
const changed = await bundlesOf(pod({ hostNetwork: true }));
const other = await bundlesOf({ ...pod(), name: 'other' });

const podsOf = (wanted: readonly Bundle[], there: readonly Bundle[]) =>
  planOf(
    wanted,
    there.map((bundle) => nodeWith(bundle)),
  ).nodes.flatMap(({ node, pods }) => pods.map(({ pod, kind, why }) => `${node} ${pod} ${kind}: ${why.join('; ')}`));

describe("a user's static pod in a plan", () => {
  test('starts, restarts and stops with its manifest, and nothing else does', () => {
    expect(podsOf(withPod, without)).toEqual(['cp2 default/static-web start: its manifest is new']);
    expect(podsOf(changed, withPod)).toEqual(['cp2 default/static-web restart: its manifest changes (hostNetwork)']);
    expect(podsOf(without, withPod)).toEqual(['cp2 default/static-web stop: its manifest goes']);
    expect(podsOf(withPod, withPod)).toEqual([]);
  });

  test('under another name it is another pod', () => {
    expect(podsOf(other, withPod)).toEqual([
      'cp2 default/other start: its manifest is new',
      'cp2 default/static-web stop: its manifest goes',
    ]);
  });

  test('is told as starting', () => {
    const plan = planOf(
      withPod,
      without.map((bundle) => nodeWith(bundle)),
    );
    const text = planText(plan, { color: createColors(false), columns: 80, verbose: false, quiet: false });
    expect(text).toContain(`+ ${FILE}`);
    expect(text).toContain('default/static-web starts: its manifest is new');
  });

  test('is part of a first boot', () => {
    const plan = planOf(
      withPod,
      withPod.map(() => bareNode()),
    );
    expect(plan.nodes[1]?.pods.map(({ pod }) => pod)).toContain('default/static-web');
  });

  test('is no stray, and a copy of it is one that is told apart', () => {
    const [, bundle] = withPod;
    if (!bundle) throw new Error('no bundle');
    const content = bundle.files.find(({ path }) => path === FILE)?.content;
    const plan = planned(bundle, edited(nodeWith(bundle), `${FILE}.bak`, content));
    expect(plan.strays).toEqual([`${FILE}.bak`]);
    expect(plan.clashes).toEqual([{ path: `${FILE}.bak`, pod: 'static-web', ours: FILE, wins: true }]);
  });

  test('is proven by its mirror pod in its own namespace', () => {
    const [, bundle] = withPod;
    const wanted = bundle ? wantedPods(bundle) : [];
    expect(wanted.map(({ component, mirror }) => `${component} ${mirror}`)).toEqual([
      'default/static-web default/static-web-cp2',
      'etcd etcd-cp2',
      'kube-apiserver kube-apiserver-cp2',
      'kube-controller-manager kube-controller-manager-cp2',
      'kube-scheduler kube-scheduler-cp2',
    ]);
    for (const { manifestDigest } of wanted) expect(manifestDigest).toMatch(/^[0-9a-f]{64}$/);
  });
});

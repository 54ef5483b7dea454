import { describe, expect, test } from 'vitest';
import { type Bundle, type BundleFile, makeBundle } from '../../src/bundle/bundle.ts';
import { nodeChanges } from '../../src/rollout/plan/plan-node.ts';
import type { NodePlan } from '../../src/rollout/plan.ts';
import { type Output, render, specOf } from '../render/fixtures.ts';
import { bareNode, edited, MANIFESTS, nodeWith, planned } from './plan-fixtures.ts';

const APISERVER = `${MANIFESTS}/kube-apiserver.yaml`;
const CONFIG = '/var/lib/kubelet/config.yaml';
const DROP_IN = '/etc/systemd/system/kubelet.service.d/20-bootstrap.conf';
const KUBELET_KEY = '/etc/kubernetes/pki/kubelet/client.key';

const first = ({ bundles: [bundle] }: Output): Bundle => {
  if (!bundle) throw new Error('nothing was rendered');
  return bundle;
};
const bundleOf = async (more: object = {}): Promise<Bundle> => first(await render(specOf(1, more)));
const bundle = await bundleOf();

const paths = ({ changes }: NodePlan) => changes.map(({ kind, path }) => `${kind} ${path}`);
const pods = (plan: NodePlan) => plan.pods.map(({ pod, kind, why }) => `${pod} ${kind}: ${why.join('; ')}`);
const replaced = (of: Bundle, path: string, change: Partial<BundleFile>): Bundle =>
  makeBundle(
    of.node,
    of.directories,
    of.files.map((file) => (file.path === path ? { ...file, ...change } : file)),
  );
const contentOf = (of: Bundle, path: string): string =>
  of.files.find((file) => file.path === path)?.content.toString() ?? '';

describe('a node on which nothing was ever delivered', () => {
  const plan = planned(bundle, bareNode());

  test('gets every file, starts the kubelet and all pods', () => {
    expect(plan.changes.map(({ path }) => path)).toEqual(bundle.files.map(({ path }) => path));
    expect(new Set(plan.changes.map(({ kind }) => kind))).toEqual(new Set(['create']));
    expect(plan.kubelet).toBe('start');
    expect(plan.kubeletWhy).toContain('first delivery');
    expect(plan.pods.map(({ pod, kind }) => `${pod} ${kind}`)).toEqual([
      'etcd start',
      'kube-apiserver start',
      'kube-controller-manager start',
      'kube-scheduler start',
    ]);
  });

  test('has a file that lies there already replaced, and says so', () => {
    const taken = edited(bareNode(), CONFIG, 'kind: Other\n');
    const { changes } = planned(bundle, taken);
    expect(changes.find(({ path }) => path === CONFIG)).toMatchObject({ kind: 'change', rewritten: true });
  });
});

describe('a node that has what is wanted', () => {
  test('has nothing planned for it', () => {
    const plan = planned(bundle, nodeWith(bundle));
    expect(plan).toMatchObject({ changes: [], drift: [], strays: [], kubelet: 'none', pods: [], recorded: true });
    expect(nodeChanges(plan)).toBe(false);
  });

  test('gets another certificate for its kubelet where one was issued, and nothing restarts for it', () => {
    const issued = replaced(bundle, KUBELET_KEY, { content: Buffer.from('another one') });
    const plan = planned(issued, nodeWith(bundle));
    expect(paths(plan)).toEqual([`change ${KUBELET_KEY}`]);
    expect(plan).toMatchObject({ kubelet: 'none', pods: [] });
  });

  test('has its kubelet started where it does not run, or would not after a boot', () => {
    const failed = planned(bundle, nodeWith(bundle, 3, { kubelet: { active: 'failed', enabled: 'enabled' } }));
    expect(failed).toMatchObject({ kubelet: 'start', kubeletWhy: ['it is failed'] });
    const disabled = planned(bundle, nodeWith(bundle, 3, { kubelet: { active: 'active', enabled: 'disabled' } }));
    expect(disabled.kubelet).toBe('start');
    expect(disabled.kubeletWhy.join()).toContain('does not come up at boot');
  });

  test('is left alone without systemd', () => {
    expect(planned(bundle, nodeWith(bundle, 3, { kubelet: { active: 'unknown', enabled: 'unknown' } })).kubelet).toBe(
      'none',
    );
  });
});

describe('every single file', () => {
  test('appears, and it alone, where it was changed on the node', () => {
    for (const { path } of bundle.files) {
      const plan = planned(bundle, edited(nodeWith(bundle), path, 'something else\n'));
      expect(paths(plan), path).toEqual([`change ${path}`]);
      expect(plan.drift.map((drift) => drift.path)).toEqual([path]);
    }
  });

  test('appears, and it alone, where it is gone from the node', () => {
    for (const { path } of bundle.files) {
      expect(paths(planned(bundle, edited(nodeWith(bundle), path, undefined)))).toEqual([`create ${path}`]);
    }
  });

  test('appears, and it alone, where it is wanted otherwise', () => {
    for (const { path } of bundle.files) {
      const wanted = replaced(bundle, path, { content: Buffer.from('something else\n') });
      const plan = planned(wanted, nodeWith(bundle));
      expect(paths(plan), path).toEqual([`change ${path}`]);
      expect(plan.drift).toEqual([]);
    }
  });

  test('appears for its mode alone, and restarts nothing then', () => {
    for (const { path, content, mode } of bundle.files) {
      const plan = planned(bundle, edited(nodeWith(bundle), path, content, mode ^ 0o044));
      expect(paths(plan)).toEqual([`change ${path}`]);
      expect(plan).toMatchObject({ kubelet: 'none', pods: [] });
      expect(plan.drift.map(({ what }) => what)).toEqual(['mode']);
    }
  });

  test('is removed where the revision has it and nobody wants it any more', () => {
    for (const { path } of bundle.files) {
      const less = makeBundle(
        bundle.node,
        bundle.directories,
        bundle.files.filter((file) => file.path !== path),
      );
      const plan = planned(less, nodeWith(bundle));
      expect(paths(plan), path).toEqual([`remove ${path}`]);
    }
  });
});

describe('pods', () => {
  test('restart for a flag that is another, new or gone, and say which', async () => {
    const before = await bundleOf({ apiServer: { extraArgs: { v: 2, 'event-ttl': '2h' } } });
    const after = await bundleOf({ apiServer: { extraArgs: { v: 4, profiling: false } } });
    expect(pods(planned(after, nodeWith(before)))).toEqual([
      'kube-apiserver restart: --event-ttl=2h goes; --profiling=false is new; --v: 2 → 4',
    ]);
  });

  test('restart for another image or other resources', async () => {
    const after = await bundleOf({
      imageRepository: 'mirror.example.com',
      scheduler: { resources: { requests: { cpu: '7m' } } },
    });
    const found = pods(planned(after, nodeWith(bundle)));
    expect(found).toContain(
      'kube-scheduler restart: image: registry.k8s.io/kube-scheduler:v1.36.2 → mirror.example.com/kube-scheduler:v1.36.2; its manifest changes (resources)',
    );
  });

  test('restart for files that they read only at start, and name them', async () => {
    const other = first(await render(specOf(1), 'another generation'));
    const found = pods(planned(other, nodeWith(bundle)));
    expect(found.find((line) => line.startsWith('kube-controller-manager'))).toMatch(
      /restart: .*\/etc\/kubernetes\/pki\/sa\.key changes/,
    );
    expect(found.some((line) => line.startsWith('kube-scheduler'))).toBe(false);
  });

  test('do not restart for a comment, spaces or the order of keys', () => {
    const text = contentOf(bundle, APISERVER);
    const same = `# a comment\n${text.replace('apiVersion: v1\nkind: Pod\n', 'kind:   Pod\napiVersion: "v1"\n')}`;
    expect(same).not.toBe(`# a comment\n${text}`);
    const plan = planned(bundle, edited(nodeWith(bundle), APISERVER, same));
    expect(paths(plan)).toEqual([`change ${APISERVER}`]);
    expect(plan.pods).toEqual([]);
  });

  test('restart where YAML 1.1, which Go reads, tells two texts apart', () => {
    const text = contentOf(bundle, APISERVER);
    const [a, b] = [`${text}x: yes\n`, `${text}x: "yes"\n`];
    const wanted = replaced(bundle, APISERVER, { content: Buffer.from(a) });
    expect(planned(wanted, edited(nodeWith(wanted), APISERVER, b)).pods).toHaveLength(1);
  });

  test('stop with their manifest, start where it could not be read, and restart where it moves', () => {
    const without = makeBundle(
      bundle.node,
      [],
      bundle.files.filter(({ path }) => path !== APISERVER),
    );
    expect(pods(planned(without, nodeWith(bundle)))).toEqual(['kube-apiserver stop: its manifest goes']);
    expect(pods(planned(bundle, edited(nodeWith(bundle), APISERVER, '{')))).toEqual([
      'kube-apiserver start: its manifest could not be read',
    ]);
    const moved = replaced(bundle, APISERVER, { path: `${MANIFESTS}/a.yaml` });
    expect(pods(planned(moved, nodeWith(bundle)))).toEqual([
      `kube-apiserver restart: its manifest moves from ${APISERVER} to ${MANIFESTS}/a.yaml`,
    ]);
  });

  test('do not restart for a start file that was changed by hand and is put back', () => {
    const plan = planned(bundle, edited(nodeWith(bundle), '/etc/kubernetes/pki/sa.pub', 'x'));
    expect(plan).toMatchObject({ pods: [], kubelet: 'none' });
  });
});

describe('the kubelet', () => {
  test('restarts for its configuration, and reads its unit again for a drop-in', async () => {
    const config = await bundleOf({ kubelet: { config: { maxPods: 200 } } });
    expect(planned(config, nodeWith(bundle))).toMatchObject({
      kubelet: 'restart',
      kubeletWhy: [`${CONFIG} changes`],
      pods: [],
    });
    const unit = await bundleOf({ kubelet: { extraArgs: { v: 4 } } });
    expect(planned(unit, nodeWith(bundle))).toMatchObject({ kubelet: 'reload', kubeletWhy: [`${DROP_IN} changes`] });
    const without = makeBundle(
      bundle.node,
      [],
      bundle.files.filter(({ path }) => path !== DROP_IN),
    );
    expect(planned(without, nodeWith(bundle)).kubelet).toBe('reload');
  });
});

describe('what was found on the node', () => {
  test('drift is told in words', () => {
    const node = edited(nodeWith(bundle), APISERVER, contentOf(bundle, APISERVER), 0o644);
    expect(planned(bundle, node).drift).toEqual([
      { path: APISERVER, what: 'mode', detail: 'mode 0644 instead of 0600' },
    ]);
  });

  test('there is no drift to tell of while two revisions lie side by side', () => {
    const node = edited(nodeWith(bundle), APISERVER, 'new');
    const transaction = { state: 'placed', to: 4, digest: 'd', from: 3 } as const;
    const plan = planned(bundle, { ...node, facts: { ...node.facts, transaction } });
    expect(plan.drift).toEqual([]);
    expect(plan.unfinished).toEqual({ revision: 4, state: 'placed' });
    expect(nodeChanges(plan)).toBe(true);
  });

  test('strays in the manifests directory are listed, and those that take the place of a pod of ours are told apart', () => {
    let node = edited(nodeWith(bundle), `${APISERVER}.bak`, contentOf(bundle, APISERVER));
    node = edited(
      node,
      `${MANIFESTS}/a-copy`,
      JSON.stringify({ metadata: { name: 'etcd', namespace: 'kube-system' } }),
    );
    node = edited(node, `${MANIFESTS}/mine.yaml`, 'kind: Pod\nmetadata: {name: etcd}\n');
    const plan = planned(bundle, node);
    expect(plan.strays).toEqual([`${MANIFESTS}/a-copy`, `${APISERVER}.bak`, `${MANIFESTS}/mine.yaml`]);
    expect(plan.clashes).toEqual([
      { path: `${MANIFESTS}/a-copy`, pod: 'etcd', ours: `${MANIFESTS}/etcd.yaml`, wins: false },
      { path: `${APISERVER}.bak`, pod: 'kube-apiserver', ours: APISERVER, wins: true },
    ]);
    expect(nodeChanges(plan)).toBe(false);
  });

  test('a revision is written where files are as wanted but none says so', () => {
    const node = nodeWith(bundle);
    const plan = planned(bundle, { ...node, facts: { ...node.facts, index: node.facts.index.slice(1) } });
    expect(plan).toMatchObject({ changes: [], recorded: false });
    expect(nodeChanges(plan)).toBe(true);
  });

  test('the digest of it moves with files, revision, index and strays, not with the clock', () => {
    const node = nodeWith(bundle);
    const observed = (one = node) => planned(bundle, one).observed;
    const facts = (more: Partial<typeof node.facts>) => ({ ...node, facts: { ...node.facts, ...more } });
    const still = [
      facts({ clock: 5, uptimeSeconds: 5, kubelet: { active: 'failed', enabled: 'x' } }),
      facts({ files: new Map([...node.facts.files].reverse()), index: [...node.facts.index].reverse() }),
    ];
    for (const one of still) expect(observed(one)).toBe(observed());
    const moved = [
      facts({ current: 4 }),
      facts({ transaction: { state: 'placed', to: 4, digest: 'd', from: 3 } }),
      facts({ manifests: [...node.facts.manifests, 'x'] }),
      facts({ index: node.facts.index.slice(1) }),
      edited(node, APISERVER, 'x'),
      edited(node, KUBELET_KEY, undefined),
    ];
    expect(new Set([observed(), ...moved.map(observed)]).size).toBe(moved.length + 1);
  });
});

test('diffs have three lines of context and leave out digests', async () => {
  const after = await bundleOf({ apiServer: { extraArgs: { v: 4 } } });
  const [change] = planned(after, nodeWith(bundle)).changes;
  const lines = change?.diff?.trimEnd().split('\n') ?? [];
  expect(lines).toHaveLength(1 + 3 + 1 + 3);
  expect(lines[4]).toBe('+    - --v=4');
});

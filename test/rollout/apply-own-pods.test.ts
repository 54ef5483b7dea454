import { describe, expect, test } from 'vitest';
import { makeBundle } from '../../src/bundle/bundle.ts';
import { liveObserver } from '../../src/rollout/apply/live-observer.ts';
import type { Master } from '../../src/rollout/apply/master.ts';
import { judge } from '../../src/rollout/apply/proofs.ts';
import type { ApiClient } from '../../src/rollout/probe/api-client.ts';
import type { Sight } from '../../src/rollout/sight.ts';
import { fakeCluster } from './apply-fixtures.ts';

/** A master with nothing but `default/static-web`, which is not ready. */
function master(): {
  readonly asked: string[];
  readonly observer: ReturnType<typeof liveObserver>;
  readonly it: Master;
} {
  const [base] = fakeCluster(['cp1']).masters;
  if (!base) throw new Error('no master');
  const asked: string[] = [];
  const api = {
    get: async (path: string) => {
      asked.push(path);
      return { metadata: { annotations: {} }, status: { conditions: [{ type: 'Ready', status: 'False' }] } };
    },
  } as unknown as ApiClient;
  const well = async () => ({ ok: true, failing: [], seen: 'ok' });
  const sight = { node: 'cp1', learn: () => {}, api: async () => api, kubelet: well } as unknown as Sight;
  const bundle = makeBundle(
    'cp1',
    [],
    [
      {
        path: '/etc/kubernetes/manifests/default_static-web.yaml',
        content: Buffer.from('metadata: {name: static-web}\n'),
        mode: 0o600,
        owner: 'root:root',
        sensitive: false,
        effect: { kind: 'manifest', pod: 'default/static-web' },
      },
    ],
  );
  const it: Master = { ...base, bundle, agent: { ...base.agent, pods: async () => [], kubelet: async () => 'active' } };
  return { asked, observer: liveObserver(new Map([['cp1', sight]]), ['cp1']), it };
}

describe("a user's pod that is not ready", () => {
  test('keeps the step that starts it from being proven', async () => {
    const { asked, observer, it } = master();
    await observer.begin(it, { stops: [], changed: ['default/static-web'], heartbeat: false });
    const seen = judge(await observer.proofs(it));
    expect(seen).toEqual({ kind: 'not-yet', unmet: ['default/static-web: the pod is not ready yet'] });
    expect(asked).toEqual(['/api/v1/namespaces/default/pods/static-web-cp1']);
  });

  test('is no reason against a step that has nothing to do with it', async () => {
    const { observer, it } = master();
    await observer.begin(it, { stops: [], changed: ['etcd'], heartbeat: false });
    expect(judge(await observer.proofs(it))).toEqual({ kind: 'good' });
  });

  test('that shall go is missed only until its mirror pod is gone', async () => {
    const { asked, observer, it } = master();
    await observer.begin(it, { stops: ['default/static-web-cp1'], changed: [], heartbeat: false });
    expect(judge(await observer.proofs(it))).toEqual({
      kind: 'not-yet',
      unmet: ['default/static-web-cp1: the pod is still there, but its manifest is gone'],
    });
    expect(asked).toContain('/api/v1/namespaces/default/pods/static-web-cp1');
  });
});

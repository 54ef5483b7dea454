import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { bootstrap } from './bootstrap.ts';
import { edit, must, standing } from './cluster.ts';
import { figure } from './figures.ts';
import { kubectl, kubeJson } from './kube.ts';
import { CLUSTER } from './places.ts';
import { inHost } from './rig.ts';
import { until } from './until.ts';

const SCENARIO = 'static pods';
const POD = 'static-web-cp2';

/** The tutorial's pod, with the rig's image: on the host's network, so that it is asked from there. */
const manifest = (label: string) => `apiVersion: v1
kind: Pod
metadata:
  name: static-web
  labels: {role: ${label}}
spec:
  hostNetwork: true
  containers:
    - name: web
      image: nginx
      imagePullPolicy: IfNotPresent
      ports: [{name: web, containerPort: 80, hostPort: 80}]
`;

const bring = (label: string) => writeFileSync(join(CLUSTER, 'static-web.yaml'), manifest(label));
const served = () => inHost('cp2', 'curl -fsS http://127.0.0.1:80/ || true');
const pod = async () => (await kubeJson('get', 'pod', POD)) as KubePod;

interface KubePod {
  readonly metadata: { readonly uid: string; readonly labels: Readonly<Record<string, string>> };
  /** Of a mirror that has just been made nothing is known yet. */
  readonly status: {
    readonly containerStatuses?: readonly { readonly containerID: string; readonly ready: boolean }[];
  };
}

describe('a static pod of the user', { timeout: 10 * 60_000 }, () => {
  beforeAll(standing);

  test('is brought to its master by `apply`, and proven', async () => {
    bring('myrole');
    edit({ 'spec.staticPods': [{ source: 'static-web.yaml', nodes: ['cp2'] }] });
    const { seconds } = must(await bootstrap('apply', '--yes'));
    figure(SCENARIO, '`apply` of one more pod on one of three masters', seconds, 's');
    expect(await served()).toContain('nginx');
    const { metadata, status } = await pod();
    expect(metadata.labels).toMatchObject({ role: 'myrole' });
    expect(status.containerStatuses).toMatchObject([{ ready: true }]);
    expect(await bootstrap('plan', '-q')).toMatchObject({ status: 0 });
  });

  test('goes on running when its mirror is deleted, and comes back when its process is killed', async () => {
    const container = async () => (await pod().catch(() => undefined))?.status.containerStatuses?.[0]?.containerID;
    const before = await container();
    await kubectl('delete', 'pod', POD, '--wait=false');
    const after = await until('its mirror is there again', container);
    expect(after).toBe(before);
    await inHost('cp2', 'crictl stop "$(crictl ps -q --name "^web$")"');
    await until('it serves again', async () => (await served()).includes('nginx') || undefined);
  });

  test('alone restarts when its manifest changes, and ends when it is taken out', async () => {
    const { uid } = (await pod()).metadata;
    const others = async () => (await kubeJson('get', 'pods', '-n', 'kube-system', '-l', 'tier=control-plane')).items;
    const uids = async () => (await others()).map((each: KubePod) => each.metadata.uid).sort();
    const before = await uids();
    bring('another');
    must(await bootstrap('apply', '--yes'));
    const { metadata } = await pod();
    expect(metadata.uid).not.toBe(uid);
    expect(metadata.labels).toMatchObject({ role: 'another' });
    edit({ 'spec.staticPods': [] });
    must(await bootstrap('apply', '--yes'));
    expect(await served()).toBe('');
    expect(await kubectl('get', 'pods', '--ignore-not-found', POD)).toBe('');
    expect(await uids()).toEqual(before);
  });
});

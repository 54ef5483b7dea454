import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { standing } from './cluster.ts';
import { figure } from './figures.ts';
import { kubectl, kubeJson } from './kube.ts';
import { admin } from './rig.ts';
import { until } from './until.ts';
import { freshWorker, joinWorker, removeWorker, workerReady } from './worker.ts';

describe('a stock `kubeadm join` makes a worker', { timeout: 10 * 60_000 }, () => {
  beforeAll(async () => {
    await standing();
    await freshWorker();
  });
  afterAll(removeWorker);

  test('with the command that `token create` prints', async () => {
    const began = performance.now();
    const joined = await joinWorker();
    expect(joined.command).toMatch(
      /^kubeadm join 10\.99\.0\.10:6443 --token \S+ --discovery-token-ca-cert-hash sha256:[0-9a-f]{64}$/,
    );
    expect(joined.stdout + joined.stderr).toContain('This node has joined the cluster');
    figure('worker', '`token create` and `kubeadm join`', (performance.now() - began) / 1000, 's');
    await workerReady();
    figure('worker', 'from `token create` to a Ready node', (performance.now() - began) / 1000, 's');
  });

  test('its kubelet got a client certificate without anybody approving it', async () => {
    const { items } = await kubeJson('get', 'csr');
    const csr = items.find((it: { spec: { username: string } }) => it.spec.username.startsWith('system:bootstrap:'));
    expect(csr.status.conditions).toContainEqual(expect.objectContaining({ type: 'Approved', status: 'True' }));
    expect(csr.status.certificate).toBeTruthy();
  });

  test('an ordinary pod runs there, and `kubectl logs` and `kubectl exec` reach it', async () => {
    await until('the default service account', async () => kubectl('get', 'serviceaccount', 'default'));
    await kubectl('run', 'web', '--image=nginx', '--image-pull-policy=IfNotPresent', '--restart=Never');
    await kubectl('wait', '--for=condition=Ready', 'pod/web', '--timeout=120s');
    expect((await kubeJson('get', 'pod', 'web')).spec.nodeName).toBe('w1');
    const { status } = await kubeJson('get', 'pod', 'web');
    // so that its log has something to tell
    const page = await admin('curl', '-sS', '--max-time', '10', `http://${status.podIP}/e2e`);
    expect(page).toBeDefined();
    expect(await kubectl('logs', 'web')).toContain('GET /e2e');
    // the image has no other program; a second one finds the port taken, which only one inside the pod does
    await expect(kubectl('exec', 'web', '--', '/usr/local/bin/nginx')).rejects.toThrow(
      /:80: bind: address already in use/,
    );
    await kubectl('delete', 'pod', 'web', '--now');
  });

  test('and those of the masters as well', async () => {
    expect(await kubectl('-n', 'kube-system', 'exec', 'etcd-cp1', '--', 'etcdctl', 'version')).toMatch(
      /etcdctl version: 3\./,
    );
    expect(await kubectl('-n', 'kube-system', 'logs', 'etcd-cp1', '--tail=1')).not.toBe('');
  });
});

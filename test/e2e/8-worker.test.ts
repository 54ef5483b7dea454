import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bootstrap } from './bootstrap.ts';
import { must, standing } from './cluster.ts';
import { figure } from './figures.ts';
import { kubectl, kubeJson } from './kube.ts';
import { HOME, KUBE_BIN } from './places.ts';
import { admin, inHost, rig, tryRig } from './rig.ts';
import { until } from './until.ts';

/** What the kubeadm package brings (kubernetes/release, cmd/krel/templates/latest/kubeadm/10-kubeadm.conf). */
const KUBEADM_CONF = `[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/sysconfig/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
`;

describe('a stock `kubeadm join` makes a worker', { timeout: 10 * 60_000 }, () => {
  beforeAll(async () => {
    await standing();
    await rig('fresh', 'w1');
    await rig('start', 'w1');
    await rig('push', 'w1', join(KUBE_BIN, 'kubeadm'), '/usr/bin/kubeadm');
    const conf = join(HOME, '10-kubeadm.conf');
    writeFileSync(conf, KUBEADM_CONF);
    await rig('push', 'w1', conf, '/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf');
    await inHost('w1', 'sysctl -qw net.ipv4.ip_forward=1; systemctl daemon-reload');
  });
  afterAll(async () => {
    await kubectl('delete', 'node', 'w1', '--ignore-not-found').catch(() => undefined);
    await rig('kill', 'w1');
  });

  test('with the command that `token create` prints', async () => {
    const { stdout } = must(await bootstrap('token', 'create'));
    const command = stdout.trim();
    expect(command).toMatch(
      /^kubeadm join 10\.99\.0\.10:6443 --token \S+ --discovery-token-ca-cert-hash sha256:[0-9a-f]{64}$/,
    );
    const began = performance.now();
    const joined = await tryRig(
      'exec',
      'w1',
      ...command.split(' '),
      '--ignore-preflight-errors=SystemVerification,ImagePull',
    );
    expect(joined.stdout + joined.stderr).toContain('This node has joined the cluster');
    figure('worker', '`kubeadm join`', (performance.now() - began) / 1000, 's');
    await until('w1 is Ready', async () => {
      const { status } = await kubeJson('get', 'node', 'w1');
      return (
        status.conditions.some((it: { type: string; status: string }) => it.type === 'Ready' && it.status === 'True') ||
        undefined
      );
    });
    figure('worker', 'from `kubeadm join` to a Ready node', (performance.now() - began) / 1000, 's');
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

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bootstrap } from './bootstrap.ts';
import { must } from './cluster.ts';
import { kubectl, kubeJson } from './kube.ts';
import { HOME, KUBE_BIN } from './places.ts';
import { inHost, type Ran, rig, tryRig } from './rig.ts';
import { until } from './until.ts';

export const WORKER = 'w1';

/** What the kubeadm package brings (kubernetes/release, cmd/krel/templates/latest/kubeadm/10-kubeadm.conf). */
const KUBEADM_CONF = `[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/sysconfig/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
`;

/** A host as it is where the packages of Kubernetes were installed and nothing else was done. */
export async function freshWorker(): Promise<void> {
  await rig('fresh', WORKER);
  await rig('start', WORKER);
  await rig('push', WORKER, join(KUBE_BIN, 'kubeadm'), '/usr/bin/kubeadm');
  const conf = join(HOME, '10-kubeadm.conf');
  writeFileSync(conf, KUBEADM_CONF);
  await rig('push', WORKER, conf, '/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf');
  await inHost(WORKER, 'sysctl -qw net.ipv4.ip_forward=1; systemctl daemon-reload');
}

/** Takes the worker out of the cluster, and cuts its power. */
export async function removeWorker(): Promise<void> {
  await kubectl('delete', 'node', WORKER, '--ignore-not-found').catch(() => undefined);
  await rig('kill', WORKER);
}

/** Runs on the worker what `token create` prints. */
export async function joinWorker(): Promise<Ran & { readonly command: string }> {
  const { stdout } = must(await bootstrap('token', 'create'));
  const command = stdout.trim();
  const checks = '--ignore-preflight-errors=SystemVerification,ImagePull';
  return { command, ...(await tryRig('exec', WORKER, ...command.split(' '), checks)) };
}

export async function workerReady(): Promise<void> {
  await until(`${WORKER} is Ready`, async () => {
    const { status } = await kubeJson('get', 'node', WORKER);
    const isReady = (it: { type: string; status: string }) => it.type === 'Ready' && it.status === 'True';
    return status.conditions.some(isReady) || undefined;
  });
}

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { kubectl, kubeJson } from './kube.ts';
import { HOME } from './places.ts';
import { inHost, type Ran, tryRig } from './rig.ts';
import { until } from './until.ts';

const NAME = 'inside';

/**
 * A workload that speaks to the API as any controller does: with the token and the CA of its pod, renewing a Lease every
 * two seconds, and ending where it could not for ten. The rig has no image of such a one but this, with its controllers
 * off; and no kube-proxy, so that it goes by the endpoint.
 */
const DEPLOYMENT = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: NAME, namespace: 'default' },
  spec: {
    selector: { matchLabels: { app: NAME } },
    template: {
      metadata: { labels: { app: NAME } },
      spec: {
        serviceAccountName: NAME,
        tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists' }],
        terminationGracePeriodSeconds: 2,
        containers: [
          {
            name: NAME,
            image: 'registry.k8s.io/kube-controller-manager:v1.36.2',
            imagePullPolicy: 'IfNotPresent',
            command: [
              'kube-controller-manager',
              '--controllers=ttl-after-finished-controller',
              '--leader-elect-resource-namespace=default',
              `--leader-elect-resource-name=${NAME}`,
              '--authentication-skip-lookup=true',
            ],
            env: [
              { name: 'KUBERNETES_SERVICE_HOST', value: '10.99.0.10' },
              { name: 'KUBERNETES_SERVICE_PORT', value: '6443' },
            ],
          },
        ],
      },
    },
  },
};

/** Starts it, and waits until it speaks to the API. `node`: only there. */
export async function startInside(node?: string): Promise<void> {
  const file = join(HOME, 'inside.json');
  const deployment = structuredClone(DEPLOYMENT);
  if (node) Object.assign(deployment.spec.template.spec, { nodeSelector: { 'kubernetes.io/hostname': node } });
  writeFileSync(file, JSON.stringify(deployment));
  await kubectl('create', 'serviceaccount', NAME);
  await kubectl(
    ...['create', 'clusterrolebinding', NAME, '--clusterrole=cluster-admin', `--serviceaccount=default:${NAME}`],
  );
  await kubectl('apply', '-f', file);
  await kubectl('rollout', 'status', `deployment/${NAME}`, '--timeout=180s');
  await insideSpeaks();
}

export async function removeInside(): Promise<void> {
  for (const what of [`deployment/${NAME}`, `clusterrolebinding/${NAME}`, `serviceaccount/${NAME}`, `lease/${NAME}`])
    await kubectl('delete', what, '--ignore-not-found', '--wait=false').catch(() => undefined);
}

/** Waits until it has written twice from now on; one that was started anew waits for the old one's Lease to end. */
export async function insideSpeaks(): Promise<void> {
  const renewed = async (): Promise<string> => (await kubeJson('get', 'lease', NAME)).spec.renewTime;
  const before = await until(`${NAME} holds its Lease`, renewed);
  const next = await until(`${NAME} writes`, async () => {
    const now = await renewed();
    return now === before ? undefined : now;
  });
  await until(`${NAME} writes again`, async () => ((await renewed()) === next ? undefined : true), 30);
}

/** The pod that runs: where, how often its container was started again, what it is. */
export async function insidePod(): Promise<{
  readonly uid: string;
  readonly node: string;
  readonly restarts: number;
}> {
  const { items } = await kubeJson('get', 'pods', '-n', 'default', '-l', `app=${NAME}`);
  const [pod] = items.filter(
    ({ metadata, status }: { metadata: { deletionTimestamp?: string }; status: { phase: string } }) =>
      !metadata.deletionTimestamp && status.phase === 'Running',
  );
  if (!pod) throw new Error(`${NAME} has no pod that runs`);
  const { metadata, spec, status } = pod;
  return { uid: metadata.uid, node: spec.nodeName, restarts: status.containerStatuses[0].restartCount };
}

/** Asks the API with nothing but the files that the pod has been given. */
export async function askAsInside(): Promise<Ran> {
  const { uid, node } = await insidePod();
  const dir = `/var/lib/kubelet/pods/${uid}/volumes/kubernetes.io~projected`;
  const files = (await inHost(node, `ls -d ${dir}/kube-api-access-*`)).trim();
  const header = `"Authorization: Bearer $(cat ${files}/token)"`;
  const url = 'https://10.99.0.10:6443/api/v1/namespaces/default';
  return tryRig(
    ...[
      'exec',
      node,
      'sh',
      '-c',
      `curl -sS --max-time 10 -w '%{http_code}' --cacert ${files}/ca.crt -H ${header} -o /dev/null ${url}`,
    ],
  );
}

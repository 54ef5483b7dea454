import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { checkPod } from '../../../src/render/static-pods/check-pod.ts';
import { emitPod } from '../../../src/render/static-pods/emit-pod.ts';
import { container, lines, manifest, podOf, read, short, told, WHERE } from './fixtures.ts';

/** https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/ */
const STATIC_WEB = `apiVersion: v1
kind: Pod
metadata:
  name: static-web
  labels:
    role: myrole
spec:
  containers:
    - name: web
      image: nginx
      ports:
        - name: web
          containerPort: 80
          protocol: TCP
`;

const NODE_EXPORTER = `apiVersion: v1
kind: Pod
metadata:
  name: node-exporter
  namespace: kube-system
spec:
  hostNetwork: true
  hostPID: true
  containers:
  - name: node-exporter
    image: quay.io/prometheus/node-exporter:v1.9.1
    args: [--path.rootfs=/host, --web.listen-address=:9100]
    ports: [{name: metrics, containerPort: 9100}]
    resources: {requests: {cpu: 50m, memory: 30Mi}, limits: {memory: 100Mi}}
    securityContext: {runAsNonRoot: true, runAsUser: 65534, readOnlyRootFilesystem: true}
    livenessProbe: {httpGet: {path: /, port: metrics}}
    volumeMounts: [{name: root, mountPath: /host, readOnly: true, mountPropagation: HostToContainer}]
  volumes: [{name: root, hostPath: {path: /}}]
`;

const REGISTRY_MIRROR = `apiVersion: v1
kind: Pod
metadata: {name: registry-mirror, namespace: kube-system}
spec:
  containers:
  - name: registry
    image: registry:3
    env: [{name: REGISTRY_PROXY_REMOTEURL, value: "https://registry.example.com"}]
    ports: [{containerPort: 5000, hostPort: 5000, hostIP: 127.0.0.1}]
    volumeMounts: [{name: data, mountPath: /var/lib/registry}]
  volumes: [{name: data, hostPath: {path: /var/lib/registry-mirror, type: DirectoryOrCreate}}]
`;

const NGINX_DEPLOYMENT = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: nginx-deployment
  labels: {app: nginx}
spec:
  replicas: 3
  selector: {matchLabels: {app: nginx}}
  template:
    metadata: {labels: {app: nginx}}
    spec:
      containers:
      - name: nginx
        image: nginx:1.14.2
        ports: [{containerPort: 80}]
`;

describe('manifests of real life', () => {
  it.each([
    ["the tutorial's static-web", STATIC_WEB, []],
    ['a node exporter in the network of the host', NODE_EXPORTER, ['9100/TCP']],
    ['a registry mirror on loopback', REGISTRY_MIRROR, ['5000/TCP']],
  ])('%s is read as it is, without a fault', (_, text, ports) => {
    const { pods, faults } = read(text);
    expect(lines([...faults, ...pods.flatMap((pod) => checkPod(pod, WHERE))])).toEqual([]);
    expect(pods.map(({ manifest }) => JSON.parse(JSON.stringify(manifest)))).toEqual([parse(text)]);
    expect(pods[0]?.ports.map(({ port, protocol }) => `${port}/${protocol}`)).toEqual(ports);
  });

  it('an nginx Deployment becomes a pod of its name, with a warning of what is lost', () => {
    const { pods, faults } = read(NGINX_DEPLOYMENT);
    expect(lines(faults)).toEqual([
      expect.stringMatching(
        /^warning pod\.yaml:2:7: kind: Deployment: .* its 3 replicas become as many pods as there are/,
      ),
    ]);
    expect(pods.map(({ manifest }) => JSON.parse(JSON.stringify(manifest)))).toEqual([
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'nginx-deployment', labels: { app: 'nginx' } },
        spec: { containers: [{ name: 'nginx', image: 'nginx:1.14.2', ports: [{ containerPort: 80 }] }] },
      },
    ]);
  });
});

describe('a text', () => {
  it('may hold several documents, lists and empty ones between them', () => {
    const podList = JSON.stringify({ apiVersion: 'v1', kind: 'PodList', items: [manifest({}, { name: 'b' })] });
    const bare = JSON.stringify({
      apiVersion: 'v1',
      kind: 'PodList',
      metadata: { resourceVersion: '' },
      items: [{ metadata: { name: 'c' }, spec: { containers: [container()] } }],
    });
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [manifest({}, { name: 'd' })] });
    const { pods, faults } = read(`---\n${STATIC_WEB}---\n# nothing\n---\n${podList}\n---\n${bare}\n---\n${list}\n`);
    expect(lines(faults)).toEqual([]);
    expect(pods.map(({ name }) => name)).toEqual(['static-web', 'b', 'c', 'd']);
    expect(pods.map(({ manifest }) => [manifest['apiVersion'], manifest['kind']])).toEqual(
      Array(4).fill(['v1', 'Pod']),
    );
  });

  it('may be JSON, also indented with tabs', () => {
    const { pods, faults } = read(JSON.stringify(manifest({ hostNetwrk: true }), undefined, '\t'));
    expect(pods.map(({ name }) => name)).toEqual(['web']);
    expect(lines(faults)).toEqual([expect.stringMatching(/^error pod\.yaml:14:3: spec\.hostNetwrk: unknown field/)]);
  });

  it.each([
    ['', 'error pod.yaml:1:1: holds no pod: there is nothing in it'],
    ['# a comment\n---\n', 'error pod.yaml:1:1: holds no pod: there is nothing in it'],
    ['hello', 'error pod.yaml:1:1: must be an object such as a Pod, not "hello"'],
    ['- a', 'error pod.yaml:1:1: must be an object such as a Pod, not a list'],
    ['a: [', expect.stringMatching(/^error pod\.yaml:1:\d: not valid YAML/)],
    ['kind: Pod', 'error pod.yaml:1:1: apiVersion: is missing'],
    ['apiVersion: v1\nkind: PodList\nitems: []', 'error pod.yaml:3:8: items: holds no pod'],
    ['apiVersion: v1\nkind: List\nitem: []', 'error pod.yaml:3:7: item: unknown field; did you mean "items"?'],
    ['apiVersion: v2\nkind: Pod', 'error pod.yaml:1:13: apiVersion: Pod is in v1, not in "v2"; write v1'],
    [
      'apiVersion: extensions/v1beta1\nkind: Deployment',
      'error pod.yaml:1:13: apiVersion: Deployment is in apps/v1, not in "extensions/v1beta1"; write apps/v1',
    ],
    [
      'apiVersion: v1\nkind: pod',
      'error pod.yaml:2:7: kind: "pod" is nothing that a kubelet can run by itself; did you mean "Pod"?',
    ],
    [
      'apiVersion: batch/v1\nkind: CronJob',
      expect.stringContaining('a CronJob cannot be a static pod: it runs by a clock'),
    ],
    ['apiVersion: v1\nkind: Secret\ndata: {a: c2VjcmV0}', expect.stringContaining('a Secret cannot be a static pod')],
  ])('%j is refused with the reason', (text, fault) => {
    const { pods, faults } = read(text);
    expect(pods).toEqual([]);
    expect(lines(faults)).toContainEqual(fault);
  });

  it('of a PodList may hold nothing but pods', () => {
    const items = [JSON.parse(JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'x' } }))];
    const { faults } = read(JSON.stringify({ apiVersion: 'v1', kind: 'PodList', items }));
    expect(short(faults)).toEqual(['error items[0].kind: a PodList holds no Service; use kind: List']);
  });
});

describe('what does not fit a Pod', () => {
  it('is told all at once, where it stands', () => {
    const { faults } = read(`apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {version: 1.10}
hostNetwork: true
spec:
  containers:
    - name: web
      imgae: nginx
      command: nginx
      ports:
        - containerPort: "80"
          protocol: tcp
      resources: {limits: {memory: 64MB}}
  restartPolicy: allways
  terminationGracePeriodSeconds: 99999999999999999999
  hostPID: "yes"
`);
    expect(lines(faults)).toEqual([
      'error pod.yaml:5:21: metadata.labels.version: must be a text, not 1.10; write it in quotes: "1.10"',
      'error pod.yaml:6:1: hostNetwork: unknown field; the kubelet would drop it without a word; it is a field of the spec of the pod',
      'error pod.yaml:10:7: spec.containers[0].imgae: unknown field; the kubelet would drop it without a word; did you mean "image"?',
      'error pod.yaml:11:16: spec.containers[0].command: must be a list, not "nginx"; begin each entry with "- "',
      'error pod.yaml:13:26: spec.containers[0].ports[0].containerPort: must be a whole number, not "80"; write it without quotes',
      'error pod.yaml:14:21: spec.containers[0].ports[0].protocol: "tcp" is not one of TCP, UDP, SCTP; did you mean "TCP"?',
      'error pod.yaml:15:36: spec.containers[0].resources.limits.memory: must be a quantity such as 500m or 64Mi, not "64MB"',
      'error pod.yaml:16:18: spec.restartPolicy: "allways" is not one of Always, OnFailure, Never; did you mean "Always"?',
      'error pod.yaml:17:34: spec.terminationGracePeriodSeconds: must be a whole number, not 99999999999999999999; it is too large',
      'error pod.yaml:18:12: spec.hostPID: must be true or false, not "yes"; write true, without quotes',
    ]);
  });

  it('never shows the value of a variable', () => {
    const env = [{ name: 'PASSWORD', value: 20260131 }];
    expect(told(manifest({ containers: [container({ env })] }))).toEqual([
      'error spec.containers[0].env[0].value: must be a text, not a number; write it in quotes',
    ]);
  });

  it.each([
    [{ apiVersion: 'v1', kind: 'Pod' }, ['metadata.name: a static pod needs a name', 'spec: is missing']],
    [
      { apiVersion: 'v1', kind: 'Pod', metadata: { generateName: 'x-' }, spec: {} },
      ['generateName is for the API server'],
    ],
    [{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' }, spec: {} }, ['spec.containers: is missing']],
    [{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 7 }, spec: {} }, ['metadata.name: must be a text, not 7']],
    [
      manifest({ containers: [{}] }),
      ['containers[0].name: is missing', 'containers[0].image: a container needs an image'],
    ],
  ])('%j lacks what a pod needs', (object, wanted) => {
    const found = told(object).join('\n');
    for (const part of wanted) expect(found).toContain(part);
  });

  it('leaves out the status, with a warning where there is something in it', () => {
    expect(told({ ...manifest(), status: {} })).toEqual([]);
    const object = { ...manifest(), status: { phase: 'Running' } };
    expect(told(object)).toEqual([expect.stringMatching(/^warning status: is left out/)]);
    expect(podOf(object).manifest).not.toHaveProperty('status');
  });
});

describe('a manifest on its way to the node', () => {
  it('has its numbers as the kubelet reads them, and nothing where nothing was said', () => {
    const text = `apiVersion: v1
kind: Pod
metadata: {name: web, creationTimestamp: null}
spec:
  securityContext:
  containers: [{name: c, image: x, volumeMounts: [{name: v, mountPath: /v}]}]
  volumes: [{name: v, downwardAPI: {defaultMode: 0644}}]
`;
    const { pods, faults } = read(text);
    expect(lines(faults)).toEqual([]);
    expect(pods.map(emitPod)).toEqual([
      `apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
  - image: x
    name: c
    volumeMounts:
    - mountPath: /v
      name: v
  volumes:
  - downwardAPI:
      defaultMode: 420
    name: v
`,
    ]);
  });

  it('is the same text for the same data, however it was written', () => {
    const texts = [STATIC_WEB, JSON.stringify(parse(STATIC_WEB)), `# other\n${STATIC_WEB.replaceAll('"', "'")}`];
    expect(new Set(texts.flatMap((text) => read(text).pods.map(emitPod))).size).toBe(1);
  });
});

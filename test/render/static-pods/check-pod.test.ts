import { describe, expect, it } from 'vitest';
import { container, manifest, podOf, told } from './fixtures.ts';

type Case = readonly [title: string, object: object, wanted: string | readonly string[]];

/** One container with `more`. */
const one = (more: object, spec: object = {}) => manifest({ containers: [container(more)], ...spec });
/** One volume of that source, mounted. */
const volume = (source: object, spec: object = {}) =>
  manifest({
    containers: [container({ volumeMounts: [{ name: 'v', mountPath: '/v', readOnly: true }] })],
    volumes: [{ name: 'v', ...source }],
    ...spec,
  });
const probe = (more: object, field = 'livenessProbe') => one({ [field]: more });

function expectTold(object: object, wanted: string | readonly string[], where = {}): void {
  const parts = typeof wanted === 'string' ? [wanted] : wanted;
  expect(told(object, where)).toEqual(parts.map((part) => expect.stringContaining(part)));
}

describe('the name', () => {
  it.each<Case>([
    ['may hold dots', manifest({}, { name: 'a.b-c' }), []],
    ['is lower case', manifest({}, { name: 'Web_1' }), 'error metadata.name: "Web_1" is no name of a pod'],
    ['tells what would do', manifest({}, { name: 'my_web' }), 'write "my-web"'],
    ['has at most 253 characters', manifest({}, { name: 'a'.repeat(254) }), 'has 254 characters, more than 253'],
    [
      'leaves room for the node',
      manifest({}, { name: 'a'.repeat(250) }),
      'with "-node01", which the kubelet adds, the name has 257 characters',
    ],
    ['leaves room for its logs', manifest({}, { name: 'a'.repeat(208) }), 'shorten it to 207 characters or fewer'],
    [
      'is cut off as a hostname',
      manifest({}, { name: 'a'.repeat(60) }),
      "warning metadata.name: the pod's hostname is cut off after 63",
    ],
    ['is no hostname in the network of the host', manifest({ hostNetwork: true }, { name: 'a'.repeat(60) }), []],
    [
      'does not hold the node already',
      manifest({}, { name: 'web-node01' }),
      'would be called web-node01-node01; write "web"',
    ],
    [
      'of a namespace is a label',
      manifest({}, { namespace: 'a.b' }),
      'error metadata.namespace: "a.b" is no name of a namespace',
    ],
    [
      'of a namespace of its own needs that',
      manifest({}, { namespace: 'x' }),
      'warning metadata.namespace: the pod runs, but kubectl shows it only once',
    ],
    ['of kube-system is there', manifest({}, { namespace: 'kube-system' }), []],
  ])('%s', (_, object, wanted) => expectTold(object, wanted));

  it('is in the namespace default where none is named', () => {
    expect(podOf(manifest()).namespace).toBe('default');
  });
});

describe('the metadata', () => {
  it.each<Case>([
    [
      'may hold labels and annotations',
      manifest({}, { labels: { 'a.b/c': 'D_1', e: '' }, annotations: { 'A.b/c': 'any' } }),
      [],
    ],
    ['hold no UID', manifest({}, { uid: 'x' }), 'error metadata.uid: keeps the kubelet from seeing changes'],
    [
      'hold no version',
      manifest({}, { resourceVersion: '1' }),
      'error metadata.resourceVersion: keeps the API server from showing',
    ],
    [
      'are of no pod that goes',
      manifest({}, { deletionTimestamp: '2026-01-31T12:00:00Z' }),
      'error metadata.deletionTimestamp: makes the kubelet',
    ],
    [
      'hold no finalizers',
      manifest({}, { finalizers: ['a/b'] }),
      'error metadata.finalizers: keep the API from ever showing a change',
    ],
    [
      'have no owner',
      manifest({}, { ownerReferences: [{ apiVersion: 'v1', kind: 'A', name: 'b', uid: 'c' }] }),
      'warning metadata.ownerReferences: are replaced by the kubelet',
    ],
    [
      'need no generateName',
      manifest({}, { generateName: 'w-' }),
      'warning metadata.generateName: does nothing beside a name',
    ],
    [
      'hold nothing of the server',
      manifest({}, { creationTimestamp: '2026-01-31T12:00:00Z' }),
      'warning metadata.creationTimestamp: is set by the API server',
    ],
    [
      'hold labels that can be',
      manifest({}, { labels: { a: 'b c', 'd e': 'f' } }),
      ['error metadata.labels.a: "b c" is no value', 'error metadata.labels["d e"]: "d e" is no key of labels'],
    ],
    [
      'are not those of a mirror pod',
      manifest({}, { annotations: { 'kubernetes.io/config.mirror': 'x' } }),
      'the kubelet would never start the pod',
    ],
    [
      'leave the kubelet its own',
      manifest({}, { annotations: { 'kubernetes.io/config.source': 'file' } }),
      'warning metadata.annotations["kubernetes.io/config.source"]: is written by the kubelet',
    ],
    [
      'are not too long',
      manifest({}, { annotations: { a: 'x'.repeat(262144) } }),
      'error metadata.annotations: the annotations are 262145 bytes long',
    ],
  ])('%s', (_, object, wanted) => expectTold(object, wanted));
});

describe('objects of the API', () => {
  const refused = 'the kubelet of 1.36 refuses the pod';
  it.each<Case>([
    [
      'are no account',
      manifest({ serviceAccountName: 'x' }),
      `spec.serviceAccountName: a static pod may not use a ServiceAccount: ${refused}`,
    ],
    ['are no account by the old name', manifest({ serviceAccount: 'x' }), 'error spec.serviceAccount: '],
    ['need no token to be left out', manifest({ automountServiceAccountToken: false }), []],
    [
      'give no token',
      manifest({ automountServiceAccountToken: true }),
      'warning spec.automountServiceAccountToken: does nothing',
    ],
    [
      'open no registry',
      manifest({ imagePullSecrets: [{ name: 'x' }] }),
      'error spec.imagePullSecrets[0].name: a static pod may not use a Secret',
    ],
    [
      'are no devices',
      manifest({ resourceClaims: [{ name: 'x', resourceClaimName: 'y' }] }),
      'error spec.resourceClaims: a static pod may not use a ResourceClaim',
    ],
    [
      'set no variable',
      one({ env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'x', key: 'y' } } }] }),
      'env[0].valueFrom.secretKeyRef: a static pod may not use a Secret',
    ],
    [
      'set no variables',
      one({ envFrom: [{ configMapRef: { name: 'x' } }] }),
      'envFrom[0].configMapRef: a static pod may not use a ConfigMap',
    ],
    [
      'but what the pod knows of itself does',
      one({ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } }] }),
      [],
    ],
    [
      'are no files',
      volume({ configMap: { name: 'x' } }),
      'error spec.volumes[0].configMap: a static pod may not use a ConfigMap',
    ],
    ['are no secrets', volume({ secret: { secretName: 'x' } }), 'error spec.volumes[0].secret: '],
    ['are no disks', volume({ persistentVolumeClaim: { claimName: 'x' } }), 'may not use a PersistentVolumeClaim'],
    ['are no disks made for it', volume({ ephemeral: {} }), 'may not use a PersistentVolumeClaim'],
    ['are no driver', volume({ csi: { driver: 'x' } }), 'may not use a CSI driver'],
    [
      'are no secret of a driver',
      volume({ iscsi: { targetPortal: 'a', iqn: 'b', lun: 0, secretRef: { name: 'x' } } }),
      'error spec.volumes[0].iscsi.secretRef: ',
    ],
    [
      'are no token',
      volume({ projected: { sources: [{ serviceAccountToken: { path: 'x' } }] } }),
      'projected.sources[0].serviceAccountToken: a static pod may not use a ServiceAccount',
    ],
    [
      'but its own names are files',
      volume({
        projected: {
          sources: [{ downwardAPI: { items: [{ path: 'x', fieldRef: { fieldPath: 'metadata.labels' } }] } }],
        },
      }),
      [],
    ],
    [
      'and debuggers come later',
      manifest({ ephemeralContainers: [container({ name: 'd' })] }),
      'error spec.ephemeralContainers: the kubelet refuses the pod',
    ],
  ])('%s', (_, object, wanted) => expectTold(object, wanted));

  it('were not refused before 1.34 by the kubelet, but by the API server', () => {
    expectTold(
      manifest({ serviceAccountName: 'x' }),
      'the API server refuses to show the pod, and the kubelet of 1.33 cannot',
      { minor: 33 },
    );
  });
});

describe('the place', () => {
  it.each<Case>([
    ['is the node of the manifest', manifest({ nodeName: 'node01' }), []],
    ['is no other', manifest({ nodeName: 'node02' }), 'warning spec.nodeName: the pod is for node01'],
    [
      'is not held back',
      manifest({ schedulingGates: [{ name: 'a' }] }),
      'error spec.schedulingGates: the kubelet refuses',
    ],
    ['is found by no scheduler', manifest({ schedulerName: 'mine' }), 'warning spec.schedulerName: does nothing'],
    [
      'has no neighbours',
      manifest({ affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } } }),
      'warning spec.affinity.podAntiAffinity: does nothing',
    ],
    ['runs linux', manifest({ os: { name: 'linux' }, nodeSelector: { 'kubernetes.io/os': 'linux' } }), []],
    [
      'does not run windows',
      manifest({ os: { name: 'windows' } }),
      'error spec.os.name: the kubelet never admits the pod',
    ],
    [
      'does not select windows',
      manifest({ nodeSelector: { 'kubernetes.io/os': 'windows' } }),
      'error spec.nodeSelector["kubernetes.io/os"]: the kubelet never admits',
    ],
    [
      'needs its labels',
      manifest({ nodeSelector: { disk: 'ssd' } }),
      'warning spec.nodeSelector: the kubelet does not admit the pod unless node01',
    ],
    [
      'is no other by its label',
      manifest({ nodeSelector: { 'kubernetes.io/hostname': 'b' } }),
      'warning spec.nodeSelector["kubernetes.io/hostname"]: ',
    ],
    [
      'tolerates what it can',
      manifest({ tolerations: [{ key: 'a', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 3 }] }),
      [],
    ],
    [
      'tolerates no nonsense',
      manifest({
        tolerations: [
          { effect: 'NoSchedule' },
          { key: 'a', operator: 'Exists', value: 'b' },
          { key: 'a', tolerationSeconds: 1 },
        ],
      }),
      [
        'must be Exists where there is no key',
        'must not be there with operator: Exists',
        'means something only with effect: NoExecute',
      ],
    ],
  ])('%s', (_, object, wanted) => expectTold(object, wanted));

  it.each([
    ['none', undefined, true],
    ['one for a while', [{ operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }], true],
    ['one of another effect', [{ operator: 'Exists', effect: 'NoSchedule' }], true],
    ['one for NoExecute', [{ operator: 'Exists', effect: 'NoExecute' }], false],
    ['one for everything', [{ operator: 'Exists' }], false],
  ])('needs a toleration by URL, where the kubelet adds none: %s', (_, tolerations, isMissing) => {
    const object = manifest({ tolerations });
    expectTold(object, isMissing ? 'warning spec.tolerations: by URL the kubelet adds no toleration' : [], {
      via: 'http',
    });
    expectTold(object, []);
  });
});

describe('the host', () => {
  const paths = (path: string, type?: string) => volume({ hostPath: { path, type } });
  it.each<Case>([
    ['lends a directory', paths('/var/lib/x', 'DirectoryOrCreate'), []],
    [
      'lends no path that climbs',
      paths('/var/../etc'),
      'error spec.volumes[0].hostPath.path: "/var/../etc" must not hold ".."; write "/etc"',
    ],
    ['lends no relative path', paths('var/lib'), '"var/lib" is no absolute path; write "/var/lib", if that is meant'],
    [
      'gets no file among its manifests',
      paths('/etc/kubernetes/manifests/x', 'FileOrCreate'),
      'would make an empty file in /etc/kubernetes/manifests',
    ],
    [
      'gets no directory among its manifests',
      paths('/etc/kubernetes//manifests/x/', 'DirectoryOrCreate'),
      'would make a directory in /etc/kubernetes/manifests',
    ],
    ['shows its manifests', paths('/etc/kubernetes/manifests', 'Directory'), []],
    [
      'does not give them away',
      manifest({
        containers: [container({ volumeMounts: [{ name: 'v', mountPath: '/v' }] })],
        volumes: [{ name: 'v', hostPath: { path: '/etc/kubernetes/manifests' } }],
      }),
      'warning spec.volumes[0].hostPath.path: whatever the pod writes',
    ],
    [
      'has each port once',
      one({
        ports: [
          { containerPort: 80, hostPort: 80 },
          { containerPort: 81, hostPort: 80 },
        ],
      }),
      'error spec.containers[0].ports[1].hostPort: port 80/TCP of the host is taken twice',
    ],
    [
      'has it once a protocol',
      one({
        ports: [
          { containerPort: 53, hostPort: 53 },
          { containerPort: 53, hostPort: 53, protocol: 'UDP' },
        ],
      }),
      [],
    ],
    [
      'maps no port in its own network',
      one({ ports: [{ containerPort: 80, hostPort: 8080 }] }, { hostNetwork: true }),
      'must be the containerPort (80) with hostNetwork: true, not 8080',
    ],
    ['takes the same port there', one({ ports: [{ containerPort: 80, hostPort: 80 }] }, { hostNetwork: true }), []],
    [
      'shares no network with other users',
      manifest({ hostUsers: false, hostNetwork: true }),
      'error spec.hostNetwork: cannot be true with hostUsers: false',
    ],
    ['has other users', manifest({ hostUsers: false }), []],
    [
      'shares one list of processes',
      manifest({ hostPID: true, shareProcessNamespace: true }),
      'error spec.shareProcessNamespace: cannot be true',
    ],
    [
      'keeps its kernel parameters',
      manifest({ hostNetwork: true, securityContext: { sysctls: [{ name: 'net.core.somaxconn', value: '1' }] } }),
      "would be the host's own with hostNetwork: true",
    ],
  ])('%s', (_, object, wanted) => expectTold(object, wanted));
});

describe('the life of a pod', () => {
  it.each<Case>([
    ['goes on', manifest({ restartPolicy: 'Always', terminationGracePeriodSeconds: 0 }), []],
    ['ends', manifest({ restartPolicy: 'Never' }), 'warning spec.restartPolicy: once it ends, the pod stays ended'],
    ['ends when all is well', manifest({ restartPolicy: 'OnFailure' }), 'once it ends well'],
    [
      'is limited',
      manifest({ activeDeadlineSeconds: 60 }),
      'warning spec.activeDeadlineSeconds: the kubelet ends the pod after 60 s',
    ],
    [
      'is no negative one',
      manifest({ activeDeadlineSeconds: 0 }),
      'error spec.activeDeadlineSeconds: 0 is not between',
    ],
    [
      'waits for nobody',
      manifest({ readinessGates: [{ conditionType: 'a' }] }),
      'warning spec.readinessGates: nobody sets conditions',
    ],
    ['is critical', manifest({ priorityClassName: 'system-node-critical', priority: 2000001000 }), []],
    [
      'is not more or less so',
      manifest({ priorityClassName: 'system-node-critical', priority: 1 }),
      'error spec.priority: must be 2000001000',
    ],
    [
      'gives way to none',
      manifest({ priorityClassName: 'system-node-critical', preemptionPolicy: 'Never' }),
      'error spec.preemptionPolicy: ',
    ],
    [
      'has a class of the cluster',
      manifest({ priorityClassName: 'mine' }),
      'warning spec.priorityClassName: the pod runs, critical as all static pods',
    ],
    [
      'is no number',
      manifest({ priority: 5 }),
      'warning spec.priority: the pod runs, but the API server refuses to show it',
    ],
    ['may need another runtime', manifest({ runtimeClassName: 'gvisor' }), 'warning spec.runtimeClassName: '],
  ])('%s', (_, object, wanted) => expectTold(object, wanted));
});

describe('a container', () => {
  it.each<Case>([
    [
      'has a name of its own',
      manifest({ containers: [container(), container()] }),
      'error spec.containers[1].name: two containers of this pod are called "c"',
    ],
    ['has it also before the others', manifest({ initContainers: [container()] }), 'are called "c"'],
    ['has a name that can be', one({ name: 'a.b' }), 'error spec.containers[0].name: "a.b" is no name of a container'],
    ['is there', manifest({ containers: [] }), 'error spec.containers: a pod needs a container'],
    ['has an image', one({ image: '' }), 'error spec.containers[0].image: a container needs an image'],
    ['has an image of any registry', one({ image: 'Registry.example:5000/a/b:V1@sha256:abc' }), []],
    [
      'has no image in capitals',
      one({ image: 'docker.io/Nginx' }),
      'only its registry and its tag may hold capital letters',
    ],
    ['has no image with a blank', one({ image: 'nginx ' }), 'holds white space'],
    [
      'has ports that can be',
      one({ ports: [{ containerPort: 65536 }, { containerPort: 80, name: 'my_web' }] }),
      [
        'error spec.containers[0].ports[0].containerPort: 65536 is no port',
        'error spec.containers[0].ports[1].name: "my_web" is no name of a port',
      ],
    ],
    [
      'has one port of a name',
      one({
        ports: [
          { containerPort: 80, name: 'a' },
          { containerPort: 81, name: 'a' },
        ],
      }),
      'two ports of this container are called "a"',
    ],
    ['has variables that can be', one({ env: [{ name: 'A=B', value: 'x' }] }), 'is no name of a variable'],
    [
      'has a value or a source',
      one({ env: [{ name: 'A', value: 'x', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] }),
      'cannot stand beside value',
    ],
    [
      'knows what it may know',
      one({ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.labels' } } }] }),
      'must be metadata.name, metadata.namespace',
    ],
    [
      'mounts what is there',
      one({ volumeMounts: [{ name: 'dta', mountPath: '/d' }] }, { volumes: [{ name: 'data' }] }),
      [
        'warning spec.volumes[0].name: no container mounts',
        'the pod has no volume "dta"; did you mean "data"?',
      ].reverse(),
    ],
    [
      'mounts it once',
      manifest({
        containers: [
          container({
            volumeMounts: [
              { name: 'v', mountPath: '/v' },
              { name: 'v', mountPath: '/v' },
            ],
          }),
        ],
        volumes: [{ name: 'v' }],
      }),
      'two volumes are mounted at "/v"',
    ],
    [
      'has no block devices',
      one({ volumeDevices: [{ name: 'v', devicePath: '/dev/x' }] }),
      'a static pod has no block volumes',
    ],
    ['asks for no more than its limit', one({ resources: { requests: { cpu: '1.5' }, limits: { cpu: '1500m' } } }), []],
    [
      'and not for more',
      one({ resources: { requests: { memory: '1Gi' }, limits: { memory: '1000Mi' } } }),
      'error spec.containers[0].resources.requests.memory: "1Gi" is more than the limit of memory, "1000Mi"',
    ],
    ['asks for what there is', one({ resources: { limits: { ram: '1Gi' } } }), 'there is no resource "ram"'],
    ['asks for whole devices', one({ resources: { limits: { 'nvidia.com/gpu': '500m' } } }), 'must be a whole number'],
    [
      'is root or not',
      one({ securityContext: { runAsNonRoot: true, runAsUser: 0 } }),
      'user 0 is root, which runAsNonRoot: true forbids',
    ],
    [
      'is privileged or not',
      one({ securityContext: { privileged: true, allowPrivilegeEscalation: false } }),
      'cannot be false with privileged: true',
    ],
    ['is privileged', one({ securityContext: { privileged: true } }), []],
    [
      'says which profile',
      one({ securityContext: { seccompProfile: { type: 'Localhost' } } }),
      'seccompProfile.localhostProfile: is missing, with type: Localhost',
    ],
  ])('%s', (_, object, wanted) => expectTold(object, wanted));
});

describe('a probe', () => {
  it.each<Case>([
    ['may run a program', probe({ exec: { command: ['true'] } }), []],
    [
      'may ask a port by name',
      one({ ports: [{ name: 'web', containerPort: 80 }], livenessProbe: { httpGet: { port: 'web' } } }),
      [],
    ],
    [
      'asks no port that is not there',
      probe({ httpGet: { port: 'web' } }),
      'the container has no port called "web", so this always fails; write its number',
    ],
    [
      'asks a number as a number',
      probe({ tcpSocket: { port: '80' } }),
      '"80" is no name of a port; write it without quotes',
    ],
    [
      'asks in one way',
      probe({ exec: { command: ['a'] }, grpc: { port: 1 } }),
      'must say one way to ask, not 2 (exec, grpc)',
    ],
    ['asks at all', probe({ periodSeconds: 3 }), 'does not say what to do'],
    [
      'counts one success',
      probe({ exec: { command: ['a'] }, successThreshold: 2 }),
      'must be 1 in a livenessProbe, not 2',
    ],
    ['of readiness counts more', probe({ exec: { command: ['a'] }, successThreshold: 2 }, 'readinessProbe'), []],
    ['counts from nothing', probe({ exec: { command: ['a'] }, periodSeconds: -1 }), '-1 must not be negative'],
    [
      'is not for what ends',
      manifest({ initContainers: [container({ name: 'i', readinessProbe: { exec: { command: ['a'] } } })] }),
      'an init container has none',
    ],
    [
      'is for a sidecar',
      manifest({
        initContainers: [
          container({ name: 'i', restartPolicy: 'Always', readinessProbe: { exec: { command: ['a'] } } }),
        ],
      }),
      [],
    ],
  ])('%s', (_, object, wanted) => expectTold(object, wanted));
});

describe('a volume', () => {
  it.each<Case>([
    [
      'has one source',
      volume({ emptyDir: {}, hostPath: { path: '/x' } }),
      'a volume has one source, not 2 (emptyDir, hostPath)',
    ],
    ['may have none', volume({}), []],
    ['has one that there is', volume({ rbd: { monitors: ['a'], image: 'b' } }), 'no kubelet of today can mount it'],
    [
      'has a name of its own',
      manifest({
        containers: [container({ volumeMounts: [{ name: 'v', mountPath: '/v' }] })],
        volumes: [{ name: 'v' }, { name: 'v' }],
      }),
      'two volumes are called "v"',
    ],
  ])('%s', (_, object, wanted) => expectTold(object, wanted));
});

describe('names and addresses', () => {
  it.each<Case>([
    [
      'of hosts',
      manifest({ hostAliases: [{ ip: '10.0.0.999', hostnames: ['a b'] }] }),
      ['"10.0.0.999" is no IP address', '"a b" must be the name'],
    ],
    ['of name servers', manifest({ dnsPolicy: 'None', dnsConfig: { nameservers: ['10.0.0.10', 'fd00::a'] } }), []],
    [
      'of name servers where there must be one',
      manifest({ dnsPolicy: 'None' }),
      'with dnsPolicy: None the pod would have no name server',
    ],
    ['of the pod itself', manifest({ hostname: 'a.b' }), 'error spec.hostname: "a.b" must be at most 63'],
  ])('%s', (_, object, wanted) => expectTold(object, wanted));
});

describe('an older kubelet', () => {
  it('drops what it does not know, which is an error', () => {
    const object = manifest({ hostnameOverride: 'a' });
    expectTold(object, 'error spec.hostnameOverride: is there since 1.34; the kubelet of 1.33 would drop it', {
      minor: 33,
    });
    expectTold(object, 'warning spec.hostnameOverride: needs the feature gate HostnameOverride, which is off in 1.34', {
      minor: 34,
    });
    expectTold(object, [], { minor: 35 });
  });

  it('has no volumes of images by itself before 1.35', () => {
    const object = volume({ image: { reference: 'a' } });
    expectTold(object, 'needs the feature gate ImageVolume', { minor: 34 });
    expectTold(object, []);
  });
});

import { describe, expect, it } from 'vitest';
import { faultsOf, specOf } from './fixtures.ts';

/** Faults of one master with `more`, without line and column. */
async function faults(more: object, count = 1): Promise<readonly string[]> {
  return (await faultsOf(specOf(count, more))).map((fault) => fault.replace(/cluster\.yaml:\d+:\d+: /, ''));
}

const authn = (content: string, extraArgs: object = {}) => ({
  apiServer: {
    extraArgs: { 'authentication-config': '/etc/kubernetes/authn/config.yaml', ...extraArgs },
    extraVolumes: [
      { name: 'authn', hostPath: '/etc/kubernetes/authn', mountPath: '/etc/kubernetes/authn', readOnly: true },
    ],
  },
  files: [{ path: '/etc/kubernetes/authn/config.yaml', content }],
});

describe('a cluster with default settings', () => {
  it.each([33, 34, 35, 36, 37])('has no faults in Kubernetes 1.%s', async (minor) => {
    expect(await faults({ kubernetesVersion: `v1.${minor}.1` }, 3)).toEqual([]);
  });

  it('has none with an etcd of another minor than the default', async () => {
    expect(await faults({ kubernetesVersion: 'v1.33.1', etcd: { local: { imageTag: '3.6.8-0' } } })).toEqual([]);
    expect(await faults({ kubernetesVersion: 'v1.36.2', etcd: { local: { imageTag: '3.5.24-0' } } })).toEqual([]);
  });
});

describe('flags', () => {
  it('are placed where they stand in the cluster file', async () => {
    expect(await faultsOf(specOf(1, { apiServer: { extraArgs: { 'no-such-flag': 1 } } }))).toEqual([
      expect.stringMatching(
        /^error cluster\.yaml:1:\d+: spec\.apiServer\.extraArgs\.no-such-flag: kube-apiserver 1\.36 has no flag --no-such-flag/,
      ),
    ]);
  });

  it('are reported all at once, for all components, once for all nodes', async () => {
    const bad = { extraArgs: { 'max-requests-inflight': 'banana' } };
    const found = await faults(
      {
        apiServer: bad,
        scheduler: { extraArgs: { nope: 1 } },
        kubelet: { extraArgs: { nope: null }, config: { maxPod: 5 } },
        etcd: { local: { extraArgs: { 'snapshot-count': 'x' } } },
      },
      3,
    );
    expect(found).toHaveLength(5);
  });

  it('that are deprecated warn', async () => {
    expect(await faults({ kubelet: { extraArgs: { 'max-pods': 50 } } })).toEqual([
      'warning spec.kubelet.extraArgs.max-pods: kubelet 1.36: --max-pods is deprecated; set spec.kubelet.config.maxPods instead',
    ]);
  });

  it('set by a patch are placed at the patch', async () => {
    const patches = [
      {
        target: 'kube-scheduler',
        type: 'json',
        patch: [{ op: 'add', path: '/spec/containers/0/command/-', value: '--nope=1' }],
      },
    ];
    expect(await faults({ patches })).toEqual(['error spec.patches[0].patch: kube-scheduler 1.36 has no flag --nope']);
  });
});

describe('files that flags name', () => {
  it('must be on a volume; the hint shows the one to add', async () => {
    expect(
      await faults({ apiServer: { extraArgs: { 'audit-policy-file': '/etc/kubernetes/audit/policy.yaml' } } }),
    ).toEqual([
      'error spec.apiServer.extraArgs.audit-policy-file: --audit-policy-file: no volume of kube-apiserver is mounted at /etc/kubernetes/audit/policy.yaml; add to spec.apiServer.extraVolumes: {name: etc-kubernetes-audit, hostPath: /etc/kubernetes/audit, mountPath: /etc/kubernetes/audit, readOnly: true, pathType: Directory}',
    ]);
  });

  it('warn where what is written is lost, and must not be written on a read-only volume', async () => {
    expect(await faults({ apiServer: { extraArgs: { 'audit-log-path': '/var/log/k8s/audit.log' } } })).toEqual([
      expect.stringMatching(
        /^warning spec\.apiServer\.extraArgs\.audit-log-path: what kube-apiserver writes to .* is lost/,
      ),
    ]);
    expect(await faults({ apiServer: { extraArgs: { 'audit-log-path': '/etc/kubernetes/pki/audit.log' } } })).toEqual([
      expect.stringContaining('the volume "k8s-certs" is mounted read-only at /etc/kubernetes/pki'),
    ]);
    expect(await faults({ apiServer: { extraArgs: { 'audit-log-path': '-' } } })).toEqual([]);
  });

  it('that are read again should not be mounted one by one', async () => {
    const volume = {
      name: 'authn',
      hostPath: '/etc/kubernetes/authn.yaml',
      mountPath: '/etc/kubernetes/authn.yaml',
      pathType: 'File',
    };
    const apiServer = { extraArgs: { 'authentication-config': '/etc/kubernetes/authn.yaml' }, extraVolumes: [volume] };
    expect(await faults({ apiServer })).toEqual([
      expect.stringMatching(/^warning spec\.apiServer\.extraVolumes\[0\]: .*never sees a new file there/),
    ]);
  });

  it('must not be mounted at a path that is taken', async () => {
    const extraVolumes = [{ name: 'mine', hostPath: '/opt/certs', mountPath: '/etc/ssl/certs/' }];
    expect(await faults({ apiServer: { extraVolumes } })).toEqual([
      expect.stringMatching(
        /^error spec\.apiServer\.extraVolumes\[0\]: .*"ca-certs" and "mine" are both mounted at .*; give yours the name of the other \("ca-certs"\)/,
      ),
    ]);
  });
});

describe('ports', () => {
  it.each([
    [
      { apiServer: { bindPort: 10250 } },
      'spec.apiServer.bindPort: kube-apiserver (--secure-port): port 10250 is taken by kubelet (port)',
    ],
    [
      { apiServer: { extraArgs: { 'secure-port': 2379 } } },
      'spec.apiServer.extraArgs.secure-port: kube-apiserver (--secure-port): port 2379 is taken by etcd (--listen-client-urls)',
    ],
    [
      { scheduler: { extraArgs: { 'secure-port': 10257 } } },
      'spec.scheduler.extraArgs.secure-port: kube-scheduler (--secure-port): port 10257 is taken by kube-controller-manager',
    ],
    [
      { kubelet: { config: { healthzPort: 10259 } } },
      'spec.kubelet.config.healthzPort: kubelet (healthzPort): port 10259 is taken by kube-scheduler',
    ],
    [
      { etcd: { local: { extraArgs: { 'listen-metrics-urls': 'http://127.0.0.1:10248' } } } },
      'spec.etcd.local.extraArgs.listen-metrics-urls: etcd (--listen-metrics-urls): port 10248 is taken by kubelet (healthzPort)',
    ],
  ])('that two processes want are an error: %j', async (more, message) => {
    expect((await faults(more)).filter((fault) => fault.includes('is taken by'))).toEqual([
      expect.stringContaining(`error ${message}`),
    ]);
  });

  it('of kube-proxy are only a warning: it may not be there', async () => {
    expect(await faults({ controllerManager: { extraArgs: { 'secure-port': 10249 } } })).toEqual([
      expect.stringContaining(
        'warning spec.controllerManager.extraArgs.secure-port: kube-controller-manager (--secure-port): port 10249 is taken by kube-proxy (metrics)',
      ),
    ]);
  });

  it('may be the same on different addresses', async () => {
    const etcd = { local: { extraArgs: { 'listen-metrics-urls': 'http://10.0.0.11:10259' } } };
    expect(await faults({ etcd })).toEqual([]);
  });
});

describe('probes', () => {
  it.each([
    [
      { controllerManager: { extraArgs: { 'secure-port': 0 } } },
      'spec.controllerManager.extraArgs.secure-port: kube-controller-manager: it listens nowhere',
    ],
    [
      { etcd: { local: { extraArgs: { 'listen-metrics-urls': null } } } },
      'spec.etcd.local.extraArgs.listen-metrics-urls: etcd: its probes ask port 2381, but it listens on 2379, 2380 only',
    ],
    [
      {
        patches: [
          {
            target: 'kube-scheduler',
            type: 'json',
            patch: [{ op: 'replace', path: '/spec/containers/0/ports/0/containerPort', value: 1234 }],
          },
        ],
      },
      'spec.patches[0].patch: kube-scheduler: its probes ask port 1234, but it listens on 10259 only',
    ],
    [
      {
        patches: [
          {
            target: 'kube-scheduler',
            type: 'json',
            patch: [{ op: 'replace', path: '/spec/containers/0/startupProbe/httpGet/scheme', value: 'HTTP' }],
          },
        ],
      },
      'spec.patches[0].patch: kube-scheduler: its probes ask port 10259 with HTTP, but it speaks HTTPS there',
    ],
    [
      {
        patches: [
          {
            target: 'kube-scheduler',
            type: 'json',
            patch: [{ op: 'remove', path: '/spec/containers/0/livenessProbe/httpGet/host' }],
          },
        ],
      },
      'spec.patches[0].patch: kube-scheduler: its probes ask port 10259 of 10.0.0.11, but it listens there on 127.0.0.1 only',
    ],
    [
      {
        patches: [
          { target: 'kube-scheduler', type: 'json', patch: [{ op: 'remove', path: '/spec/containers/0/ports' }] },
        ],
      },
      'its probes refer to a container port that does not exist',
    ],
  ])('that can never succeed are an error: %j', async (more, message) => {
    expect(await faults(more)).toEqual([expect.stringContaining(message)]);
  });

  it('of the API server need anonymous requests; the hint says how to allow just them', async () => {
    expect(await faults({ apiServer: { extraArgs: { 'anonymous-auth': false } } })).toEqual([
      expect.stringMatching(
        /^error spec\.apiServer\.extraArgs\.anonymous-auth: the kubelet's probes of \/livez and \/readyz would be refused.*AuthenticationConfiguration \(apiserver\.config\.k8s\.io\/v1\): anonymous: \{enabled: true, conditions: \[\{path: \/livez\}, \{path: \/readyz\}\]\}$/,
      ),
    ]);
    expect(await faults(authn('anonymous: {enabled: true, conditions: [{path: /livez}]}'))).toEqual([
      expect.stringContaining("the kubelet's probes of /readyz would be refused"),
    ]);
    expect(await faults(authn('anonymous: {enabled: false}'))).toEqual([
      expect.stringContaining("the kubelet's probes of /livez and /readyz would be refused"),
    ]);
    expect(await faults(authn('anonymous: {enabled: true}', { 'anonymous-auth': true }))).toEqual([
      expect.stringContaining('exclude each other'),
    ]);
    expect(await faults(authn('anonymous: {enabled: true, conditions: [{path: /livez}, {path: /readyz}]}'))).toEqual(
      [],
    );
    expect(await faults(authn('jwt: []'))).toEqual([]);
  });
});

describe('processes of one node', () => {
  it('must find etcd where it listens', async () => {
    const listen = (url: string) => ({ etcd: { local: { extraArgs: { 'listen-client-urls': url } } } });
    expect(await faults(listen('https://10.0.0.11:2379'))).toEqual([
      "error spec.etcd.local.extraArgs.listen-client-urls: kube-apiserver looks for etcd at https://127.0.0.1:2379, but this node's etcd listens for clients at https://10.0.0.11:2379",
    ]);
    expect(await faults(listen('https://0.0.0.0:2379'))).toEqual([]);
    const peers = { etcd: { local: { extraArgs: { 'listen-peer-urls': 'https://10.0.0.11:3380' } } } };
    expect(await faults(peers)).toEqual([
      expect.stringContaining(
        'etcd tells its peers to come to https://10.0.0.11:2380, but listens for them at https://10.0.0.11:3380',
      ),
    ]);
  });

  it('are warned about where the API server hides from them', async () => {
    expect(await faults({ apiServer: { extraArgs: { 'bind-address': '127.0.0.1' } } })).toEqual([
      expect.stringMatching(
        /^warning spec\.apiServer\.extraArgs\.bind-address: kube-apiserver listens on 127\.0\.0\.1 only/,
      ),
    ]);
  });
});

describe('what is laid over a pod', () => {
  it('must leave it a pod that Kubernetes reads', async () => {
    const patches = [
      { target: 'kube-apiserver', patch: { spec: { terminationGracePeriodSeconds: 5 } } },
      { target: 'kube-apiserver', patch: { spec: { hostNetwrk: true, dnsPolicy: 'clusterfirst' } } },
      { target: 'etcd', patch: { metadata: { name: 'other', namespace: 'default' } } },
      { target: 'kube-scheduler', patch: { kind: 'Deployment' } },
      {
        target: 'kube-controller-manager',
        type: 'json',
        patch: [{ op: 'replace', path: '/spec/containers/0/imag', value: 'x' }],
      },
    ];
    expect(await faults({ patches })).toEqual([
      'error spec.patches[1].patch: kube-apiserver: spec has no field "hostNetwrk" in a static pod',
      'error spec.patches[1].patch: kube-apiserver: spec.dnsPolicy is "clusterfirst"; did you mean "ClusterFirst"?',
      'error spec.patches[2].patch: etcd: metadata.name must stay "etcd"',
      'error spec.patches[2].patch: etcd: metadata.namespace must stay "kube-system"',
      'error spec.patches[3].patch: kube-scheduler: kind must be "Pod"',
      'error spec.patches[4].patch: operation 1 on kube-controller-manager: there is nothing at /spec/containers/0/imag',
    ]);
  });

  it('must not limit it to less than it requests', async () => {
    expect(await faults({ apiServer: { resources: { limits: { cpu: '100m' } } } })).toEqual([
      'error spec.apiServer.resources.limits.cpu: kube-apiserver: the limit of cpu is 100m, less than the 250m that it requests; set requests.cpu too',
    ]);
    expect(await faults({ etcd: { local: { resources: { limits: { cpu: 1, memory: '0.1Gi' } } } } })).toEqual([]);
  });

  it('must hold environment as static pods can have it', async () => {
    const extraEnvs = [{ name: 'A', valueFrom: { secretKeyRef: { name: 'x', key: 'y' } } }];
    expect(await faults({ scheduler: { extraEnvs } })).toEqual([
      'error spec.scheduler.extraEnvs: kube-scheduler: spec.containers[0].env[0].valueFrom has no field "secretKeyRef" in a static pod',
    ]);
  });

  it('says so where it changes nothing', async () => {
    const etcd = { external: { endpoints: ['https://10.9.9.9:2379'], caFile: '/etc/etcd/ca.crt' } };
    expect(await faults({ etcd, patches: [{ target: 'etcd', patch: {} }] })).toEqual([
      'warning spec.patches[0].patch: changes nothing: etcd runs elsewhere',
    ]);
  });
});

describe("the kubelet's configuration", () => {
  it('is checked field by field', async () => {
    expect(await faults({ kubelet: { config: { maxPod: 5, evictionHard: 3, staticPodPath: '/x' } } })).toEqual([
      'error spec.kubelet.config.maxPod: KubeletConfiguration of 1.36 has no field "maxPod"; did you mean "maxPods"?',
      'error spec.kubelet.config.evictionHard: 3 is not a map',
      'error spec.kubelet.config.staticPodPath: must stay "/etc/kubernetes/manifests": the manifests are put there',
    ]);
  });

  it('names the field that a patch has spoilt', async () => {
    expect(await faults({ patches: [{ target: 'kubeletconfiguration', patch: { maxPods: 'x' } }] })).toEqual([
      expect.stringMatching(/^error spec\.patches\[0\]\.patch: maxPods: "x" is not/),
    ]);
  });
});

describe('files of the user', () => {
  it.each([
    ['/etc/kubernetes/manifests/mine.yaml', 'the kubelet runs every file in /etc/kubernetes/manifests as a pod'],
    ['/etc/kubernetes/pki/ca.crt', 'is rendered already'],
    ['/etc/kubernetes/pki/ca.key', 'is rendered already'],
    ['/var/lib/kubelet/config.yaml', 'is rendered already'],
    ['/etc/kubernetes/pki', 'and the rendered file /etc/kubernetes/pki/'],
    ['/etc/kubernetes/admin.conf/x', 'and the rendered file /etc/kubernetes/admin.conf exclude each other'],
  ])('must not be at %s', async (path, message) => {
    expect(await faults({ files: [{ path, content: 'x' }] })).toEqual([
      expect.stringMatching(new RegExp(`^error spec\\.files\\[0\\][^:]*: .*${message.replaceAll('/', '\\/')}`)),
    ]);
  });
});

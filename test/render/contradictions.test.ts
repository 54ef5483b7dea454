import { describe, expect, it } from 'vitest';
import { explainKubeletField } from '../../src/render/explain-kubelet.ts';
import { clusterOf, containerOf, contextFor, faultsOf, render, specOf, textOf } from './fixtures.ts';

/** Faults of masters with `more`, without line and column. */
async function faults(more: object, count = 1): Promise<readonly string[]> {
  return (await faultsOf(specOf(count, more))).map((fault) => fault.replace(/cluster\.yaml:\d+:\d+: /, ''));
}

const args = (block: string, extraArgs: object) =>
  block === 'etcd' ? { etcd: { local: { extraArgs } } } : { [block]: { extraArgs } };

describe('a flag that a master cannot be without', () => {
  it.each([
    ['apiServer', 'etcd-servers'],
    ['apiServer', 'service-account-issuer'],
    ['apiServer', 'service-account-key-file'],
    ['apiServer', 'service-account-signing-key-file'],
    ['apiServer', 'service-cluster-ip-range'],
    ['apiServer', 'tls-cert-file'],
    ['apiServer', 'client-ca-file'],
    ['apiServer', 'etcd-cafile'],
    ['controllerManager', 'kubeconfig'],
    ['scheduler', 'kubeconfig'],
    ['kubelet', 'config'],
    ['kubelet', 'kubeconfig'],
    ['etcd', 'name'],
    ['etcd', 'data-dir'],
    ['etcd', 'initial-advertise-peer-urls'],
    ['etcd', 'advertise-client-urls'],
    ['etcd', 'cert-file'],
    ['etcd', 'peer-key-file'],
    ['etcd', 'trusted-ca-file'],
  ])('of %s cannot be taken away: %s', async (block, flag) => {
    const path = `error spec.${block === 'etcd' ? 'etcd.local' : block}.extraArgs.${flag}`;
    const found = await faults(args(block, { [flag]: null }));
    expect(found).toContainEqual(expect.stringContaining(`${path}: --${flag} is missing: `));
    if (block !== 'kubelet') {
      expect(await faults(args(block, { [flag]: '' }))).toContainEqual(
        expect.stringContaining(`--${flag} is missing: `),
      );
    }
  });

  it('may be absent where something else takes its place', async () => {
    const signer = {
      extraArgs: {
        'service-account-key-file': null,
        'service-account-signing-key-file': null,
        'service-account-signing-endpoint': '@signer',
      },
    };
    expect((await faults({ apiServer: signer })).join()).not.toContain('is missing');
    expect((await faults(args('etcd', { 'initial-cluster': null }))).join()).not.toContain('is missing');
    expect((await faults(args('etcd', { 'initial-cluster': null }), 3)).join()).toContain('a cluster of its own');
  });

  it('is placed at the patch that takes it away', async () => {
    const patch = [{ op: 'replace', path: '/spec/containers/0/command', value: ['kube-scheduler'] }];
    const found = await faults({
      patches: [
        { target: 'kube-scheduler', patch: { metadata: { labels: { a: 'b' } } } },
        { target: 'kube-scheduler', type: 'json', patch },
      ],
    });
    expect(found).toContainEqual(expect.stringContaining('error spec.patches[1].patch: --kubeconfig is missing'));
  });
});

describe('a flag that says something else than the cluster file', () => {
  it.each([
    ['apiServer', 'service-cluster-ip-range', '10.97.0.0/16', 'set spec.networking.serviceSubnet'],
    ['apiServer', 'advertise-address', '10.9.9.9', 'add it to spec.apiServer.certSANs'],
    ['controllerManager', 'cluster-cidr', '10.10.0.0/16', 'set spec.networking.podSubnet'],
    ['controllerManager', 'service-cluster-ip-range', '10.97.0.0/16', 'set spec.networking.serviceSubnet'],
    ['etcd', 'initial-cluster', 'other=https://10.0.0.11:2380', 'has no member "cp1"'],
    ['etcd', 'initial-cluster', 'cp1=https://10.0.0.12:2380', 'at other URLs'],
    ['kubelet', 'config', '/etc/kubelet.yaml', 'set spec.kubelet.config'],
    ['kubelet', 'kubeconfig', '/etc/kubelet.conf', '/etc/kubernetes/kubelet.conf'],
    ['kubelet', 'hostname-override', 'other', 'system:node:cp1'],
  ])('of %s is an error: %s=%s', async (block, flag, value, text) => {
    const found = (await faults(args(block, { [flag]: value }))).filter((fault) => fault.startsWith('error'));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(text);
  });

  it('may say the same in other words', async () => {
    const apiServer = {
      certSANs: ['10.9.9.9'],
      extraArgs: { 'service-cluster-ip-range': '10.96.0.1/12', 'advertise-address': '10.9.9.9' },
    };
    expect(await faults({ apiServer, controllerManager: { extraArgs: { 'cluster-cidr': '10.244.1.0/16' } } })).toEqual(
      [],
    );
    const own = { 'cluster-cidr': '10.10.0.0/16', 'allocate-node-cidrs': true };
    expect(await faults({ networking: {}, controllerManager: { extraArgs: own } })).toEqual([]);
    expect(await faults(args('etcd', { name: 'member-1' }))).toEqual([]);
  });

  it('is an error where several members of etcd have one name', async () => {
    expect((await faults(args('etcd', { name: 'same' }), 3)).join()).toContain('every member needs a name of its own');
  });

  it('is a warning where an address is not one of the node', async () => {
    expect(await faults(args('kubelet', { 'node-ip': '10.0.0.99' }))).toEqual([
      expect.stringMatching(/^warning .*10\.0\.0\.99 is none of the addresses of the node/),
    ]);
  });
});

describe('volumes', () => {
  const volume = (block: string, value: object) =>
    faults(block === 'etcd' ? { etcd: { local: { extraVolumes: [value] } } } : { [block]: { extraVolumes: [value] } });

  it('that take the place of a rendered one must bring the rendered files', async () => {
    expect(
      await volume('apiServer', { name: 'k8s-certs', hostPath: '/opt/pki', mountPath: '/etc/kubernetes/pki' }),
    ).toEqual([
      expect.stringMatching(/^error spec\.apiServer\.extraVolumes\[0\]: .*\/opt\/pki\/.* which is not rendered/),
    ]);
    expect(
      await volume('scheduler', {
        name: 'kubeconfig',
        hostPath: '/opt/x',
        mountPath: '/etc/kubernetes/scheduler.conf',
      }),
    ).toContainEqual(expect.stringMatching(/^error spec\.scheduler\.extraVolumes\[0\]/));
    expect(await volume('etcd', { name: 'etcd-data', hostPath: '/data', mountPath: '/var/lib/etcd' })).toEqual([
      expect.stringContaining('warning spec.etcd.local.extraVolumes[0]: etcd: its data would lie in /data'),
    ]);
  });

  it.each(['/', '/usr', '/usr/local/bin'])('must not hide the program: %s', async (mountPath) => {
    expect(await volume('scheduler', { name: 'mine', hostPath: '/opt/x', mountPath })).toContainEqual(
      expect.stringMatching(/^error spec\.scheduler\.extraVolumes\[0\]: .* hides the program/),
    );
  });

  it('above the PKI are doubted', async () => {
    expect(await volume('apiServer', { name: 'mine', hostPath: '/opt/x', mountPath: '/etc/kubernetes' })).toEqual([
      expect.stringMatching(/^warning spec\.apiServer\.extraVolumes\[0\]: .*\/etc\/kubernetes\/pki lies in it/),
    ]);
  });

  it('are never suggested for the root or a directory of the system', async () => {
    for (const file of ['/policy.yaml', '/etc/policy.yaml']) {
      const [found] = await faults(args('apiServer', { 'audit-policy-file': file }));
      expect(found).toContain('put it into a directory of its own, such as /etc/kubernetes/audit-policy-file');
    }
  });
});

describe('the data directory of etcd', () => {
  it.each([
    '/',
    '/etc',
    '/etc/kubernetes/etcd',
    '/usr/etcd',
    '/var',
    '/var/lib',
    '/var/lib/kubelet/etcd',
    '/bin',
    '/tmp/etcd',
    '/var/lib/',
  ])('cannot be %s', async (dataDir) => {
    expect(await faults({ etcd: { local: { dataDir } } })).toContainEqual(
      expect.stringMatching(/^error spec\.etcd\.local\.dataDir: .* cannot be the data directory/),
    );
  });

  it.each(['/srv/etcd', '/data', '/var/lib/etcd-2', '/mnt/disk'])('can be %s', async (dataDir) => {
    expect(await faults({ etcd: { local: { dataDir } } })).toEqual([]);
  });
});

describe('a patch', () => {
  const targets = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];

  it.each(targets)('cannot take %s out of the network of the host', async (target) => {
    for (const hostNetwork of [false, null]) {
      expect(await faults({ patches: [{ target, patch: { spec: { hostNetwork } } }] })).toEqual([
        expect.stringContaining(`error spec.patches[0].patch: ${target}: spec.hostNetwork must stay true`),
      ]);
    }
  });

  it('cannot give the container another name or program', async () => {
    const patch = [
      { op: 'replace', path: '/spec/containers/0/name', value: 'x' },
      { op: 'replace', path: '/spec/containers/0/command/0', value: 'sh' },
    ];
    expect(await faults({ patches: [{ target: 'kube-scheduler', type: 'json', patch }] })).toEqual([
      expect.stringContaining(
        'spec.patches[0].patch: kube-scheduler: spec.containers[0].name must stay "kube-scheduler"',
      ),
      expect.stringContaining('spec.containers[0].command[0] must be kube-scheduler'),
    ]);
  });

  it('is named for what it breaks, not the default that it breaks', async () => {
    const harmless = { target: 'kube-apiserver', patch: { metadata: { labels: { a: 'b' } } } };
    const patch = [{ op: 'replace', path: '/spec/containers/0/volumeMounts', value: [] }];
    const found = await faults({ patches: [harmless, { target: 'kube-apiserver', type: 'json', patch }, harmless] });
    expect(found.length).toBeGreaterThan(0);
    expect(found.filter((fault) => !fault.includes(' spec.patches[1].patch: '))).toEqual([]);
  });
});

describe('what a program takes and nobody should want', () => {
  it.each([
    ['apiServer', 'allow-privileged', false],
    ['etcd', 'force-new-cluster', true],
    ['etcd', 'client-cert-auth', false],
  ])('warns: %s %s=%s', async (block, flag, value) => {
    expect(await faults(args(block, { [flag]: value }))).toEqual([
      expect.stringMatching(new RegExp(`^warning spec\\.${block}(\\.local)?\\.extraArgs\\.${flag}: `)),
    ]);
  });

  it.each(['Node,RBAC,AlwaysAllow', null])('is an error where the probes are refused for it: %s', async (mode) => {
    expect(await faults(args('apiServer', { 'authorization-mode': mode }))).toEqual([
      expect.stringMatching(/^error spec\.apiServer\.extraArgs\.authorization-mode: .*AlwaysAllow.*probes/),
    ]);
  });

  it('warns in the configuration of the kubelet too', async () => {
    const config = { authentication: { anonymous: { enabled: true } }, authorization: { mode: 'AlwaysAllow' } };
    expect(await faults({ kubelet: { config } })).toEqual([
      expect.stringMatching(/^warning spec\.kubelet\.config\.authentication\.anonymous\.enabled: /),
      expect.stringMatching(/^warning spec\.kubelet\.config\.authorization\.mode: /),
    ]);
  });
});

describe('the name of a flag', () => {
  it.each(['service-account-issuer=https://a', '--v', 'v x', '..', '-v', ' '])('is refused: %j', async (name) => {
    for (const block of ['apiServer', 'kubelet']) {
      const found = await faults({ [block]: { extraArgs: { [name]: 'b' } } });
      expect(found).toContainEqual(expect.stringContaining(`error spec.${block}.extraArgs[${JSON.stringify(name)}]: `));
    }
  });
});

describe('an environment variable', () => {
  it('that is set twice is told at the second', async () => {
    const extraEnvs = [
      { name: 'A', value: '1' },
      { name: 'B', value: '2' },
      { name: 'A', value: '3' },
    ];
    expect(await faults({ apiServer: { extraEnvs } })).toEqual([
      'warning spec.apiServer.extraEnvs[2].name: "A" is set twice, at [0] too; only the last counts',
    ]);
  });
});

describe('durations and quantities', () => {
  it('are written as Kubernetes writes them', async () => {
    const resources = { requests: { cpu: 0.5, memory: '1024Mi' }, limits: { cpu: '2000m', memory: '1.5Gi' } };
    const output = await render(specOf(1, { apiServer: { resources }, kubelet: { config: { syncFrequency: '60s' } } }));
    expect(containerOf(output, 'kube-apiserver').resources).toEqual({
      requests: { cpu: '500m', memory: '1Gi' },
      limits: { cpu: '2', memory: '1536Mi' },
    });
    expect(textOf(output, '/var/lib/kubelet/config.yaml')).toContain('syncFrequency: "1m0s"\n');
  });
});

describe('a field of the kubelet', () => {
  it('is explained by who set it', async () => {
    const cluster = clusterOf(
      specOf(1, {
        kubelet: { config: { maxPods: 50, cgroupDriver: null } },
        patches: [{ target: 'kubeletconfiguration', patch: { podPidsLimit: 99 } }],
      }),
    );
    const context = await contextFor(cluster);
    const [node] = cluster.nodes;
    if (!node) throw new Error('no node');
    const explain = (...path: readonly string[]) => explainKubeletField(cluster, node, context, path);
    expect(explain('maxPods')).toMatchObject({
      value: 50,
      origin: { kind: 'user', at: { path: 'spec.kubelet.config.maxPods' } },
    });
    expect(explain('podPidsLimit')).toMatchObject({ value: 99, origin: { kind: 'patch' } });
    expect(explain('authentication', 'webhook', 'enabled')).toEqual({ value: true, origin: { kind: 'template' } });
    expect(explain('cgroupDriver')).toMatchObject({ value: undefined, origin: { kind: 'removed' } });
    expect(explain('failSwapOn')).toEqual({ value: undefined, origin: { kind: 'unset' } });
    expect(explain('maxPod')).toMatchObject({ origin: { kind: 'unknown', hint: 'did you mean "maxPods"?' } });
  });
});

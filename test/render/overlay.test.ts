import { describe, expect, it } from 'vitest';
import { containerOf, flagValues, podOf, render, specOf } from './fixtures.ts';

const api = (extraArgs: object) => specOf(1, { apiServer: { extraArgs } });

describe('extraArgs', () => {
  it('stand after the sorted defaults, in the order in which the user wrote them', async () => {
    const { command } = containerOf(
      await render(api({ v: 4, 'audit-log-maxage': 30, 'allow-privileged': false })),
      'kube-apiserver',
    );
    expect(command.slice(-3)).toEqual(['--v=4', '--audit-log-maxage=30', '--allow-privileged=false']);
    const defaults = command.slice(1, -3);
    expect(defaults).toEqual([...defaults].sort());
  });

  it('take every default of their name away, even where the value is the same', async () => {
    const output = await render(api({ 'secure-port': 6443 }));
    expect(flagValues(output, 'kube-apiserver', 'secure-port')).toEqual(['6443']);
    expect(containerOf(output, 'kube-apiserver').command.at(-1)).toBe('--secure-port=6443');
  });

  it('repeat a flag for a list and remove it for null', async () => {
    const output = await render(
      api({ 'service-account-issuer': ['https://a', 'https://b'], 'enable-bootstrap-token-auth': null }),
    );
    expect(flagValues(output, 'kube-apiserver', 'service-account-issuer')).toEqual(['https://a', 'https://b']);
    expect(flagValues(output, 'kube-apiserver', 'enable-bootstrap-token-auth')).toEqual([]);
  });

  it('keep the text of a number as it was written', async () => {
    const text =
      'apiVersion: bootstrap/v1alpha1\nkind: Cluster\nspec:\n  kubernetesVersion: v1.36.2\n  nodes: [{name: a, addresses: [10.0.0.1]}]\n  apiServer: {extraArgs: {goaway-chance: 0.010}}\n';
    expect(flagValues(await render(text), 'kube-apiserver', 'goaway-chance')).toEqual(['0.010']);
  });

  it('may differ from node to node', async () => {
    const nodes = [
      { name: 'a', addresses: ['10.0.0.1'], apiServer: { extraArgs: { v: 9 } } },
      { name: 'b', addresses: ['10.0.0.2'] },
      { name: 'c', addresses: ['10.0.0.3'] },
    ];
    const output = await render(specOf(3, { nodes, apiServer: { extraArgs: { v: 2 } } }));
    expect([0, 1].map((node) => flagValues(output, 'kube-apiserver', 'v', node))).toEqual([['9'], ['2']]);
  });

  it('drop authorization-mode where authorization-config is given, which excludes it', async () => {
    const output = await render(api({ 'authorization-config': '/etc/kubernetes/pki/authorization.yaml' }));
    expect(flagValues(output, 'kube-apiserver', 'authorization-mode')).toEqual([]);
  });

  it('of one port reach everything that depends on it', async () => {
    const output = await render(api({ 'secure-port': 7443 }));
    const { ports } = containerOf(output, 'kube-apiserver');
    expect(ports?.[0]?.containerPort).toBe(7443);
    expect(
      podOf(output, 'kube-apiserver').metadata.annotations[
        'kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint'
      ],
    ).toBe('10.0.0.11:7443');
    for (const file of ['scheduler.conf', 'controller-manager.conf', 'kubelet.conf']) {
      expect(output.bundles[0]?.files.find(({ path }) => path.endsWith(file))?.content.toString()).toContain(
        'server: https://10.0.0.11:7443\n',
      );
    }
  });

  it("of etcd's peer URL and name reach the list that all members have", async () => {
    const nodes = [1, 2, 3].map((i) => ({
      name: `cp${i}`,
      addresses: [`10.0.0.1${i}`],
      etcd: {
        local: {
          extraArgs: {
            'listen-peer-urls': `https://10.0.0.1${i}:3380`,
            'initial-advertise-peer-urls': `https://10.0.0.1${i}:3380`,
          },
        },
      },
    }));
    const output = await render(specOf(3, { nodes }));
    const wanted = 'cp1=https://10.0.0.11:3380,cp2=https://10.0.0.12:3380,cp3=https://10.0.0.13:3380';
    expect([0, 1, 2].map((node) => flagValues(output, 'etcd', 'initial-cluster', node))).toEqual([
      [wanted],
      [wanted],
      [wanted],
    ]);
  });

  it("of etcd's client URL reach the API server, as with kubeadm", async () => {
    const output = await render(
      specOf(1, { etcd: { local: { extraArgs: { 'advertise-client-urls': 'https://10.0.0.11:2379' } } } }),
    );
    expect(flagValues(output, 'kube-apiserver', 'etcd-servers')).toEqual(['https://10.0.0.11:2379']);
  });
});

describe('probes', () => {
  const probe = async (
    more: object,
    component: 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler',
  ) => {
    const container = containerOf(await render(specOf(1, more)), component);
    const { host, scheme } = container.livenessProbe.httpGet;
    return [scheme, host, container.ports?.[0]?.containerPort];
  };

  it('follow bind-address and secure-port', async () => {
    expect(await probe({}, 'kube-scheduler')).toEqual(['HTTPS', '127.0.0.1', 10259]);
    expect(
      await probe({ scheduler: { extraArgs: { 'bind-address': '0.0.0.0', 'secure-port': 20259 } } }, 'kube-scheduler'),
    ).toEqual(['HTTPS', undefined, 20259]);
    expect(
      await probe({ controllerManager: { extraArgs: { 'bind-address': '::' } } }, 'kube-controller-manager'),
    ).toEqual(['HTTPS', undefined, 10257]);
    expect(
      await probe({ controllerManager: { extraArgs: { 'bind-address': '10.0.0.11' } } }, 'kube-controller-manager'),
    ).toEqual(['HTTPS', '10.0.0.11', 10257]);
    expect(await probe({ apiServer: { extraArgs: { 'bind-address': '0.0.0.0' } } }, 'kube-apiserver')).toEqual([
      'HTTPS',
      '10.0.0.11',
      6443,
    ]);
    expect(await probe({ apiServer: { bindPort: 8443 } }, 'kube-apiserver')).toEqual(['HTTPS', '10.0.0.11', 8443]);
  });

  it('of etcd follow the first metrics URL; a wildcard is asked on loopback', async () => {
    const metrics = (url: string) => probe({ etcd: { local: { extraArgs: { 'listen-metrics-urls': url } } } }, 'etcd');
    expect(await metrics('http://0.0.0.0:12381')).toEqual(['HTTP', '127.0.0.1', 12381]);
    expect(await metrics('http://[::]:12381')).toEqual(['HTTP', '::1', 12381]);
    expect(await metrics('https://10.0.0.11:2382,http://127.0.0.1:2381')).toEqual(['HTTPS', '10.0.0.11', 2382]);
  });

  it('allow the time of the cluster file, rounded up to tens of seconds', async () => {
    const output = await render(specOf(1, { timeouts: { controlPlaneComponentHealthCheck: '6m21s' } }));
    expect(containerOf(output, 'etcd').startupProbe.failureThreshold).toBe(39);
  });
});

describe('environment, volumes and resources', () => {
  it('are sorted by name; a volume of an existing name replaces it', async () => {
    const apiServer = {
      extraEnvs: [
        { name: 'GOMEMLIMIT', value: '2GiB' },
        { name: 'GOGC', value: '80' },
      ],
      extraVolumes: [
        { name: 'audit', hostPath: '/var/log/audit', mountPath: '/var/log/audit', pathType: 'DirectoryOrCreate' },
        { name: 'ca-certs', hostPath: '/etc/pki/tls/certs', mountPath: '/etc/ssl/certs', readOnly: true },
      ],
    };
    const output = await render(specOf(1, { apiServer, hostCACertDirs: [] }));
    const { env, volumeMounts } = containerOf(output, 'kube-apiserver');
    expect(env).toEqual([
      { name: 'GOGC', value: '80' },
      { name: 'GOMEMLIMIT', value: '2GiB' },
    ]);
    expect(volumeMounts).toEqual([
      { name: 'audit', mountPath: '/var/log/audit' },
      { name: 'ca-certs', mountPath: '/etc/ssl/certs', readOnly: true },
      { name: 'k8s-certs', mountPath: '/etc/kubernetes/pki', readOnly: true },
    ]);
    expect(podOf(output, 'kube-apiserver').spec.volumes).toEqual([
      { name: 'audit', hostPath: { path: '/var/log/audit', type: 'DirectoryOrCreate' } },
      { name: 'ca-certs', hostPath: { path: '/etc/pki/tls/certs', type: '' } },
      { name: 'k8s-certs', hostPath: { path: '/etc/kubernetes/pki', type: 'DirectoryOrCreate' } },
    ]);
  });

  it('merge resources over the default requests', async () => {
    const output = await render(
      specOf(1, { etcd: { local: { resources: { requests: { memory: '1Gi' }, limits: { memory: '2Gi' } } } } }),
    );
    expect(containerOf(output, 'etcd').resources).toEqual({
      requests: { cpu: '100m', memory: '1Gi' },
      limits: { memory: '2Gi' },
    });
  });

  it('mount the directories of an external etcd, each once and only where they are not mounted anyway', async () => {
    const external = (dir: string, keyDir = dir) => ({
      etcd: {
        external: {
          endpoints: ['https://10.9.9.9:2379'],
          caFile: `${dir}/ca.crt`,
          certFile: `${dir}/c.crt`,
          keyFile: `${keyDir}/c.key`,
        },
      },
    });
    const dirs = async (more: object) =>
      podOf(await render(specOf(1, { ...more, hostCACertDirs: ['/opt/ca'] })), 'kube-apiserver')
        .spec.volumes.filter(({ name }) => name.startsWith('etcd-certs'))
        .map(({ name, hostPath }) => `${name} ${hostPath.path}`);
    expect(await dirs(external('/etc/etcd/pki'))).toEqual(['etcd-certs-0 /etc/etcd/pki']);
    expect(await dirs(external('/etc/etcd/pki', '/etc/etcd/keys'))).toEqual([
      'etcd-certs-0 /etc/etcd/keys',
      'etcd-certs-1 /etc/etcd/pki',
    ]);
    expect(await dirs(external('/etc/etcd/pki', '/etc/etcd'))).toEqual(['etcd-certs-0 /etc/etcd']);
    expect(await dirs(external('/etc/kubernetes/pki/etcd'))).toEqual([]);
    expect(await dirs(external('/opt/ca/etcd'))).toEqual([]);
    expect(await dirs(external('/etc/kubernetes/pki-etcd'))).toEqual(['etcd-certs-0 /etc/kubernetes/pki-etcd']);
  });

  it('name the volume of a host directory by its path, where that can be a name', async () => {
    const hostCACertDirs = ['/etc/pki/tls/', '/etc/pki/tls', '/ca-certs', '/Opt/CA', '/etc/ssl/certs'];
    const { volumes } = podOf(await render(specOf(1, { hostCACertDirs })), 'kube-controller-manager').spec;
    const named = new Map(volumes.map(({ name, hostPath }) => [hostPath.path, name]));
    expect(named.get('/etc/pki/tls')).toBe('etc-pki-tls');
    expect(named.get('/Opt/CA')).toMatch(/^dir-[0-9a-f]{12}$/);
    expect(named.get('/ca-certs')).toMatch(/^dir-[0-9a-f]{12}$/);
    expect(new Set(named.values()).size).toBe(volumes.length);
  });
});

describe('patches', () => {
  it('come last, one after the other, each only on its target', async () => {
    const patches = [
      {
        target: 'kube-scheduler',
        patch: { spec: { terminationGracePeriodSeconds: 5 }, metadata: { labels: { tier: null } } },
      },
      {
        target: 'kube-scheduler',
        type: 'json',
        patch: [
          { op: 'test', path: '/spec/terminationGracePeriodSeconds', value: 5 },
          { op: 'add', path: '/spec/containers/0/command/-', value: '--v=7' },
        ],
      },
    ];
    const output = await render(specOf(1, { patches, scheduler: { extraArgs: { 'leader-elect': false } } }));
    expect(containerOf(output, 'kube-scheduler').command.slice(-2)).toEqual(['--leader-elect=false', '--v=7']);
    expect(podOf(output, 'kube-scheduler')).toMatchObject({
      metadata: { labels: { component: 'kube-scheduler' } },
      spec: { terminationGracePeriodSeconds: 5 },
    });
    expect(podOf(output, 'etcd').spec).not.toHaveProperty('terminationGracePeriodSeconds');
  });
});

import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { describeOrigin } from '../../../src/base/fault.ts';
import { DEFAULT_VERSION } from '../../../src/kubernetes/version.ts';
import { convertKubeadm, type KubeadmInput } from '../../../src/spec/from-kubeadm/convert.ts';

const INIT = `
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
nodeRegistration: {name: cp1}
localAPIEndpoint: {advertiseAddress: 10.0.0.11}
`;

function convert(text: string, options: Partial<KubeadmInput> = {}) {
  const conversion = convertKubeadm({ file: 'kubeadm.yaml', text, ...options });
  const file = parse(conversion.text) as {
    metadata?: Record<string, unknown>;
    spec: Record<string, Record<string, unknown>>;
  };
  const left = conversion.notCarried.map(({ at, why }) => `${describeOrigin(at.origin)}: ${at.path}: ${why}`);
  return { ...conversion, ...file, left };
}

const cluster = (fields: string, version = 'v1beta4', options: Partial<KubeadmInput> = {}) =>
  convert(`apiVersion: kubeadm.k8s.io/${version}\nkind: ClusterConfiguration\n${fields}${INIT}`, options);

describe('keys', () => {
  it('are RSA-2048, the service-account key too, where nothing is said: kubeadm’s default is not bootstrap’s', () => {
    expect(cluster('').spec['pki']).toEqual({ algorithm: 'RSA-2048', serviceAccountAlgorithm: 'RSA-2048' });
    expect(convert(INIT).spec['pki']).toEqual({ algorithm: 'RSA-2048', serviceAccountAlgorithm: 'RSA-2048' });
  });

  it('are what encryptionAlgorithm says', () => {
    const { spec } = cluster(
      'encryptionAlgorithm: ECDSA-P384\ncertificateValidityPeriod: 720h\ncaCertificateValidityPeriod: 9000h',
    );
    expect(spec['pki']).toEqual({
      algorithm: 'ECDSA-P384',
      serviceAccountAlgorithm: 'ECDSA-P384',
      certValidity: '720h',
      caValidity: '9000h',
    });
  });

  it('are ECDSA-P256 where v1beta3 has the feature gate on', () => {
    expect(cluster('featureGates: {PublicKeysECDSA: true}', 'v1beta3').spec['pki']?.['algorithm']).toBe('ECDSA-P256');
  });

  it('follow the feature gate even against encryptionAlgorithm, as kubeadm does', () => {
    const { spec, left } = cluster('featureGates: {PublicKeysECDSA: no}\nencryptionAlgorithm: ECDSA-P384');
    expect(spec['pki']?.['algorithm']).toBe('RSA-2048');
    expect(left).toEqual(['kubeadm.yaml:4:1: encryptionAlgorithm: the feature gate PublicKeysECDSA wins over it']);
  });
});

describe('the Kubernetes version', () => {
  it('gets its v', () => {
    expect(cluster('kubernetesVersion: 1.35.2').spec['kubernetesVersion']).toBe('v1.35.2');
  });

  it('is the default where a label stands that only the internet can tell', () => {
    const { spec, left } = cluster('kubernetesVersion: stable-1');
    expect(spec['kubernetesVersion']).toBe(DEFAULT_VERSION);
    expect(left).toEqual([expect.stringContaining('kubernetesVersion: "stable-1" is a name that kubeadm looks up')]);
  });

  it('stays in the minor that a label names', () => {
    expect(cluster('kubernetesVersion: stable-1.34').spec['kubernetesVersion']).toMatch(/^v1\.34\.\d+$/);
    expect(() => cluster('kubernetesVersion: stable-1.29')).toThrow('1 error');
  });
});

describe('the endpoint', () => {
  it.each([
    ['api.example.com', 7443, 'api.example.com:7443'],
    ['api.example.com', 6443, 'api.example.com'],
    ['api.example.com:8443', 7443, 'api.example.com:8443'],
    ['"fd00::1"', 7443, '[fd00::1]:7443'],
  ])('%s with bindPort %i is %s: kubeadm adds the bindPort', (endpoint, port, expected) => {
    const text = `apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\ncontrolPlaneEndpoint: ${endpoint}${INIT.replace('.11}', `.11, bindPort: ${port}}`)}`;
    expect(convert(text).spec['controlPlaneEndpoint']).toBe(expected);
  });

  it('of the command line wins, as does its name of the cluster, and the others are named', () => {
    const { spec, metadata, left } = cluster('controlPlaneEndpoint: a:6443\nclusterName: old', 'v1beta4', {
      endpoint: 'b:6443',
      name: 'new',
    });
    expect(spec['controlPlaneEndpoint']).toBe('b:6443');
    expect(metadata).toEqual({ name: 'new' });
    expect(left).toEqual([
      'kubeadm.yaml:3:1: controlPlaneEndpoint: --endpoint b:6443 is taken instead',
      'kubeadm.yaml:4:1: clusterName: --name new is taken instead',
    ]);
  });
});

describe('flags', () => {
  it('of v1beta4 that are repeated become lists, in their order', () => {
    const { spec } = cluster(
      'apiServer: {extraArgs: [{name: service-account-issuer, value: https://a}, {name: v, value: "4"}, {name: service-account-issuer, value: https://b}, {name: empty}]}',
    );
    expect(spec['apiServer']?.['extraArgs']).toEqual({
      'service-account-issuer': ['https://a', 'https://b'],
      v: '4',
      empty: '',
    });
  });

  it('of v1beta3 are a map already', () => {
    expect(cluster('scheduler: {extraArgs: {v: "4", profiling: "false"}}', 'v1beta3').spec['scheduler']).toEqual({
      extraArgs: { v: '4', profiling: 'false' },
    });
  });

  it('keep texts that look like something else', () => {
    const values = [
      'true',
      '1.10',
      '0x1F',
      'yes',
      'null',
      '~',
      '1e3',
      '1_000',
      '12:30',
      '2030-01-01',
      '- a',
      'a: b',
      '#c',
      '*x',
      '{}',
      '\u2028',
      'a\nb',
      '=',
      '<<',
    ];
    const args = values.map((value, i) => ({ name: `f${i}`, value }));
    const { spec } = cluster(`scheduler: {extraArgs: ${JSON.stringify(args)}}`);
    expect(Object.values(spec['scheduler']?.['extraArgs'] ?? {})).toEqual(values);
  });
});

describe('the other fields', () => {
  it('keep volumes and variables, and name what is unknown in them', () => {
    const { spec, left } = cluster(
      'controllerManager:\n  extraVolumes: [{name: a, hostPath: /a, mountPath: /b, readOnly: yes, propagation: x}]\n  extraEnvs: [{name: A, value: "1"}, {name: B, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]',
    );
    expect(spec['controllerManager']).toEqual({
      extraVolumes: [{ name: 'a', hostPath: '/a', mountPath: '/b', readOnly: true }],
      extraEnvs: [
        { name: 'A', value: '1' },
        { name: 'B', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      ],
    });
    expect(left).toEqual([
      'kubeadm.yaml:4:72: controllerManager.extraVolumes[0].propagation: is not one of name, hostPath, mountPath, readOnly, pathType',
    ]);
  });

  it('have names in small letters where kubeadm makes them so', () => {
    expect(cluster('apiServer: {certSANs: [API.Example.com, FD00::1]}').spec['apiServer']?.['certSANs']).toEqual([
      'api.example.com',
      'fd00::1',
    ]);
  });

  it('say the same timeout under its old name', () => {
    expect(cluster('apiServer: {timeoutForControlPlane: 6m30s}', 'v1beta3').spec['timeouts']).toEqual({
      controlPlaneComponentHealthCheck: '6m30s',
    });
    expect(cluster('apiServer: {timeoutForControlPlane: 0s}', 'v1beta3').spec['timeouts']).toBeUndefined();
  });

  it('are nothing where they are null or empty', () => {
    const { spec, left } = cluster(
      'networking: {podSubnet: "", serviceSubnet: null}\ndns: {}\nproxy:\netcd: {local: null}\nscheduler: {extraArgs: []}',
    );
    expect(Object.keys(spec)).toEqual(['profiles', 'kubernetesVersion', 'nodes', 'pki']);
    expect(left).toEqual([]);
  });

  it.each([
    ['networkng: {}', 'networkng: is not a field of ClusterConfiguration v1beta4; did you mean "networking"?'],
    [
      'apiServer: {timeoutForControlPlane: 4m}',
      'apiServer.timeoutForControlPlane: is not a field of ClusterConfiguration v1beta4, only of v1beta3',
    ],
    [
      'nodeRegistration: {name: x}',
      'nodeRegistration: is not a field of ClusterConfiguration v1beta4; it is one of InitConfiguration',
    ],
    [
      'scheduler: {Extraargs: []}',
      'scheduler.Extraargs: is not a field of ClusterConfiguration v1beta4; did you mean "extraArgs"?',
    ],
    ['"__proto__": 1', '__proto__: is not a field of ClusterConfiguration v1beta4'],
    ['constructor: {}', 'constructor: is not a field of ClusterConfiguration v1beta4'],
    ['certificatesDir: /pki', 'certificatesDir: on the nodes, certificates are always under /etc/kubernetes/pki'],
    [
      'featureGates: {RootlessControlPlane: true}',
      'featureGates.RootlessControlPlane: the control plane runs as root; use spec.patches to change that',
    ],
  ])('are named where they cannot be carried over: %s', (field, expected) => {
    expect(cluster(field).left).toEqual([expect.stringMatching(/^kubeadm\.yaml:3:\d+: /)]);
    expect(cluster(field).left[0]).toContain(expected);
  });

  it('that equal kubeadm’s defaults ask for nothing', () => {
    const { left } = cluster(
      'certificatesDir: /etc/kubernetes/pki\nfeatureGates: {NodeLocalCRISocket: true, RootlessControlPlane: false}',
    );
    expect(left).toEqual([]);
  });
});

describe('external etcd', () => {
  const external =
    'etcd: {external: {endpoints: [https://e1:2379], httpEndpoints: [https://e1:2379], caFile: /etc/etcd/ca.crt, certFile: /etc/etcd/c.crt, keyFile: /etc/etcd/c.key}}';

  it('keeps its endpoints and files; httpEndpoints that say the same are not worth a word', () => {
    const { spec, left } = cluster(external);
    expect(spec['etcd']).toEqual({
      external: {
        endpoints: ['https://e1:2379'],
        caFile: '/etc/etcd/ca.crt',
        certFile: '/etc/etcd/c.crt',
        keyFile: '/etc/etcd/c.key',
      },
    });
    expect(left).toEqual([]);
    expect(spec['profiles']).toEqual(['single']);
  });

  it('has a profile of its own with several masters', () => {
    const { spec } = cluster(`${external}\ncontrolPlaneEndpoint: api:6443`, 'v1beta4', {
      extraNodes: [{ name: 'cp2', addresses: ['10.0.0.12'] }],
    });
    expect(spec['profiles']).toEqual(['ha-external-etcd']);
  });
});

describe('the file', () => {
  it('says where it comes from and what is missing, without any secret', () => {
    const { text } = convert(
      `${INIT}certificateKey: ${'0f'.repeat(32)}\nbootstrapTokens: [{token: abcdef.0123456789abcdef}]`,
    );
    expect(text).toMatch(/^# The cluster, as `bootstrap` reads it/);
    expect(text).toContain('from kubeadm.yaml (kubeadm.k8s.io/v1beta4)');
    expect(text).toContain('#   line 8: bootstrapTokens: bootstrap makes no bootstrap tokens');
    expect(text).not.toMatch(/0f0f|abcdef/);
  });

  it('cannot be broken by the name of the configuration or of an unknown field', () => {
    const { text, spec } = convert(`${INIT}"a\\nspec: {nodes: []}\\n#": 1`, { file: 'x\nspec: {}\n' });
    expect(spec['nodes']).toHaveLength(1);
    expect(text.split('\n').filter((line) => line.startsWith('spec'))).toEqual(['spec:']);
  });

  it('is made of the defaults, with a warning, where there is no ClusterConfiguration', () => {
    expect(convert(INIT).warnings.map(({ message }) => message)).toEqual([
      expect.stringContaining('no ClusterConfiguration'),
    ]);
    expect(cluster('').warnings).toEqual([]);
  });

  it('takes the profiles of the command line', () => {
    expect(cluster('', 'v1beta4', { profiles: ['single', 'rhel'] }).spec['profiles']).toEqual(['single', 'rhel']);
  });
});

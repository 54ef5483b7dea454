import { describe, expect, it } from 'vitest';
import { BootstrapError } from '../../../src/base/errors.ts';
import { describeFault } from '../../../src/base/fault.ts';
import { convertKubeadm, type KubeadmInput } from '../../../src/spec/from-kubeadm/convert.ts';

function faults(text: string, options: Partial<KubeadmInput> = {}): readonly string[] {
  try {
    convertKubeadm({ file: 'k.yaml', text, ...options });
  } catch (error) {
    if (!(error instanceof BootstrapError)) throw error;
    expect(error.code).toBe('cluster-file');
    return error.faults.map(describeFault);
  }
  throw new Error('was accepted');
}

const CLUSTER = 'apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n';
const INIT =
  'apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\nnodeRegistration: {name: cp1}\nlocalAPIEndpoint: {advertiseAddress: 10.0.0.11}\n';
const both = (fields: string) => `${CLUSTER}${fields}\n---\n${INIT}`;

describe('a file that is no kubeadm configuration', () => {
  it.each([
    ['', 'k.yaml:1:1: holds neither a ClusterConfiguration nor an InitConfiguration'],
    ['---\n---\n', 'k.yaml:1:1: holds neither a ClusterConfiguration nor an InitConfiguration'],
    ['a: [', 'k.yaml:1:5: not valid YAML'],
    ['a: 1\na: 2', 'k.yaml:2:1: this key stands twice'],
    ['just text', 'k.yaml:1:1: is not a map with apiVersion and kind'],
    ['a: 1', 'k.yaml:1:1: "apiVersion" is missing'],
    ['apiVersion: v1\nkind: [a]', 'k.yaml:2:7: kind: "kind" is missing'],
    [
      'apiVersion: kubeadm.k8s.io/v1beta2\nkind: ClusterConfiguration',
      'k.yaml:1:13: apiVersion: "kubeadm.k8s.io/v1beta2" is not read; v1beta3 and v1beta4 are; bring it up to date with `kubeadm config migrate` of kubeadm v1.22',
    ],
    ['apiVersion: kubeadm.k8s.io/v1beta1\nkind: ClusterStatus', 'kubeadm v1.15'],
    [
      'apiVersion: kubeadm.k8s.io/v1\nkind: ClusterConfiguration',
      '"kubeadm.k8s.io/v1" is not read; v1beta3 and v1beta4 are',
    ],
    [
      'apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfig',
      'k.yaml:2:7: kind: "ClusterConfig" is not a kind of kubeadm',
    ],
    ['apiVersion: kubeadm.k8s.io/v1beta4\nkind: constructor', '"constructor" is not a kind of kubeadm'],
    ['apiVersion: v1\nkind: ConfigMap', 'give what it holds under data.ClusterConfiguration'],
    ['apiVersion: bootstrap/v1alpha1\nkind: Cluster', 'a cluster file is given by --file'],
    ['apiVersion: kubelet.config.k8s.io/v1\nkind: KubeletConfiguration', 'it must be kubelet.config.k8s.io/v1beta1'],
    ['apiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\ncontrolPlane: {}', 'holds neither'],
  ])('is refused: %j', (text, expected) => {
    expect(faults(text)[0]).toContain(expected);
  });

  it('is refused with all that is wrong with its documents', () => {
    expect(faults(`${INIT}---\n${INIT}---\nkind: X\napiVersion: y/v1\n---\nnothing\n`)).toEqual([
      'k.yaml:6:1: InitConfiguration: is a second InitConfiguration; there is one in this file already (line 1)',
      'k.yaml:11:7: kind: "X" ("y/v1") is not a part of a kubeadm configuration',
      'k.yaml:14:1: is not a map with apiVersion and kind',
    ]);
  });
});

describe('a value that cannot be', () => {
  it.each([
    ['networking: [a]', '3:13: networking: must be a map, not a list'],
    ['networking: {podSubnet: 5}', '3:25: networking.podSubnet: must be a text, not a number; write it in quotes'],
    [
      'networking: {podSubnet: 10.0.0.0}',
      '3:25: networking.podSubnet: "10.0.0.0" is not an IP network such as 10.96.0.0/12',
    ],
    ['networking: {dnsDomain: {}}', '3:25: networking.dnsDomain: must be a text, not a map'],
    ['kubernetesVersion: 1.36', '3:20: kubernetesVersion: must be a text, not a number; write it in quotes'],
    ['kubernetesVersion: v1.12.0', 'Kubernetes 1.12 is not known'],
    ['kubernetesVersion: soon', '"soon" is not a version'],
    [
      'apiServer: {extraArgs: {v: "4"}}',
      '3:24: apiServer.extraArgs: must be a list, not a map; v1beta4 has lists of {name, value} where v1beta3 has maps',
    ],
    [
      'apiServer: {extraArgs: [{name: v, value: 4}]}',
      '3:42: apiServer.extraArgs[0].value: must be a text, not a number; write it in quotes',
    ],
    ['apiServer: {extraArgs: [{value: "4"}, a]}', '3:25: apiServer.extraArgs[0]: the flag has no name'],
    ['apiServer: {extraArgs: [a]}', '3:25: apiServer.extraArgs[0]: must be a map, not a text'],
    [
      'apiServer: {extraVolumes: [{name: a, mountPath: b, readOnly: maybe}]}',
      '3:62: apiServer.extraVolumes[0].readOnly: must be true or false, not a text',
    ],
    ['apiServer: {extraVolumes: [{name: a, mountPath: /b}]}', '"hostPath" is missing'],
    ['apiServer: {certSANs: [a, 5]}', '3:27: apiServer.certSANs[1]: must be a text, not a number'],
    ['encryptionAlgorithm: RSA-1024', '3:22: encryptionAlgorithm: "RSA-1024" is not one of RSA-2048'],
    ['certificateValidityPeriod: 1y', '3:28: certificateValidityPeriod: "1y" is not a duration'],
    ['certificateValidityPeriod: 90000h', 'certificates would be valid for 90000h, longer than the 87600h of the CA'],
    [
      'featureGates: {PublicKeysECDSA: perhaps}',
      '3:33: featureGates.PublicKeysECDSA: must be true or false, not a text',
    ],
    ['etcd: {external: {}}', '"endpoints" is missing'],
    ['etcd: {local: {dataDir: /a}, external: {endpoints: ["http://e:2379"]}}', 'etcd is either local or external'],
    ['etcd: {local: {dataDir: var}}', '3:25: etcd.local.dataDir: "var" is not an absolute path'],
    ['dns: {disabled: 5}', '3:17: dns.disabled: must be true or false, not a number'],
    ['networking: {serviceSubnet: 10.0.0.0/16, podSubnet: 10.0.0.0/8}', 'networking.podSubnet: 10.0.0.0/8'],
  ])('is placed in the kubeadm configuration: %s', (fields, expected) => {
    const all = faults(both(fields));
    expect(all.join('\n')).toContain(expected);
    for (const fault of all) expect(fault).toMatch(/^k\.yaml:\d+:\d+: /);
  });

  it('is told with all others in one run', () => {
    expect(faults(both('networking: {podSubnet: x, dnsDomain: 5}\nimageRepository: "A B"'))).toHaveLength(3);
  });

  it('of the command line is told by its option', () => {
    expect(faults(INIT, { endpoint: 'https://x', extraNodes: [{ name: 'cp1', addresses: ['10.0.0.999'] }] })).toEqual([
      '--endpoint https://x: "https://x" is a URL; write host:port only',
      '--node cp1=10.0.0.999: "10.0.0.999" is not an IP address',
    ]);
  });

  it('is not shown where it may be a secret', () => {
    const fields = 'apiServer: {extraEnvs: [{name: TOKEN, value: 12345678}], extraArgs: [{name: a, value: 87654321}]}';
    expect(faults(both(fields)).join('\n')).not.toMatch(/12345678|87654321/);
    expect(faults(`${INIT}certificateKey: 12345678\nnodeRegistrations: 1\ntimeouts: 3`).join('\n')).not.toContain(
      '12345678',
    );
  });
});

it('two nodes with stacked etcd are too few or too many', () => {
  const all = faults(both('controlPlaneEndpoint: api:6443'), {
    extraNodes: [{ name: 'cp2', addresses: ['10.0.0.12'] }],
  });
  expect(all).toEqual([expect.stringContaining('2 nodes make 2 etcd members')]);
});

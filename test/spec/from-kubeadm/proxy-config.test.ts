import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { BootstrapError } from '../../../src/base/errors.ts';
import { describeFault } from '../../../src/base/fault.ts';
import { convertKubeadm } from '../../../src/spec/from-kubeadm/convert.ts';

const CLUSTER = `apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
networking: {podSubnet: 10.244.0.0/16}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
nodeRegistration: {name: cp1}
localAPIEndpoint: {advertiseAddress: 10.0.0.11}
---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
`;

function convert(config: string): { readonly proxy: unknown; readonly left: readonly string[] } {
  const { text, notCarried } = convertKubeadm({ file: 'kubeadm.yaml', text: CLUSTER + config });
  const { spec } = parse(text) as { readonly spec: Readonly<Record<string, unknown>> };
  return { proxy: spec['proxy'], left: notCarried.map(({ at, why }) => `${at.path}: ${why}`) };
}

function faults(config: string): readonly string[] {
  try {
    convert(config);
  } catch (error) {
    if (error instanceof BootstrapError) return error.faults.map(describeFault);
    throw error;
  }
  return [];
}

describe('a KubeProxyConfiguration', () => {
  it('is carried over as far as it says something', () => {
    const given = 'mode: ipvs\nipvs: {strictARP: true, syncPeriod: 0s}\nconntrack: {maxPerCore: 0, min: null}\n';
    expect(
      convert(`${given}nodePortAddresses: [10.0.0.0/8]\noomScoreAdj: -999\niptables: {localhostNodePorts: no}`),
    ).toEqual({
      proxy: {
        config: {
          mode: 'ipvs',
          ipvs: { strictARP: true },
          conntrack: { maxPerCore: 0 },
          nodePortAddresses: ['10.0.0.0/8'],
          oomScoreAdj: -999,
          iptables: { localhostNodePorts: false },
        },
      },
      left: [],
    });
  });

  it('as `kubeadm config print` writes it says nothing but its bind address', () => {
    const printed = readFileSync(new URL('kubeadm-proxy-defaults.yaml', import.meta.url), 'utf8');
    expect(convert(printed)).toEqual({ proxy: { config: { bindAddress: '0.0.0.0' } }, left: [] });
  });

  it('asks for nothing where it repeats the pod subnet and the kubeconfig', () => {
    const { proxy, left } = convert(
      'clusterCIDR: 10.244.0.0/16\nclientConnection: {kubeconfig: /var/lib/kube-proxy/kubeconfig.conf, qps: 5}\n',
    );
    expect(proxy).toEqual({ config: { clientConnection: { qps: 5 } } });
    expect(left).toEqual([]);
  });

  it('has unknown fields named with the nearest one', () => {
    expect(convert('mod: ipvs\n').left).toEqual([
      'mod: is not a known field of KubeProxyConfiguration; did you mean "mode"?',
    ]);
    expect(convert('conntrack: {mim: 1}\n').left[0]).toContain('did you mean "min"?');
  });

  it('of wrong types is refused with its place', () => {
    expect(faults('mode: 5\nipvs: x\nconfigSyncPeriod: soon\nnodePortAddresses: 10.0.0.0/8\n')).toEqual([
      'kubeadm.yaml:12:1: mode: must be a text, not a number',
      'kubeadm.yaml:13:7: ipvs: must be a map, not a text',
      'kubeadm.yaml:14:1: configSyncPeriod: must be a duration such as "10s", not a text',
      'kubeadm.yaml:15:1: nodePortAddresses: must be a list of texts, not a text',
    ]);
  });
});

import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { BootstrapError } from '../../../src/base/errors.ts';
import { describeFault } from '../../../src/base/fault.ts';
import { convertKubeadm, type KubeadmInput } from '../../../src/spec/from-kubeadm/convert.ts';

const API = 'apiVersion: kubeadm.k8s.io/v1beta4';
const CLUSTER = `${API}\nkind: ClusterConfiguration\ncontrolPlaneEndpoint: api.example.com:6443\n---\n`;
const init = (fields = 'nodeRegistration: {name: cp1}\nlocalAPIEndpoint: {advertiseAddress: 10.0.0.11}') =>
  `${API}\nkind: InitConfiguration\n${fields}\n---\n`;
const join = (name: string, address: string, registration = '', endpoint = '') =>
  `${API}\nkind: JoinConfiguration\nnodeRegistration: {name: ${name}${registration}}\ndiscovery: {file: {kubeConfigPath: /d.conf}}\ncontrolPlane: {localAPIEndpoint: {advertiseAddress: ${address}${endpoint}}}\n---\n`;

interface Spec {
  readonly profiles?: unknown;
  readonly nodes: readonly Record<string, unknown>[];
  readonly apiServer?: unknown;
  readonly kubelet?: unknown;
}

function convert(text: string, options: Partial<KubeadmInput> = {}) {
  const conversion = convertKubeadm({ file: 'kubeadm.yaml', text, ...options });
  return {
    ...conversion,
    spec: (parse(conversion.text) as { spec: Spec }).spec,
    left: conversion.notCarried.map(({ at, why }) => `${at.path}: ${why}`),
  };
}

function faults(text: string, options: Partial<KubeadmInput> = {}): readonly string[] {
  try {
    convert(text, options);
  } catch (error) {
    if (error instanceof BootstrapError) return error.faults.map(describeFault);
    throw error;
  }
  return [];
}

const extra = (name: string, ...addresses: readonly string[]) => ({ name, addresses });

describe('the nodes', () => {
  it('are that of InitConfiguration and those of the masters among the JoinConfigurations', () => {
    const worker = `${API}\nkind: JoinConfiguration\nnodeRegistration: {name: w1}\ndiscovery: {file: {kubeConfigPath: /d.conf}}\n`;
    const { spec, left } = convert(CLUSTER + init() + join('CP2', '10.0.0.12') + join('cp3', '10.0.0.13') + worker);
    expect(spec.nodes).toEqual([
      { name: 'cp1', addresses: ['10.0.0.11'] },
      { name: 'cp2', addresses: ['10.0.0.12'] },
      { name: 'cp3', addresses: ['10.0.0.13'] },
    ]);
    expect(spec.profiles).toEqual(['ha']);
    expect(left).toContain('JoinConfiguration: describes a worker (it has no controlPlane); bootstrap makes masters');
  });

  it('tell no taints from taints that are not mentioned', () => {
    const taint = '{key: a, effect: NoSchedule}';
    const { spec } = convert(
      CLUSTER + init() + join('cp2', '10.0.0.12', ', taints: []') + join('cp3', '10.0.0.13', `, taints: [${taint}]`),
    );
    expect(spec.nodes.map((node) => node['taints'])).toEqual([undefined, [], [{ key: 'a', effect: 'NoSchedule' }]]);
    expect(
      convert(init('nodeRegistration: {name: a, taints: null}\nlocalAPIEndpoint: {advertiseAddress: 10.0.0.1}')).spec
        .nodes[0],
    ).not.toHaveProperty('taints');
  });

  it('have what they agree on in the blocks of the cluster', () => {
    const same = ', criSocket: unix:///run/crio/crio.sock, kubeletExtraArgs: [{name: max-pods, value: "50"}]';
    const { spec } = convert(
      CLUSTER +
        init(`nodeRegistration: {name: cp1${same}}\nlocalAPIEndpoint: {advertiseAddress: 10.0.0.11, bindPort: 7443}`) +
        join('cp2', '10.0.0.12', same, ', bindPort: 7443') +
        join('cp3', '10.0.0.13', same, ', bindPort: 7443'),
    );
    expect(spec.nodes[0]).toEqual({ name: 'cp1', addresses: ['10.0.0.11'] });
    expect(spec.apiServer).toEqual({ bindPort: 7443 });
    expect(spec.kubelet).toEqual({ extraArgs: { 'max-pods': '50' }, criSocket: 'unix:///run/crio/crio.sock' });
  });

  it('keep for themselves what they differ in', () => {
    const { spec, carried } = convert(
      CLUSTER +
        init() +
        join('cp2', '10.0.0.12', ', kubeletExtraArgs: [{name: max-pods, value: "50"}]') +
        join('cp3', '10.0.0.13', '', ', bindPort: 7443'),
    );
    expect(spec.nodes.map(({ kubelet, apiServer }) => [kubelet, apiServer])).toEqual([
      [undefined, undefined],
      [{ extraArgs: { 'max-pods': '50' } }, undefined],
      [undefined, { bindPort: 7443 }],
    ]);
    expect(carried.map(({ to }) => to)).toContain('spec.nodes[1].kubelet.extraArgs');
  });

  it('have two addresses where the kubelet is told of two', () => {
    const args = (value: string) =>
      `nodeRegistration: {name: cp1, kubeletExtraArgs: [{name: node-ip, value: "${value}"}]}\nlocalAPIEndpoint: {advertiseAddress: 10.0.0.11}`;
    const { spec, carried } = convert(init(args('10.0.0.11,fd00:10::11')));
    expect(spec.nodes).toEqual([{ name: 'cp1', addresses: ['10.0.0.11', 'fd00:10::11'] }]);
    expect(carried.map(({ at, to }) => `${at.path} ${to}`)).toContain(
      'nodeRegistration.kubeletExtraArgs spec.nodes[0].addresses',
    );
    const other = convert(init(args('fd00:10::11,10.0.0.11'))).spec;
    expect(other.nodes[0]?.['addresses']).toEqual(['10.0.0.11']);
    expect(other.kubelet).toEqual({ extraArgs: { 'node-ip': 'fd00:10::11,10.0.0.11' } });
  });
});

describe('--node', () => {
  it('completes a node by its name', () => {
    const { spec } = convert(init('nodeRegistration: {name: cp1, taints: []}'), {
      extraNodes: [extra('cp1', '10.0.0.11', 'fd00::11')],
    });
    expect(spec.nodes).toEqual([{ name: 'cp1', addresses: ['10.0.0.11', 'fd00::11'], taints: [] }]);
  });

  it('completes a node by its address', () => {
    const { spec } = convert(
      `${API}\nkind: ClusterConfiguration\nnetworking: {serviceSubnet: "fd01::/112"}\n---\n${init('localAPIEndpoint: {advertiseAddress: "fd00:0::11"}')}`,
      { extraNodes: [extra('cp1', 'fd00::11')], name: 'x' },
    );
    expect(spec.nodes).toEqual([{ name: 'cp1', addresses: ['fd00::11'] }]);
  });

  it('wins over the address of a node, which is then named', () => {
    const { spec, left } = convert(init(), { extraNodes: [extra('cp1', '10.0.0.99')] });
    expect(spec.nodes).toEqual([{ name: 'cp1', addresses: ['10.0.0.99'] }]);
    expect(left).toEqual(['localAPIEndpoint.advertiseAddress: --node cp1=10.0.0.99 is taken instead']);
  });

  it('is all there is to a ClusterConfiguration alone, as a running cluster gives it', () => {
    const nodes = [1, 2, 3].map((i) => extra(`cp${i}`, `10.0.0.1${i}`));
    expect(convert(CLUSTER, { extraNodes: nodes }).spec.nodes).toHaveLength(3);
  });

  it('gives every node the settings of an InitConfiguration that is meant for no certain node', () => {
    const nodes = [1, 2, 3].map((i) => extra(`cp${i}`, `10.0.0.1${i}`));
    const { spec } = convert(
      CLUSTER +
        init(
          'nodeRegistration: {taints: [], kubeletExtraArgs: [{name: v, value: "2"}]}\nlocalAPIEndpoint: {bindPort: 7443}',
        ),
      { extraNodes: nodes },
    );
    expect(spec.nodes.map((node) => node['taints'])).toEqual([[], [], []]);
    expect(spec.kubelet).toEqual({ extraArgs: { v: '2' } });
    expect(spec.apiServer).toEqual({ bindPort: 7443 });
  });

  it('gives further nodes the port and the runtime of the first, but not its own flags and taints', () => {
    const first = init(
      'nodeRegistration: {name: cp1, taints: [], criSocket: /run/crio/crio.sock, kubeletExtraArgs: [{name: v, value: "2"}]}\nlocalAPIEndpoint: {advertiseAddress: 10.0.0.11, bindPort: 7443}',
    );
    const { spec } = convert(CLUSTER + first, { extraNodes: [extra('cp2', '10.0.0.12'), extra('cp3', '10.0.0.13')] });
    expect(spec.nodes[2]).toEqual({ name: 'cp3', addresses: ['10.0.0.13'] });
    expect(spec.nodes[0]).toEqual({
      name: 'cp1',
      addresses: ['10.0.0.11'],
      taints: [],
      kubelet: { extraArgs: { v: '2' } },
    });
    expect(spec.kubelet).toEqual({ criSocket: '/run/crio/crio.sock' });
  });

  it('is asked for where a name or an address is missing, with what would work', () => {
    expect(faults(CLUSTER)).toEqual([expect.stringContaining('ClusterConfiguration: names no node')]);
    expect(faults(init('nodeRegistration: {name: cp1}'))).toEqual([
      expect.stringContaining(
        'localAPIEndpoint.advertiseAddress is missing; kubeadm would ask the machine that it runs on; pass --node cp1=ADDRESS',
      ),
    ]);
    expect(faults(init('localAPIEndpoint: {advertiseAddress: 10.0.0.11}'))).toEqual([
      expect.stringContaining('pass --node NAME=10.0.0.11'),
    ]);
    const message = faults(
      CLUSTER + init() + join('cp2', '10.0.0.12').replace('advertiseAddress: 10.0.0.12', 'bindPort: 6443'),
    )[0];
    expect(message).toContain('JoinConfiguration: controlPlane.localAPIEndpoint.advertiseAddress is missing');
    expect(message).toContain('pass --node cp2=ADDRESS');
  });
});

it('an endpoint is asked for where several nodes have none', () => {
  expect(faults(init(), { extraNodes: [extra('cp2', '10.0.0.12'), extra('cp3', '10.0.0.13')] })).toEqual([
    'kubeadm.yaml:1:1: controlPlaneEndpoint is missing: with 3 nodes there must be one address for all of them; pass --endpoint HOST:PORT, the address of your load balancer',
  ]);
});

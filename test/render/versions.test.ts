import { describe, expect, it } from 'vitest';
import { etcdCheckFlags } from '../../src/kubernetes/facts.ts';
import { containerOf, flagValues, podOf, render, specOf } from './fixtures.ts';

const version = (minor: number, more: object = {}) =>
  render(specOf(1, { kubernetesVersion: `v1.${minor}.1`, ...more }));

describe('a manifest', () => {
  it('has probes with a number in 1.33 and with a named port from 1.34 on', async () => {
    const old = containerOf(await version(33), 'kube-apiserver');
    expect([old.livenessProbe.httpGet.port, old.ports]).toEqual([6443, undefined]);
    const recent = containerOf(await version(34), 'kube-apiserver');
    expect([recent.livenessProbe.httpGet.port, recent.ports]).toEqual([
      'probe-port',
      [{ containerPort: 6443, name: 'probe-port', protocol: 'TCP' }],
    ]);
  });

  it('mounts the flexvolume directory up to 1.35, where the flag says', async () => {
    const volume = async (minor: number, more: object = {}) =>
      podOf(await version(minor, more), 'kube-controller-manager').spec.volumes.find(
        ({ name }) => name === 'flexvolume-dir',
      )?.hostPath.path;
    expect(await volume(35)).toBe('/usr/libexec/kubernetes/kubelet-plugins/volume/exec');
    expect(await volume(35, { controllerManager: { extraArgs: { 'flex-volume-plugin-dir': '/opt/flex' } } })).toBe(
      '/opt/flex',
    );
    expect(await volume(36)).toBeUndefined();
  });

  it.each([
    ['3.5.21-0', '3.5'],
    ['3.6.8-0', '3.6'],
    ['3.7.0-0', '3.7'],
  ] as const)('of etcd %s has the flags of that etcd, whatever the version of Kubernetes', async (imageTag, minor) => {
    const output = await version(36, { etcd: { local: { imageTag } } });
    const wanted = etcdCheckFlags(minor);
    const flags = [
      'experimental-initial-corrupt-check',
      'experimental-watch-progress-notify-interval',
      'feature-gates',
      'watch-progress-notify-interval',
    ];
    expect(
      Object.fromEntries(flags.flatMap((flag) => flagValues(output, 'etcd', flag).map((value) => [flag, value]))),
    ).toEqual(wanted);
  });

  it('keeps its default flags sorted, as kubeadm does', async () => {
    for (const minor of [33, 36]) {
      const output = await version(minor);
      for (const component of ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const) {
        const flags = containerOf(output, component).command.slice(1);
        expect(flags).toEqual([...flags].sort());
      }
    }
  });

  it('uses the images of the cluster file', async () => {
    const output = await render(
      specOf(1, {
        kubernetesVersion: 'v1.37.0-rc.1',
        imageRepository: 'registry.example.com:5000/k8s',
        etcd: { local: { imageTag: '3.7.0-0' } },
      }),
    );
    expect(containerOf(output, 'kube-scheduler').image).toBe(
      'registry.example.com:5000/k8s/kube-scheduler:v1.37.0-rc.1',
    );
    expect(containerOf(output, 'etcd').image).toBe('registry.example.com:5000/k8s/etcd:3.7.0-0');
  });

  it('uses the loopback address of the family of the node', async () => {
    const nodes = [{ name: 'a', addresses: ['fd00:10::11', '10.0.0.11'] }];
    const output = await render(
      specOf(1, {
        nodes,
        networking: { serviceSubnet: 'fd00:96::/112,10.96.0.0/16', podSubnet: 'fd00:244::/56,10.244.0.0/16' },
      }),
    );
    expect(flagValues(output, 'etcd', 'listen-client-urls')).toEqual(['https://[::1]:2379,https://[fd00:10::11]:2379']);
    expect(flagValues(output, 'kube-apiserver', 'etcd-servers')).toEqual(['https://[::1]:2379']);
    expect(flagValues(output, 'kube-apiserver', 'advertise-address')).toEqual(['fd00:10::11']);
    expect(containerOf(output, 'etcd').livenessProbe.httpGet.host).toBe('::1');
    expect(containerOf(output, 'kube-scheduler').livenessProbe.httpGet.host).toBe('127.0.0.1');
  });
});

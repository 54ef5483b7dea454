import { beforeAll, describe, expect, it } from 'vitest';
import { type Catalogue, loadCatalogue } from '../../src/kubernetes/catalogue.ts';
import { KNOWN_MINORS } from '../../src/kubernetes/version.ts';

const catalogues = new Map<number, Catalogue>();
beforeAll(async () => {
  for (const minor of KNOWN_MINORS) catalogues.set(minor, await loadCatalogue(minor));
});
const check = (config: unknown, minor = 36) => catalogues.get(minor)?.checkKubeletConfig(config) ?? [];

/** As kubeadm writes it. */
const KUBEADM = {
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  authentication: {
    anonymous: { enabled: false },
    webhook: { cacheTTL: '0s', enabled: true },
    x509: { clientCAFile: '/etc/kubernetes/pki/ca.crt' },
  },
  authorization: { mode: 'Webhook', webhook: { cacheAuthorizedTTL: '0s', cacheUnauthorizedTTL: '0s' } },
  cgroupDriver: 'systemd',
  clusterDNS: ['10.96.0.10'],
  clusterDomain: 'cluster.local',
  containerRuntimeEndpoint: 'unix:///var/run/containerd/containerd.sock',
  crashLoopBackOff: {},
  healthzBindAddress: '127.0.0.1',
  healthzPort: 10248,
  logging: {
    flushFrequency: 0,
    options: { json: { infoBufferSize: '0' }, text: { infoBufferSize: '0' } },
    verbosity: 0,
  },
  memorySwap: {},
  resolvConf: '/run/systemd/resolve/resolv.conf',
  rotateCertificates: true,
  staticPodPath: '/etc/kubernetes/manifests',
  streamingConnectionIdleTimeout: '0s',
  volumeStatsAggPeriod: '0s',
};

describe('a kubelet configuration', () => {
  it.each(KNOWN_MINORS)('as kubeadm writes it is in order in 1.%i', (minor) => {
    expect(check(KUBEADM, minor)).toEqual([]);
  });

  it('takes fields of every kind', () => {
    const config = {
      evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '10%' },
      evictionSoftGracePeriod: { 'memory.available': '1m30s' },
      kubeReserved: { cpu: '500m', memory: '1Gi' },
      registerWithTaints: [{ key: 'a', effect: 'NoSchedule' }],
      reservedMemory: [{ numaNode: 0, limits: { memory: '1Gi' } }],
      shutdownGracePeriodByPodPriority: [{ priority: 1, shutdownGracePeriodSeconds: 10 }],
      logging: { flushFrequency: '5s', vmodule: [{ filePattern: 'a*', verbosity: 3 }] },
      staticPodURLHeader: { Authorization: ['Bearer x'] },
      tlsCipherSuites: ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'],
      memoryThrottlingFactor: 0.8,
      maxPods: null,
      tlsCurvePreferences: [29],
    };
    expect(check(config)).toEqual([]);
  });

  it('with an unknown field is an error with the nearest one', () => {
    expect(check({ maxPod: 200 })).toEqual([
      {
        severity: 'error',
        message: 'KubeletConfiguration of 1.36 has no field "maxPod"',
        hint: 'did you mean "maxPods"?',
        path: ['maxPod'],
      },
    ]);
    expect(check({ authentication: { x509: { clientCaFile: '/a' } } })).toMatchObject([
      { path: ['authentication', 'x509', 'clientCaFile'], hint: 'did you mean "clientCAFile"?' },
    ]);
    expect(check({ registerWithTaints: [{ key: 'a', efect: 'NoSchedule' }] })).toMatchObject([
      { path: ['registerWithTaints', 0, 'efect'] },
    ]);
  });

  it.each([
    [{ tlsCurvePreferences: [29] }, 36],
    [{ memoryReservationPolicy: 'None' }, 36],
    [{ defaultPodSysctls: { 'net.core.somaxconn': '1024' } }, 37],
  ])('%j comes with 1.%i', (config, added) => {
    for (const minor of KNOWN_MINORS) {
      const early = check(config, minor).some((f) => f.message.endsWith(`yet: it comes with 1.${added}`));
      expect(early).toBe(minor < added);
    }
  });

  it.each<[unknown, (string | number)[], string]>([
    [{ maxPods: '200' }, ['maxPods'], '"200" is not a whole number; write 200 without quotes'],
    [{ maxPods: 1.5 }, ['maxPods'], '1.5 is not a whole number'],
    [{ rotateCertificates: 'true' }, ['rotateCertificates'], '"true" is not true or false; write true without quotes'],
    [{ syncFrequency: 30 }, ['syncFrequency'], '30 is not a duration; write it like "1m30s" or "45s"'],
    [{ syncFrequency: '30' }, ['syncFrequency'], '"30" is not a duration; write it like "1m30s" or "45s"'],
    [{ clusterDNS: '10.96.0.10' }, ['clusterDNS'], '"10.96.0.10" is not a list'],
    [{ clusterDNS: ['10.96.0.999'] }, ['clusterDNS', 0], '"10.96.0.999" is not an IP address'],
    [{ kubeReserved: { cpu: 1 } }, ['kubeReserved', 'cpu'], '1 is not a string; write "1" in quotes'],
    [{ kubeReserved: { cpu: 'lots' } }, ['kubeReserved', 'cpu'], '"lots" is not a quantity; write it like 100Mi'],
    [{ evictionHard: { a: '10 %' } }, ['evictionHard', 'a'], '"10 %" is not a quantity; write it like 100Mi or 10%'],
    [{ evictionHard: ['a'] }, ['evictionHard'], 'a list is not a map'],
    [{ authentication: true }, ['authentication'], 'true is not a map'],
    [{ port: 0 }, ['port'], '0 is out of range (1 to 65535)'],
    [{ readOnlyPort: 70000 }, ['readOnlyPort'], '70000 is out of range (0 to 65535)'],
    [{ cgroupDriver: 'Systemd' }, ['cgroupDriver'], '"Systemd" is not allowed; did you mean "systemd"?'],
    [{ kind: 'KubeletConfig' }, ['kind'], '"KubeletConfig" is not allowed; write KubeletConfiguration'],
    [
      { featureGates: { AllBeta: 'true' } },
      ['featureGates', 'AllBeta'],
      '"true" is not true or false; write true without quotes',
    ],
    [
      { logging: { options: { json: { infoBufferSize: 'big' } } } },
      ['logging', 'options', 'json', 'infoBufferSize'],
      '"big" is not a quantity; write it like 100Mi',
    ],
    ['maxPods: 3', [], '"maxPods: 3" is not a map'],
    [null, [], 'null is not a map'],
  ])('%j is an error', (config, path, text) => {
    const [finding, ...more] = check(config);
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ severity: 'error', path });
    expect([finding?.message, finding?.hint].filter(Boolean).join('; ')).toBe(text);
  });

  it('never tells a header, which may hold a token', () => {
    expect(JSON.stringify(check({ staticPodURLHeader: { Authorization: 'Bearer hunter2' } }))).not.toContain('hunter2');
  });

  it('warns of a field that does nothing any more', () => {
    expect(check({ streamingConnectionIdleTimeout: '5m' }, 36)).toMatchObject([
      { severity: 'warning', path: ['streamingConnectionIdleTimeout'] },
    ]);
    expect(check({ streamingConnectionIdleTimeout: '5m' }, 33)).toEqual([]);
  });

  it('has its feature gates checked', () => {
    expect(check({ featureGates: { SidecarContainers: true } }, 37)).toMatchObject([
      { severity: 'error', path: ['featureGates', 'SidecarContainers'] },
    ]);
    expect(check({ featureGates: { NodeSwap: false } })).toMatchObject([
      { severity: 'error', path: ['featureGates', 'NodeSwap'] },
    ]);
  });

  it.each(['__proto__', 'constructor', 'hasOwnProperty'])('with a field called %s has one error', (name) => {
    expect(check(JSON.parse(`{"${name}": 1}`))).toHaveLength(1);
  });
});

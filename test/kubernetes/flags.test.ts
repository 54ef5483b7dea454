import { beforeAll, describe, expect, it } from 'vitest';
import { type Catalogue, loadCatalogue } from '../../src/kubernetes/catalogue.ts';
import { COMPONENTS, type Component } from '../../src/kubernetes/component.ts';
import { ETCD_MINORS, etcdCheckFlags } from '../../src/kubernetes/facts.ts';
import { checkType, isKnownType, isRepeatable } from '../../src/kubernetes/flag-types.ts';
import { KNOWN_MINORS } from '../../src/kubernetes/version.ts';
import { KUBEADM_DEFAULTS } from './kubeadm-defaults.ts';

const catalogues = new Map<number, Catalogue>();
const of = (minor: number): Catalogue => {
  const catalogue = catalogues.get(minor);
  if (!catalogue) throw new Error(`1.${minor}`);
  return catalogue;
};
const check = (component: Component, name: string, values: string | readonly string[], minor = 36) =>
  of(minor).checkFlag(component, name, typeof values === 'string' ? [values] : values);

beforeAll(async () => {
  for (const minor of KNOWN_MINORS) catalogues.set(minor, await loadCatalogue(minor));
});

describe('the flags that kubeadm sets', () => {
  it.each(KNOWN_MINORS)('are all in order in 1.%i', (minor) => {
    for (const [component, flags] of KUBEADM_DEFAULTS) {
      for (const [name, values] of flags) {
        expect({ component, name, findings: check(component as Component, name, values, minor) }).toEqual({
          component,
          name,
          findings: [],
        });
      }
      expect(of(minor).checkTogether(component as Component, flags)).toEqual([]);
    }
  });

  it.each(ETCD_MINORS)('include the consistency check as etcd %s spells it', (etcd) => {
    const catalogue = of(36).withEtcd(etcd);
    for (const [name, value] of Object.entries(etcdCheckFlags(etcd))) {
      expect(catalogue.checkFlag('etcd', name, [value])).toEqual([]);
    }
  });
});

describe('a flag that is not there', () => {
  it('is an error with the nearest name', () => {
    expect(check('kube-apiserver', 'audit-log-max-age', '30')).toEqual([
      {
        severity: 'error',
        message: 'kube-apiserver 1.36 has no flag --audit-log-max-age',
        hint: 'did you mean "audit-log-maxage"?',
      },
    ]);
  });

  it('is an error too where the flag is only taken away', () => {
    expect(check('kube-apiserver', 'profilng', [])).toMatchObject([
      { severity: 'error', hint: 'did you mean "profiling"?' },
    ]);
  });

  it.each([
    ['--profiling', 'write profiling, without dashes before it'],
    ['-profiling', 'write profiling, without dashes before it'],
    ['audit_log_path', 'write audit-log-path'],
    ['profiling=false', 'write the value apart: profiling: "false"'],
    ['cluster-cidr', 'it is a flag of kube-controller-manager'],
    ['constructor', undefined],
    ['__proto__', undefined],
    ['', undefined],
  ])('spelled %j gives the hint %j', (name, hint) => {
    const [finding] = check('kube-apiserver', name, 'x');
    expect(finding).toMatchObject({ severity: 'error' });
    expect(finding?.hint).toBe(hint);
  });

  it.each<[Component, string, number[]]>([
    ['kube-apiserver', 'cloud-provider', []],
    ['kube-apiserver', 'coordinated-leadership-retry-period', [34, 35, 36, 37]],
    ['kube-scheduler', 'min-compatibility-version', [35, 36, 37]],
    ['kube-apiserver', 'tls-curve-preferences', [36, 37]],
    ['kube-controller-manager', 'concurrent-resourceclaim-syncs', [36, 37]],
    ['kube-controller-manager', 'concurrent-disruption-syncs', [37]],
    ['kube-controller-manager', 'concurrent-service-syncs', [33, 34, 35, 36]],
    ['kubelet', 'pod-infra-container-image', [33, 34]],
    ['kubelet', 'cloud-config', [33]],
    ['kubelet', 'register-schedulable', [33]],
    ['kubelet', 'containerd', [33, 34, 35, 36]],
    ['kubelet', 'storage-driver-user', [33, 34, 35, 36]],
    ['kubelet', 'housekeeping-interval', [33, 34, 35, 36, 37]],
  ])('%s --%s is known exactly in %j', (component, name, minors) => {
    expect(KNOWN_MINORS.filter((minor) => of(minor).find(component, name))).toEqual(minors);
  });

  it('says in which minor it was removed and what to do instead', () => {
    expect(check('kubelet', 'pod-infra-container-image', 'pause:3.10', 35)).toEqual([
      {
        severity: 'error',
        message: 'kubelet 1.35 has no flag --pod-infra-container-image: it was removed in 1.35',
        hint: "set the sandbox image in the container runtime's configuration",
      },
    ]);
    expect(check('kube-apiserver', 'cloud-provider', 'external', 33)[0]?.message).toContain('removed in 1.33');
  });

  it('says from which minor on it is there', () => {
    expect(check('kube-scheduler', 'min-compatibility-version', '1.33', 34)[0]?.message).toBe(
      'kube-scheduler 1.34 has no flag --min-compatibility-version yet: it comes with 1.35',
    );
  });
});

describe('flags of etcd', () => {
  it('follow the minor of etcd, not of Kubernetes', () => {
    const older = of(34).withEtcd('3.5');
    expect(older.etcdMinor).toBe('3.5');
    expect(older.checkFlag('etcd', 'experimental-initial-corrupt-check', ['true'])).toEqual([]);
    expect(older.checkFlag('etcd', 'feature-gates', ['InitialCorruptCheck=true'])[0]?.message).toBe(
      'etcd 3.5 has no flag --feature-gates yet: it comes with 3.6',
    );
  });

  it('that 3.6 deprecates name what replaces them', () => {
    expect(of(36).checkFlag('etcd', 'experimental-compaction-batch-limit', ['100'])).toEqual([
      {
        severity: 'warning',
        message: 'etcd 3.6: --experimental-compaction-batch-limit is deprecated',
        hint: 'write --compaction-batch-limit instead',
      },
    ]);
  });

  it('that 3.7 removed are errors there', () => {
    expect(of(37).checkFlag('etcd', 'experimental-initial-corrupt-check', ['true'])).toEqual([
      {
        severity: 'error',
        message: 'etcd 3.7 has no flag --experimental-initial-corrupt-check: it was removed in 3.7',
        hint: 'write --feature-gates=InitialCorruptCheck=true',
      },
    ]);
    expect(of(36).checkFlag('etcd', 'enable-v2', ['true'])[0]?.message).toContain('removed in 3.6');
  });

  it('listen on addresses only', () => {
    expect(of(36).checkFlag('etcd', 'listen-client-urls', ['https://cp1.example.com:2379'])).toMatchObject([
      { severity: 'error', hint: 'etcd listens on IP addresses only, not on host names' },
    ]);
    expect(of(36).checkFlag('etcd', 'advertise-client-urls', ['https://cp1.example.com:2379'])).toEqual([]);
  });
});

describe('a deprecated flag', () => {
  it('warns with what the program itself says', () => {
    expect(check('kube-apiserver', 'apiserver-count', '3')).toMatchObject([{ severity: 'warning' }]);
  });

  it('of the kubelet names the field that replaces it', () => {
    expect(check('kubelet', 'max-pods', '200')).toEqual([
      {
        severity: 'warning',
        message: 'kubelet 1.36: --max-pods is deprecated',
        hint: 'set spec.kubelet.config.maxPods instead',
      },
    ]);
  });

  it('does not warn where it is only taken away', () => {
    expect(check('kube-apiserver', 'apiserver-count', [])).toEqual([]);
  });

  it('may be so in some minors only', () => {
    expect(check('kube-apiserver', 'enable-logs-handler', 'true', 36)).toHaveLength(1);
    expect(check('kube-apiserver', 'enable-logs-handler', 'true', 37)).toEqual([]);
  });
});

describe('the value of a flag', () => {
  it('is of a type that has a check', () => {
    for (const minor of KNOWN_MINORS) {
      for (const component of COMPONENTS) {
        for (const flag of of(minor).flags(component))
          expect([flag.type, isKnownType(flag.type)]).toEqual([flag.type, true]);
      }
    }
  });

  it.each<[Component, string, string]>([
    ['kube-apiserver', 'profiling', 'yes'],
    ['kube-apiserver', 'profiling', ''],
    ['kube-apiserver', 'audit-log-maxage', 'thirty'],
    ['kube-apiserver', 'audit-log-maxage', '30d'],
    ['kube-apiserver', 'max-requests-inflight', 'banana'],
    ['kube-apiserver', 'request-timeout', '60'],
    ['kube-apiserver', 'event-ttl', '1d'],
    ['kube-apiserver', 'bind-address', '10.0.0.999'],
    ['kube-apiserver', 'bind-address', 'fe80::1%eth0'],
    ['kube-apiserver', 'secure-port', '99999'],
    ['kube-apiserver', 'secure-port', '0'],
    ['kube-apiserver', 'goaway-chance', '0.5'],
    ['kube-apiserver', 'audit-log-batch-throttle-qps', 'fast'],
    ['kube-apiserver', 'service-node-port-range', '32767-30000'],
    ['kube-apiserver', 'service-node-port-range', '30000-99999'],
    ['kube-apiserver', 'service-cluster-ip-range', '10.96.0.0'],
    ['kube-apiserver', 'tls-curve-preferences', 'X25519'],
    ['kube-apiserver', 'tls-sni-cert-key', '/a.crt'],
    ['kube-apiserver', 'v', '-1'],
    ['kube-apiserver', 'v', 'debug'],
    ['kube-apiserver', 'vmodule', 'cache'],
    ['kube-apiserver', 'version', 'true'],
    ['kube-apiserver', 'log-json-info-buffer-size', '1MB'],
    ['kube-apiserver', 'allow-metric-labels', 'a'],
    ['kube-apiserver', 'oidc-required-claim', 'groups'],
    ['kube-apiserver', 'feature-gates', 'AllBeta'],
    ['kube-apiserver', 'feature-gates', 'AllBeta=on'],
    ['kube-apiserver', 'tls-min-version', 'TLS1.2'],
    ['kube-apiserver', 'tls-cipher-suites', 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA265'],
    ['kube-apiserver', 'authorization-mode', 'Node,Rbac'],
    ['kube-apiserver', 'audit-log-mode', 'async'],
    ['kube-apiserver', 'cors-allowed-origins', 'a"b'],
    ['kube-apiserver', 'kubelet-port', '-1'],
    ['kube-controller-manager', 'concurrent-gc-syncs', '3000000000'],
    ['kube-controller-manager', 'node-eviction-rate', 'low'],
    ['kube-controller-manager', 'node-monitor-period', '5 s'],
    ['kubelet', 'register-with-taints', 'a=b:Never'],
    ['kubelet', 'reserved-memory', '0:memory'],
    ['kubelet', 'eviction-hard', 'memory.available=1Gi'],
    ['kubelet', 'manifest-url-header', 'Authorization'],
    ['kubelet', 'system-reserved', 'cpu'],
    ['kubelet', 'feature-gates', 'AllBeta=maybe'],
    ['kubelet', 'cloud-provider', 'aws'],
    ['kubelet', 'node-ip', '10.0.0.11,eth0'],
    ['etcd', 'snapshot-count', '-5'],
    ['etcd', 'max-concurrent-streams', '4294967296'],
    ['etcd', 'initial-cluster-state', 'joined'],
    ['etcd', 'listen-peer-urls', '10.0.0.11:2380'],
    ['etcd', 'listen-peer-urls', 'https://10.0.0.11'],
    ['etcd', 'listen-peer-urls', 'https://10.0.0.11:2380/'],
    ['etcd', 'advertise-client-urls', 'https://fd00::1:2379'],
    ['etcd', 'auto-compaction-mode', 'hourly'],
    ['etcd', 'log-level', 'verbose'],
    ['etcd', 'tls-min-version', 'VersionTLS12'],
  ])('%s --%s=%s is an error', (component, name, value) => {
    expect(check(component, name, value).filter((f) => f.severity === 'error')).toHaveLength(1);
  });

  it.each<[Component, string, string]>([
    ['kube-apiserver', 'profiling', 'T'],
    ['kube-apiserver', 'audit-log-maxage', '0x1E'],
    ['kube-apiserver', 'request-timeout', '1m30s'],
    ['kube-apiserver', 'service-node-port-range', '30000+2767'],
    ['kube-apiserver', 'tls-sni-cert-key', '/a.crt,/a.key:*.example.com,b'],
    ['kube-apiserver', 'feature-gates', 'kube:AllBeta=false,WatchList=true'],
    ['kube-apiserver', 'runtime-config', 'api/all'],
    ['kube-apiserver', 'tls-cipher-suites', 'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305,TLS_AES_128_GCM_SHA256'],
    ['kube-apiserver', 'goaway-chance', '0.001'],
    ['kube-apiserver', 'vmodule', 'cache=5,*server=2'],
    ['kube-apiserver', 'service-cluster-ip-range', 'fd00:96::/112,10.96.0.0/16'],
    ['kube-controller-manager', 'cluster-signing-cert-file', ''],
    ['kube-controller-manager', 'secure-port', '0'],
    ['kubelet', 'node-labels', 'node.kubernetes.io/x,a=b'],
    ['etcd', 'cors', '*'],
    ['etcd', 'listen-metrics-urls', 'unix:///run/m.sock,http://localhost:2381'],
    ['etcd', 'feature-gates', 'CompactHashCheck=true'],
  ])('%s --%s=%s is in order', (component, name, value) => {
    expect(check(component, name, value)).toEqual([]);
  });

  it('is told with what is wrong and what to write', () => {
    expect(check('kube-apiserver', 'request-timeout', '60')).toEqual([
      {
        severity: 'error',
        message: '--request-timeout: "60" is not a duration: the unit is missing',
        hint: 'write 60s, 60m or 60h',
      },
    ]);
    expect(check('kube-apiserver', 'authorization-mode', 'Node,Rbac')[0]?.hint).toBe('did you mean "RBAC"?');
  });

  it('is never told where it is a password, and shortened where it is long', () => {
    expect(JSON.stringify(check('etcd', 'discovery-password', ['hunter2', 'hunter3']))).not.toContain('hunter');
    expect(check('kube-apiserver', 'audit-log-maxage', 'x'.repeat(5000))[0]?.message.length).toBeLessThan(200);
  });

  it('may be repeated only where each one counts', () => {
    expect(check('kube-apiserver', 'service-account-issuer', ['https://a', 'https://b'])).toEqual([]);
    expect(check('kube-apiserver', 'audit-log-path', ['/a', '/b'])).toEqual([
      {
        severity: 'error',
        message: '--audit-log-path is given 2 times, but only the last would count',
        hint: 'give one value',
      },
    ]);
    expect(check('etcd', 'listen-client-urls', ['http://10.0.0.1:1', 'http://10.0.0.1:2'])[0]?.hint).toBe(
      'join them with commas',
    );
  });

  it('of any type is read without an error whatever it is', () => {
    for (const value of ['', ',', '=', ':', ';', '"', '%', '\n', '\u0000', '1'.repeat(400), '-', '[', 'https://[']) {
      for (const component of COMPONENTS) {
        for (const { type } of of(36).flags(component)) {
          checkType(type, value);
          isRepeatable(type);
        }
      }
    }
  });
});

describe('admission plugins and controllers', () => {
  it('that 1.36 does not have end the program; every wrong one is told', () => {
    expect(check('kube-apiserver', 'enable-admission-plugins', 'NodeRestriction,AlwaysPullImage,Mine')).toMatchObject([
      { severity: 'error', hint: 'did you mean "AlwaysPullImages"?' },
      { severity: 'error', message: expect.stringContaining('"Mine" is no admission plugin of 1.36') },
    ]);
    expect(check('kube-controller-manager', 'controllers', '*,-nodelifecycl')).toMatchObject([
      { severity: 'error', hint: 'did you mean "nodelifecycle"?' },
    ]);
  });

  it('are known by all their names', () => {
    expect(check('kube-controller-manager', 'controllers', '*,-ttl,bootstrapsigner,token-cleaner-controller')).toEqual(
      [],
    );
    expect(check('kube-apiserver', 'disable-admission-plugins', '')).toEqual([]);
    expect(check('kube-apiserver', 'disable-admission-plugins', 'PodGroupProtection')).toEqual([]);
  });

  it('are only doubted in other minors', () => {
    expect(of(37).checkFlag('kube-apiserver', 'enable-admission-plugins', ['Mine'])).toMatchObject([
      { severity: 'warning' },
    ]);
  });
});

describe('feature gates', () => {
  it('are all told that are wrong', () => {
    const messages = check('kube-apiserver', 'feature-gates', 'A=maybe,B,AllBeta=false,NoSuchGate=true').map(
      ({ message }) => message,
    );
    expect(messages).toHaveLength(3);
    expect(messages.join()).toMatch(/A=maybe.*"B".*NoSuchGate/);
  });
});

describe('flags that exclude each other', () => {
  const together = (component: Component, flags: Record<string, string>, minor = 36) =>
    of(minor).checkTogether(component, new Map(Object.entries(flags).map(([name, value]) => [name, [value]])));

  it('are told at the one, with how to take the other away', () => {
    expect(
      together('kube-apiserver', { 'authorization-config': '/a.yaml', 'authorization-mode': 'Node,RBAC' }),
    ).toEqual([
      {
        severity: 'error',
        message: '--authorization-config and --authorization-mode exclude each other',
        hint: 'take one away: authorization-mode: null',
        flag: 'authorization-config',
      },
    ]);
  });

  it.each<[Component, Record<string, string>]>([
    ['kube-apiserver', { 'authentication-config': '/a.yaml', 'oidc-issuer-url': 'https://x' }],
    ['kube-apiserver', { 'service-account-signing-endpoint': '/a.sock', 'service-account-key-file': '/sa.pub' }],
    [
      'kube-controller-manager',
      { 'cluster-signing-cert-file': '/a', 'cluster-signing-kubelet-client-cert-file': '/b' },
    ],
    ['etcd', { 'experimental-initial-corrupt-check': 'true', 'feature-gates': 'InitialCorruptCheck=true' }],
    ['etcd', { 'tls-min-version': 'TLS1.3', 'cipher-suites': 'TLS_AES_128_GCM_SHA256' }],
  ])('%s %j', (component, flags) => {
    expect(together(component, flags)).toMatchObject([{ severity: 'error' }]);
  });

  it('say nothing of an empty one', () => {
    expect(together('kube-apiserver', { 'authorization-config': '', 'authorization-mode': 'Node' })).toEqual([]);
  });
});

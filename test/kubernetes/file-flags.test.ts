import { beforeAll, describe, expect, it } from 'vitest';
import { type Catalogue, loadCatalogue } from '../../src/kubernetes/catalogue.ts';
import { COMPONENTS, type Component } from '../../src/kubernetes/component.ts';
import { ETCD_MINORS } from '../../src/kubernetes/facts.ts';
import { fileFlag, fileFlags, pathsInFlag } from '../../src/kubernetes/file-flags.ts';
import { readsFileOnlyAtStart } from '../../src/kubernetes/reload.ts';
import { KNOWN_MINORS } from '../../src/kubernetes/version.ts';

/** Flags whose names look as if they named a file and which do not. */
const NO_FILES = new Set([
  'kube-apiserver authorization-always-allow-paths',
  'kube-apiserver runtime-config',
  'kube-apiserver service-account-jwks-uri',
  'kube-apiserver emulation-forward-compatible',
  'kube-controller-manager authorization-always-allow-paths',
  'kube-controller-manager use-service-account-credentials',
  'kube-scheduler authorization-always-allow-paths',
  'kubelet cgroup-root',
  'kubelet manifest-url',
  'kubelet manifest-url-header',
  'kubelet storage-driver-host',
  'etcd log-rotation-config-json',
  'etcd client-cert-allowed-hostname',
  'etcd peer-cert-allowed-cn',
  'etcd peer-cert-allowed-hostname',
]);

const catalogues: Catalogue[] = [];
beforeAll(async () => {
  for (const minor of KNOWN_MINORS) catalogues.push(await loadCatalogue(minor));
});

describe('flags that name files', () => {
  it('are all among the flags of some minor', () => {
    for (const component of COMPONENTS) {
      const known = new Set(
        catalogues.flatMap((c) =>
          ETCD_MINORS.flatMap((etcd) =>
            c
              .withEtcd(etcd)
              .flags(component)
              .map((f) => f.name),
          ),
        ),
      );
      expect(fileFlags(component).filter((flag) => !known.has(flag.name))).toEqual([]);
    }
  });

  it('are complete: no other flag looks like one', () => {
    const looks =
      /file|path|dir$|-dir-|cafile|config$|kubeconfig|cert|(^|-)key(-|$)|manifest|socket|resolv-conf|containerd$/;
    const scalar = /^(string|stringArray|namedCertKey)/;
    for (const catalogue of catalogues) {
      for (const component of COMPONENTS) {
        const missed = catalogue
          .flags(component)
          .filter((flag) => scalar.test(flag.type) && looks.test(flag.name) && !fileFlag(component, flag.name))
          .map((flag) => `${component} ${flag.name}`);
        expect(missed.filter((flag) => !NO_FILES.has(flag))).toEqual([]);
      }
    }
  });

  it.each<[Component, string, string, string[]]>([
    ['kube-apiserver', 'tls-cert-file', '/a.crt', ['/a.crt']],
    ['kube-apiserver', 'tls-sni-cert-key', '/a.crt, /a.key:*.example.com,b', ['/a.crt', '/a.key']],
    ['kube-apiserver', 'audit-log-path', '-', []],
    ['kube-apiserver', 'audit-log-path', '/var/log/audit.log', ['/var/log/audit.log']],
    ['kube-apiserver', 'service-account-signing-endpoint', '/run/signer.sock', ['/run/signer.sock']],
    ['kube-apiserver', 'oidc-issuer-url', '/not/a/path', []],
    ['kube-controller-manager', 'cluster-signing-cert-file', '', []],
    [
      'kubelet',
      'machine-id-file',
      '/etc/machine-id,/var/lib/dbus/machine-id',
      ['/etc/machine-id', '/var/lib/dbus/machine-id'],
    ],
    [
      'kubelet',
      'container-runtime-endpoint',
      'unix:///run/containerd/containerd.sock',
      ['/run/containerd/containerd.sock'],
    ],
    ['etcd', 'log-outputs', 'stdout,/var/log/etcd.log', ['/var/log/etcd.log']],
    ['etcd', 'auth-token', 'jwt,pub-key=/a.pub,priv-key=/a.key,sign-method=RS512', ['/a.pub', '/a.key']],
    ['etcd', 'auth-token', 'simple', []],
  ])('%s --%s=%s names %j', (component, name, value, paths) => {
    expect(pathsInFlag(component, name, value)).toEqual(paths);
  });
});

describe('a file that a flag names', () => {
  it.each<[Component, string, boolean]>([
    ['kube-apiserver', 'etcd-cafile', true],
    ['kube-apiserver', 'service-account-key-file', true],
    ['kube-apiserver', 'service-account-signing-key-file', true],
    ['kube-apiserver', 'audit-policy-file', true],
    ['kube-apiserver', 'admission-control-config-file', true],
    ['kube-apiserver', 'tls-cert-file', false],
    ['kube-apiserver', 'client-ca-file', false],
    ['kube-apiserver', 'etcd-certfile', false],
    ['kube-apiserver', 'authentication-config', false],
    ['kube-apiserver', 'kubelet-client-certificate', false],
    ['kube-apiserver', 'audit-log-path', false],
    ['kube-apiserver', 'profiling', false],
    ['kube-controller-manager', 'root-ca-file', true],
    ['kube-controller-manager', 'kubeconfig', true],
    ['kube-controller-manager', 'cluster-signing-key-file', false],
    ['kube-scheduler', 'config', true],
    ['kube-scheduler', 'client-ca-file', false],
    ['etcd', 'trusted-ca-file', true],
    ['etcd', 'peer-trusted-ca-file', true],
    ['etcd', 'cert-file', false],
    ['etcd', 'data-dir', false],
  ])('%s --%s is read only at start: %s', (component, name, only) => {
    for (const minor of KNOWN_MINORS) expect(readsFileOnlyAtStart(component, name, minor)).toBe(only);
  });

  it('may be reloaded from some minor on', () => {
    const name = 'kubelet-certificate-authority';
    expect(KNOWN_MINORS.filter((minor) => readsFileOnlyAtStart('kube-apiserver', name, minor))).toEqual([33, 34, 35]);
  });

  it('may be reloaded where another flag says so', () => {
    const name = 'encryption-provider-config';
    const flags = (value: string) => new Map([['encryption-provider-config-automatic-reload', [value]]]);
    expect(readsFileOnlyAtStart('kube-apiserver', name, 36)).toBe(true);
    expect(readsFileOnlyAtStart('kube-apiserver', name, 36, flags('true'))).toBe(false);
    expect(readsFileOnlyAtStart('kube-apiserver', name, 36, flags('false'))).toBe(true);
  });
});

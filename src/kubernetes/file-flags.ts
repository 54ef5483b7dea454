import type { Component } from './component.ts';

/** A flag whose value names something in the file system of the process. */
export interface FileFlag {
  readonly name: string;
  /**
   * `read`: it must be there when the process starts, or is looked for while it runs. `write`: the process makes it, so
   * its directory must be writable. `connect`: a socket that another process offers.
   */
  readonly access: 'read' | 'write' | 'connect';
  readonly is: 'file' | 'directory' | 'socket' | 'file or directory';
  /** How the path stands in the value. */
  readonly form: 'path' | 'certificate-pair' | 'list' | 'log-outputs' | 'token-options' | 'endpoint';
  readonly reload: Reload;
}

/** When the process notices that what it has read has changed: `reload.ts` explains. */
type Reload =
  | { readonly kind: 'never' }
  | { readonly kind: 'always' }
  | { readonly kind: 'since'; readonly minor: number }
  | { readonly kind: 'with'; readonly flag: string };

type Row = readonly [names: string, options?: Partial<Omit<FileFlag, 'name'>>];

const never: Reload = { kind: 'never' };
const always: Reload = { kind: 'always' };
const live = { reload: always };

/** Flags that kube-apiserver, kube-controller-manager and kube-scheduler share (k8s.io/apiserver/pkg/server/options). */
const SERVING: readonly Row[] = [
  ['allow-metric-labels-manifest'],
  ['client-ca-file requestheader-client-ca-file tls-cert-file tls-private-key-file', live],
  ['tls-sni-cert-key', { ...live, form: 'certificate-pair' }],
  ['cert-dir', { access: 'write', is: 'directory' }],
];

/** What a kubeconfig points to is reloaded (see its own files), the kubeconfig is not. */
const KUBECONFIGS: Row = ['authentication-kubeconfig authorization-kubeconfig kubeconfig'];

const ROWS: Readonly<Record<Component, readonly Row[]>> = {
  'kube-apiserver': [
    ...SERVING,
    [
      'admission-control-config-file audit-policy-file audit-webhook-config-file authentication-token-webhook-config-file',
    ],
    ['authorization-policy-file authorization-webhook-config-file egress-selector-config-file tracing-config-file'],
    ['etcd-cafile oidc-ca-file peer-ca-file token-auth-file service-account-key-file service-account-signing-key-file'],
    ['authentication-config authorization-config etcd-certfile etcd-keyfile', live],
    ['kubelet-client-certificate kubelet-client-key proxy-client-cert-file proxy-client-key-file', live],
    ['kubelet-certificate-authority', { reload: { kind: 'since', minor: 36 } }],
    ['encryption-provider-config', { reload: { kind: 'with', flag: 'encryption-provider-config-automatic-reload' } }],
    ['service-account-signing-endpoint', { access: 'connect', is: 'socket', form: 'endpoint' }],
    ['audit-log-path', { access: 'write' }],
    ['debug-socket-path', { access: 'write', is: 'socket' }],
  ],
  'kube-controller-manager': [
    ...SERVING,
    KUBECONFIGS,
    ['cloud-config leader-migration-config root-ca-file service-account-private-key-file'],
    ['pv-recycler-pod-template-filepath-hostpath pv-recycler-pod-template-filepath-nfs'],
    ['cluster-signing-cert-file cluster-signing-key-file', live],
    ['cluster-signing-kube-apiserver-client-cert-file cluster-signing-kube-apiserver-client-key-file', live],
    ['cluster-signing-kubelet-client-cert-file cluster-signing-kubelet-client-key-file', live],
    ['cluster-signing-kubelet-serving-cert-file cluster-signing-kubelet-serving-key-file', live],
    ['cluster-signing-legacy-unknown-cert-file cluster-signing-legacy-unknown-key-file', live],
    ['flex-volume-plugin-dir', { ...live, is: 'directory' }],
  ],
  'kube-scheduler': [...SERVING, KUBECONFIGS, ['config'], ['write-config-to', { access: 'write' }]],
  kubelet: [
    ['bootstrap-kubeconfig kubeconfig config boot-id-file container-hints cloud-config experimental-mounter-path'],
    ['client-ca-file tls-cert-file tls-private-key-file resolv-conf', live],
    ['config-dir image-credential-provider-bin-dir', { is: 'directory' }],
    ['image-credential-provider-config', { is: 'file or directory' }],
    ['machine-id-file', { form: 'list' }],
    ['pod-manifest-path volume-plugin-dir', { ...live, is: 'directory' }],
    ['container-runtime-endpoint image-service-endpoint', { access: 'connect', is: 'socket', form: 'endpoint' }],
    ['containerd', { access: 'connect', is: 'socket' }],
    ['cert-dir root-dir', { access: 'write', is: 'directory' }],
    ['lock-file', { access: 'write' }],
  ],
  etcd: [
    // Read again at every handshake.
    ['cert-file key-file client-cert-file client-key-file client-crl-file', live],
    ['peer-cert-file peer-key-file peer-client-cert-file peer-client-key-file peer-crl-file', live],
    ['trusted-ca-file peer-trusted-ca-file config-file discovery-cacert discovery-cert discovery-key'],
    ['auth-token', { form: 'token-options' }],
    ['data-dir wal-dir', { access: 'write', is: 'directory' }],
    ['log-outputs', { access: 'write', form: 'log-outputs' }],
  ],
};

function expand(rows: readonly Row[]): ReadonlyMap<string, FileFlag> {
  return new Map(
    rows.flatMap(([names, options]) =>
      names
        .split(' ')
        .map((name) => [name, { name, access: 'read', is: 'file', form: 'path', reload: never, ...options }] as const),
    ),
  );
}

const FILE_FLAGS: ReadonlyMap<string, ReadonlyMap<string, FileFlag>> = new Map(
  Object.entries(ROWS).map(([component, rows]) => [component, expand(rows)]),
);

/** All flags of a component, of any minor, whose value is a path or holds one. */
export function fileFlags(component: Component): readonly FileFlag[] {
  return [...(FILE_FLAGS.get(component)?.values() ?? [])];
}

/** The same for one flag; undefined where its value is no path. */
export function fileFlag(component: Component, name: string): FileFlag | undefined {
  return FILE_FLAGS.get(component)?.get(name);
}

/** The absolute paths that one value of a flag names; none where the flag names no file or the value stands for none. */
export function pathsInFlag(component: Component, name: string, value: string): readonly string[] {
  const form = fileFlag(component, name)?.form;
  return form === undefined ? [] : readPaths(form, value).filter((path) => path.startsWith('/'));
}

function readPaths(form: FileFlag['form'], value: string): readonly string[] {
  switch (form) {
    case 'path':
      return [value];
    case 'certificate-pair':
      return (value.split(':')[0] ?? '').split(',').map((path) => path.trim());
    case 'list':
    // default, stdout, stderr and systemd/journal are no absolute paths.
    case 'log-outputs':
      return value.split(',').map((path) => path.trim());
    case 'token-options':
      // simple | jwt,pub-key=/path,priv-key=/path,sign-method=RS512,ttl=10m
      return value.split(',').map((option) => /^(?:pub|priv)-key=(.*)$/.exec(option)?.[1] ?? '');
    case 'endpoint':
      return [value.replace(/^unix:(\/\/)?/, '')];
  }
}

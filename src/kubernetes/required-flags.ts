import type { Component } from './component.ts';
import type { Finding } from './finding.ts';
import type { FlagFinding } from './together.ts';

type Flags = ReadonlyMap<string, readonly string[]>;

/** A flag that a node cannot be without. */
interface Required {
  readonly flag: string;
  /** What becomes of it without: continues `--flag is missing: `. */
  readonly why: string;
  readonly severity?: Finding['severity'];
  /** It is not needed where this flag is there. */
  readonly unless?: string;
  /** It is only needed here. */
  readonly when?: (flags: Flags, masters: number) => boolean;
}

const speaksTls = (flag: string) => (flags: Flags) => (flags.get(flag) ?? []).some((value) => /https:/.test(value));
const verifies = (flag: string) => (flags: Flags) => /^(1|t|true)$/i.test(flags.get(flag)?.at(-1) ?? 'false');
const several = (_: Flags, masters: number) => masters > 1;

const SELF_SIGNED = 'kube-apiserver would make itself a certificate that no client trusts';

/** "does not start" was seen with the programs of 1.36.2 and etcd 3.6.8, each started without that one flag. */
const REQUIRED: Readonly<Record<Component, readonly Required[]>> = {
  'kube-apiserver': [
    { flag: 'etcd-servers', why: 'kube-apiserver does not start without it' },
    { flag: 'service-account-issuer', why: 'kube-apiserver does not start without it' },
    {
      flag: 'service-account-key-file',
      why: 'kube-apiserver does not start without it',
      unless: 'service-account-signing-endpoint',
    },
    {
      flag: 'service-account-signing-key-file',
      why: 'kube-apiserver does not start without it',
      unless: 'service-account-signing-endpoint',
    },
    {
      flag: 'service-cluster-ip-range',
      why: 'services would be in 10.0.0.0/24, but certificate and kubelet follow spec.networking.serviceSubnet',
    },
    { flag: 'tls-cert-file', why: SELF_SIGNED },
    { flag: 'tls-private-key-file', why: SELF_SIGNED },
    {
      flag: 'client-ca-file',
      why: 'nobody could sign in with a certificate: no kubelet, no controller-manager, no scheduler, no administrator',
    },
    ...['etcd-cafile', 'etcd-certfile', 'etcd-keyfile'].map((flag) => ({
      flag,
      why: 'etcd and kube-apiserver would not trust each other',
      when: speaksTls('etcd-servers'),
    })),
    ...['kubelet-client-certificate', 'kubelet-client-key'].map((flag) => ({
      flag,
      why: 'the kubelets refuse kube-apiserver then: no logs, no exec, no port-forward',
      severity: 'warning' as const,
    })),
  ],
  'kube-controller-manager': [
    { flag: 'kubeconfig', why: 'kube-controller-manager does not start without it' },
    {
      flag: 'service-account-private-key-file',
      why: 'Secrets of the type service-account-token stay empty',
      severity: 'warning',
    },
    { flag: 'root-ca-file', why: 'pods get no CA certificate to know the API server by', severity: 'warning' },
  ],
  'kube-scheduler': [{ flag: 'kubeconfig', why: 'kube-scheduler does not start without it', unless: 'config' }],
  kubelet: [
    { flag: 'config', why: 'the kubelet would run no static pods' },
    {
      flag: 'kubeconfig',
      why: 'the kubelet would run alone and never join the cluster',
      when: (_, masters) => masters > 0,
    },
  ],
  etcd: [
    { flag: 'name', why: 'etcd calls itself "default" then, is not in --initial-cluster, and does not start' },
    { flag: 'data-dir', why: 'the data would lie in the container and be lost with it' },
    {
      flag: 'initial-cluster',
      why: 'every member would begin a cluster of its own',
      when: (flags, masters) => several(flags, masters) && !flags.has('discovery') && !flags.has('discovery-srv'),
    },
    {
      flag: 'initial-advertise-peer-urls',
      why: 'it would be http://localhost:2380, which is not what --initial-cluster says, and etcd does not start',
    },
    {
      flag: 'advertise-client-urls',
      why: 'etcd does not start without it',
      when: (flags) => flags.has('listen-client-urls'),
    },
    ...['cert-file', 'key-file'].map((flag) => ({
      flag,
      why: 'etcd does not start without it where --listen-client-urls has https URLs',
      when: speaksTls('listen-client-urls'),
    })),
    ...['peer-cert-file', 'peer-key-file'].map((flag) => ({
      flag,
      why: 'etcd does not start without it where --listen-peer-urls has https URLs',
      when: speaksTls('listen-peer-urls'),
    })),
    {
      flag: 'trusted-ca-file',
      why: 'etcd would refuse the certificate of kube-apiserver',
      when: verifies('client-cert-auth'),
    },
    {
      flag: 'peer-trusted-ca-file',
      why: 'the members would refuse the certificates of each other',
      when: (flags, masters) => several(flags, masters) && verifies('peer-client-cert-auth')(flags),
    },
  ],
};

/**
 * The flags that a program is started without, or with an empty value, and needs.
 * @param flags everything that it is started with, defaults too (name → values)
 * @param masters how many the cluster has
 * @param isEtcdLocal false where etcd runs elsewhere: then TLS towards it is not a must
 */
export function missingFlags(
  component: Component,
  flags: Flags,
  masters: number,
  isEtcdLocal: boolean,
): readonly FlagFinding[] {
  const isThere = (name: string) => flags.get(name)?.some((value) => value !== '') ?? false;
  return REQUIRED[component].flatMap(({ flag, why, unless, when, severity = 'error' }) => {
    if (isThere(flag) || (unless && isThere(unless)) || (when && !when(flags, masters))) return [];
    if (!isEtcdLocal && component === 'kube-apiserver' && flag.startsWith('etcd-') && flag !== 'etcd-servers')
      return [];
    return { severity, message: `--${flag} is missing: ${why}`, flag };
  });
}

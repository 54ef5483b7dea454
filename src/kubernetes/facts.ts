import { BootstrapError } from '../base/errors.ts';

export type EtcdMinor = '3.5' | '3.6' | '3.7';
export const ETCD_MINORS: readonly EtcdMinor[] = ['3.5', '3.6', '3.7'];

/** What differs from one Kubernetes minor to the next as far as it shows on a master. */
export interface MinorFacts {
  readonly minor: number;
  /** Dates, `YYYY-MM-DD`. The end of life is computed from the 14-month policy. */
  readonly generallyAvailable: string;
  readonly endOfLife: string;
  /** Image tags that kubeadm of that minor takes by default (`kubeadm config images list`). */
  readonly etcdTag: string;
  readonly pauseTag: string;
  readonly coreDnsTag: string;
  /** The oldest external etcd that kubeadm accepts (its MinExternalEtcdVersion). */
  readonly minExternalEtcd: string;
  /** Whether probes name a container port `probe-port` or carry the number (kubernetes/kubernetes#132776). */
  readonly probePort: 'named' | 'number';
  /** Whether the controller-manager mounts the flexvolume directory (dropped by kubernetes/kubernetes#136423). */
  readonly flexVolumeDir: boolean;
  /**
   * First patch whose kubeadm issues apiserver-kubelet-client without an organization; before it, it is
   * `kubeadm:cluster-admins` (kubernetes/kubernetes#138957; the patches ≤1.35 are those of the month of its backports).
   */
  readonly kubeletClientWithoutOrganizationSince: number;
  /** apiVersion of AuthenticationConfiguration and of TracingConfiguration. */
  readonly authenticationConfigVersion: string;
  readonly tracingConfigVersion: string;
  /** Whether clients notice a changed CA file by themselves (gate ClientsAllowCARotation). */
  readonly clientsReloadAuthorities: boolean;
  /** Whether the kubelet takes static pods that refer to API objects (gate PreventStaticPodAPIReferences). */
  readonly staticPodReferences: 'allowed' | 'refused unless the gate is off' | 'refused';
}

const V1BETA1 = 'apiserver.config.k8s.io/v1beta1';
const V1 = 'apiserver.config.k8s.io/v1';

const FACTS: readonly MinorFacts[] = [
  {
    minor: 33,
    generallyAvailable: '2025-04-23',
    endOfLife: '2026-06-28',
    etcdTag: '3.5.21-0',
    pauseTag: '3.10',
    coreDnsTag: 'v1.12.0',
    minExternalEtcd: '3.5.21',
    probePort: 'number',
    flexVolumeDir: true,
    kubeletClientWithoutOrganizationSince: 12,
    authenticationConfigVersion: V1BETA1,
    tracingConfigVersion: V1BETA1,
    clientsReloadAuthorities: false,
    staticPodReferences: 'allowed',
  },
  {
    minor: 34,
    generallyAvailable: '2025-08-27',
    endOfLife: '2026-10-27',
    etcdTag: '3.6.4-0',
    pauseTag: '3.10.1',
    coreDnsTag: 'v1.12.1',
    minExternalEtcd: '3.5.21',
    probePort: 'named',
    flexVolumeDir: true,
    kubeletClientWithoutOrganizationSince: 8,
    authenticationConfigVersion: V1,
    tracingConfigVersion: V1,
    clientsReloadAuthorities: false,
    staticPodReferences: 'refused unless the gate is off',
  },
  {
    minor: 35,
    generallyAvailable: '2025-12-17',
    endOfLife: '2027-02-28',
    etcdTag: '3.6.6-0',
    pauseTag: '3.10.1',
    coreDnsTag: 'v1.13.1',
    minExternalEtcd: '3.5.24',
    probePort: 'named',
    flexVolumeDir: true,
    kubeletClientWithoutOrganizationSince: 5,
    authenticationConfigVersion: V1,
    tracingConfigVersion: V1,
    clientsReloadAuthorities: false,
    staticPodReferences: 'refused unless the gate is off',
  },
  {
    minor: 36,
    generallyAvailable: '2026-04-22',
    endOfLife: '2027-06-28',
    etcdTag: '3.6.8-0',
    pauseTag: '3.10.2',
    coreDnsTag: 'v1.14.2',
    minExternalEtcd: '3.5.24',
    probePort: 'named',
    flexVolumeDir: false,
    kubeletClientWithoutOrganizationSince: 1,
    authenticationConfigVersion: V1,
    tracingConfigVersion: V1,
    clientsReloadAuthorities: true,
    staticPodReferences: 'refused unless the gate is off',
  },
  {
    minor: 37,
    generallyAvailable: '2026-08-26',
    endOfLife: '2027-10-28',
    etcdTag: '3.7.0-0',
    pauseTag: '3.10.2',
    coreDnsTag: 'v1.14.6',
    minExternalEtcd: '3.5.24',
    probePort: 'named',
    flexVolumeDir: false,
    kubeletClientWithoutOrganizationSince: 0,
    authenticationConfigVersion: V1,
    tracingConfigVersion: V1,
    clientsReloadAuthorities: true,
    staticPodReferences: 'refused',
  },
];

/** The directory and volume that kubeadm ≤1.35 mounts read-write into the controller-manager (DirectoryOrCreate). */
export const FLEX_VOLUME = {
  name: 'flexvolume-dir',
  path: '/usr/libexec/kubernetes/kubelet-plugins/volume/exec',
  /** The flag of the controller-manager that moves it. */
  flag: 'flex-volume-plugin-dir',
} as const;

/** Facts of a minor out of `KNOWN_MINORS`; any other is a fault of this program. */
export function factsOf(minor: number): MinorFacts {
  const facts = FACTS.find((f) => f.minor === minor);
  if (!facts) throw new BootstrapError('internal', `no facts about Kubernetes 1.${minor}`);
  return facts;
}

/** The tag of the etcd image that goes with a minor: `3.6.8-0`. */
export function etcdImageTag(minor: number): string {
  return factsOf(minor).etcdTag;
}

/** The organization in the subject of apiserver-kubelet-client; undefined where kubeadm puts none. */
export function kubeletClientOrganization(version: {
  readonly minor: number;
  readonly patch: number;
}): string | undefined {
  const since = factsOf(version.minor).kubeletClientWithoutOrganizationSince;
  return version.patch >= since ? undefined : 'kubeadm:cluster-admins';
}

/** `3.6.8-0` → `3.6`; undefined for a tag that names no version or one that this program has no flags of. */
export function etcdMinorOfTag(tag: string): EtcdMinor | undefined {
  const found = /^v?(\d+\.\d+)\.\d+(?:[-.+].*)?$/.exec(tag)?.[1];
  return ETCD_MINORS.find((minor) => minor === found);
}

/** The etcd minor that an image tag stands for; a tag that does not say is taken for the minor's default. */
export function etcdMinorFor(tag: string, minor: number): EtcdMinor {
  return etcdMinorOfTag(tag) ?? etcdMinorOfTag(etcdImageTag(minor)) ?? '3.6';
}

/**
 * The two flags that kubeadm spells by the minor of the etcd image, not of Kubernetes (kubernetes/kubernetes#132838):
 * flag name → value.
 */
export function etcdCheckFlags(etcd: EtcdMinor): Readonly<Record<string, string>> {
  return etcd === '3.5'
    ? { 'experimental-initial-corrupt-check': 'true', 'experimental-watch-progress-notify-interval': '5s' }
    : { 'feature-gates': 'InitialCorruptCheck=true', 'watch-progress-notify-interval': '5s' };
}

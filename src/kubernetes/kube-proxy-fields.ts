/** What stands in a field of KubeProxyConfiguration; `any` is not looked into. */
export type KubeProxyFieldType = 'text' | 'boolean' | 'integer' | 'number' | 'duration' | 'texts' | 'any';

/** By type, each field by its path (k8s.io/kube-proxy/config/v1alpha1/types.go and component-base of 1.36). */
const FIELDS: Readonly<Record<KubeProxyFieldType, string>> = {
  text: `hostnameOverride bindAddress healthzBindAddress metricsBindAddress showHiddenMetricsForVersion mode
    clientConnection.kubeconfig clientConnection.acceptContentTypes clientConnection.contentType logging.format
    ipvs.scheduler winkernel.networkName winkernel.sourceVip winkernel.rootHnsEndpointName detectLocalMode
    detectLocal.bridgeInterface detectLocal.interfaceNamePrefix clusterCIDR portRange`,
  boolean: `bindAddressHardFail enableProfiling iptables.masqueradeAll iptables.localhostNodePorts ipvs.strictARP
    nftables.masqueradeAll conntrack.tcpBeLiberal winkernel.enableDSR winkernel.forwardHealthCheckVip windowsRunAsService`,
  integer: `clientConnection.burst iptables.masqueradeBit nftables.masqueradeBit conntrack.maxPerCore conntrack.min
    oomScoreAdj logging.verbosity`,
  number: 'clientConnection.qps',
  duration: `iptables.syncPeriod iptables.minSyncPeriod ipvs.syncPeriod ipvs.minSyncPeriod ipvs.tcpTimeout
    ipvs.tcpFinTimeout ipvs.udpTimeout nftables.syncPeriod nftables.minSyncPeriod conntrack.tcpEstablishedTimeout
    conntrack.tcpCloseWaitTimeout conntrack.udpTimeout conntrack.udpStreamTimeout configSyncPeriod`,
  texts: 'ipvs.excludeCIDRs nodePortAddresses',
  any: 'featureGates logging.flushFrequency logging.vmodule logging.options',
};

/** The fields of KubeProxyConfiguration and their types. */
export const KUBE_PROXY_FIELDS: ReadonlyMap<string, KubeProxyFieldType> = new Map(
  Object.entries(FIELDS).flatMap(([type, paths]) =>
    paths.split(/\s+/).map((path) => [path, type as KubeProxyFieldType] as const),
  ),
);

/** The pointers in Go: there a zero or false is a setting of the user's; in all others it is the same as no value. */
export const KUBE_PROXY_ZERO_COUNTS: ReadonlySet<string> = new Set(
  `iptables.masqueradeBit iptables.localhostNodePorts nftables.masqueradeBit conntrack.maxPerCore conntrack.min
  conntrack.tcpEstablishedTimeout conntrack.tcpCloseWaitTimeout oomScoreAdj`.split(/\s+/),
);

/** Whether a path is that of a part with fields of its own, e.g. `conntrack`. */
export function isKubeProxyPart(path: string): boolean {
  return [...KUBE_PROXY_FIELDS.keys()].some((known) => known.startsWith(`${path}.`));
}

/** The names of the fields right below a path; `''` = at the top. */
export function kubeProxyFieldsBelow(path: string): ReadonlySet<string> {
  const prefix = path ? `${path}.` : '';
  const below = [...KUBE_PROXY_FIELDS.keys()].filter((known) => known.startsWith(prefix));
  return new Set(below.map((known) => known.slice(prefix.length).split('.')[0] ?? ''));
}

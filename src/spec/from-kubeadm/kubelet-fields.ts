import catalogue from '../../kubernetes/data/kubelet-config.json' with { type: 'json' };

/** The fields of KubeletConfiguration and their types, of all minors that are known. */
export const KUBELET_FIELDS: ReadonlyMap<string, string> = new Map(
  Object.entries(catalogue.fields).map(([path, entry]) => [path, String(Array.isArray(entry) ? entry[0] : entry)]),
);

/**
 * The fields that are pointers in Go (k8s.io/kubelet/config/v1beta1 of 1.36): there a zero, false or empty value is a
 * setting of the user's. In all others it is the same as no value.
 */
export const ZERO_COUNTS: ReadonlySet<string> = new Set(
  `authentication.anonymous.enabled authentication.webhook.enabled cgroupsPerQOS containerLogMaxFiles containerLogMaxWorkers
  containerLogMonitorInterval cpuCFSQuota cpuCFSQuotaPeriod crashLoopBackOff.maxContainerRestartPeriod
  enableControllerAttachDetach enableDebugFlagsHandler enableDebuggingHandlers enableProfilingHandler enableServer
  enableSystemLogHandler enableSystemLogQuery eventRecordQPS failCgroupV1 failSwapOn healthzPort
  imageGCHighThresholdPercent imageGCLowThresholdPercent iptablesDropBit iptablesMasqueradeBit kubeAPIQPS
  localStorageCapacityIsolation makeIPTablesUtilChains maxParallelImagePulls memoryThrottlingFactor
  mergeDefaultEvictionSettings nodeStatusMaxImages oomScoreAdj podPidsLimit registerNode registryPullQPS resolvConf
  seccompDefault serializeImagePulls singleProcessOOMKill tracing userNamespaces`.split(/\s+/),
);

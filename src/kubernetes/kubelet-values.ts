import { nearest } from '../base/suggest.ts';
import { oneOf } from './finding.ts';
import { isGoIp, type Problem, show } from './flag-types.ts';
import { CIPHER_SUITES } from './flag-values.ts';
import { isQuantity, parseGoDuration } from './go-values.ts';

/** Why a scalar would not do for a field of the type; undefined where it would. */
export function checkScalar(type: string, value: unknown): Problem | undefined {
  switch (type) {
    case 'boolean':
      return typeof value === 'boolean'
        ? undefined
        : { is: 'is not true or false', ...unquote(value, /^(true|false)$/) };
    case 'integer':
      return Number.isInteger(value) ? undefined : { is: 'is not a whole number', ...unquote(value, /^-?\d+$/) };
    case 'number':
      return typeof value === 'number' ? undefined : { is: 'is not a number', ...unquote(value, /^-?\d+(\.\d+)?$/) };
    case 'duration-string':
      return isDuration(value) ? undefined : { is: 'is not a duration', hint: 'write it like "1m30s" or "45s"' };
    case 'duration|int':
      return isDuration(value) || Number.isInteger(value)
        ? undefined
        : { is: 'is not a duration', hint: 'write it like "5s"' };
    case 'quantity':
      return isQuantity(String(value)) && typeof value !== 'boolean'
        ? undefined
        : { is: 'is not a quantity', hint: 'write it like 100Mi' };
    case 'string':
      return typeof value === 'string' ? undefined : { is: 'is not a string', ...quote(value) };
    default:
      return undefined;
  }
}

const isDuration = (value: unknown) => typeof value === 'string' && parseGoDuration(value) !== undefined;
const unquote = (value: unknown, plain: RegExp) =>
  typeof value === 'string' && plain.test(value) ? { hint: `write ${value} without quotes` } : {};
const quote = (value: unknown) =>
  typeof value === 'number' || typeof value === 'boolean' ? { hint: `write "${value}" in quotes` } : {};

const WORDS: Readonly<Record<string, readonly string[]>> = {
  apiVersion: ['kubelet.config.k8s.io/v1beta1'],
  kind: ['KubeletConfiguration'],
  'authorization.mode': ['', 'AlwaysAllow', 'Webhook'],
  cgroupDriver: ['', 'systemd', 'cgroupfs'],
  configMapAndSecretChangeDetectionStrategy: ['', 'Get', 'Cache', 'Watch'],
  cpuManagerPolicy: ['', 'none', 'static'],
  hairpinMode: ['', 'promiscuous-bridge', 'hairpin-veth', 'none'],
  imagePullCredentialsVerificationPolicy: [
    '',
    'NeverVerify',
    'NeverVerifyPreloadedImages',
    'NeverVerifyAllowlistedImages',
    'AlwaysVerify',
  ],
  'logging.format': ['', 'text', 'json'],
  memoryManagerPolicy: ['', 'None', 'Static'],
  memoryReservationPolicy: ['', 'None', 'TieredReservation'],
  'memorySwap.swapBehavior': ['', 'NoSwap', 'LimitedSwap'],
  'registerWithTaints[].effect': ['NoSchedule', 'PreferNoSchedule', 'NoExecute'],
  tlsCipherSuites: CIPHER_SUITES,
  tlsMinVersion: ['', 'VersionTLS10', 'VersionTLS11', 'VersionTLS12', 'VersionTLS13'],
  topologyManagerPolicy: ['', 'none', 'best-effort', 'restricted', 'single-numa-node'],
  topologyManagerScope: ['', 'container', 'pod'],
};

const NOT_NEGATIVE = [0, 2 ** 31 - 1] as const;

const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  eventBurst: NOT_NEGATIVE,
  eventRecordQPS: NOT_NEGATIVE,
  healthzPort: [0, 65535],
  iptablesMasqueradeBit: [0, 31],
  kubeAPIBurst: NOT_NEGATIVE,
  kubeAPIQPS: NOT_NEGATIVE,
  // read into 64 bits
  maxOpenFiles: [0, Number.MAX_SAFE_INTEGER],
  maxParallelImagePulls: [1, 2 ** 31 - 1],
  maxPods: NOT_NEGATIVE,
  nodeLeaseDurationSeconds: NOT_NEGATIVE,
  podsPerCore: NOT_NEGATIVE,
  registryBurst: NOT_NEGATIVE,
  registryPullQPS: NOT_NEGATIVE,
  imageGCHighThresholdPercent: [0, 100],
  imageGCLowThresholdPercent: [0, 100],
  oomScoreAdj: [-1000, 1000],
  port: [1, 65535],
  readOnlyPort: [0, 65535],
};

const ADDRESSES: ReadonlySet<string> = new Set(['address', 'healthzBindAddress', 'clusterDNS']);

/** What the kubelet refuses of a field (`a.b[].c`) beyond its type (validation.ValidateKubeletConfiguration). */
export function checkFieldMeaning(path: string, value: unknown): Problem | undefined {
  const words = Object.hasOwn(WORDS, path) ? WORDS[path] : undefined;
  if (words && !words.includes(String(value))) {
    const near = nearest(String(value), words);
    return { is: 'is not allowed', hint: near ? `did you mean "${near}"?` : `write ${oneOf(words.filter(Boolean))}` };
  }
  const range = Object.hasOwn(RANGES, path) ? RANGES[path] : undefined;
  if (range && typeof value === 'number' && (value < range[0] || value > range[1])) {
    return { is: `is out of range (${range[0]} to ${range[1]})` };
  }
  if (ADDRESSES.has(path) && typeof value === 'string' && value !== '' && !isGoIp(value))
    return { is: 'is not an IP address' };
  return undefined;
}

const QUANTITY_MAPS = /^(evictionHard|evictionSoft|evictionMinimumReclaim|systemReserved|kubeReserved)$/;

/** The same for the values of a map of strings. */
export function checkMapValue(path: string, value: string): Problem | undefined {
  if (path === 'evictionSoftGracePeriod') return checkScalar('duration-string', value);
  if (!QUANTITY_MAPS.test(path) || isQuantity(value)) return undefined;
  if (path.startsWith('eviction') && /^\d+(\.\d+)?%$/.test(value)) return undefined;
  return {
    is: 'is not a quantity',
    hint: path.startsWith('eviction') ? 'write it like 100Mi or 10%' : 'write it like 100Mi',
  };
}

/** A value of the configuration as it may stand in a message. */
export function showJson(value: unknown): string {
  return typeof value === 'string'
    ? show(value)
    : value === null || typeof value !== 'object'
      ? String(value)
      : kindOf(value);
}

function kindOf(value: object): string {
  return Array.isArray(value) ? 'a list' : 'a map';
}

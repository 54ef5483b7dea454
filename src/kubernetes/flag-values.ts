import { nearest } from '../base/suggest.ts';
import type { Component } from './component.ts';
import { error, type Finding, oneOf, warning } from './finding.ts';
import { isGoIp, show, splitOnce } from './flag-types.ts';
import { parseGoDuration, parseGoFloat, parseGoInt } from './go-values.ts';

const TLS_VERSIONS = ['VersionTLS10', 'VersionTLS11', 'VersionTLS12', 'VersionTLS13'];
const AUDIT_MODES = ['batch', 'blocking', 'blocking-strict'];
const LOG_FORMATS = ['text', 'json'];

/** String flags that take nothing but these words (from the validation of each program). */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  'kube-apiserver audit-log-format': ['legacy', 'json'],
  'kube-apiserver audit-log-mode': AUDIT_MODES,
  'kube-apiserver audit-webhook-mode': AUDIT_MODES,
  'kube-apiserver audit-log-version': ['audit.k8s.io/v1'],
  'kube-apiserver audit-webhook-version': ['audit.k8s.io/v1'],
  'kube-apiserver endpoint-reconciler-type': ['master-count', 'lease', 'none'],
  'kube-apiserver logging-format': LOG_FORMATS,
  'kube-apiserver storage-backend': ['', 'etcd3'],
  'kube-apiserver tls-min-version': ['', ...TLS_VERSIONS],
  'kube-controller-manager cidr-allocator-type': [
    'RangeAllocator',
    'CloudAllocator',
    'IPAMFromCluster',
    'IPAMFromCloud',
  ],
  'kube-controller-manager logging-format': LOG_FORMATS,
  'kube-controller-manager tls-min-version': ['', ...TLS_VERSIONS],
  'kube-scheduler logging-format': LOG_FORMATS,
  'kube-scheduler tls-min-version': ['', ...TLS_VERSIONS],
  'kubelet cloud-provider': ['', 'external'],
  'kubelet logging-format': LOG_FORMATS,
  'kubelet tls-min-version': ['', ...TLS_VERSIONS],
  'etcd auto-compaction-mode': ['periodic', 'revision'],
  'etcd backend-bbolt-freelist-type': ['', 'map', 'array'],
  'etcd log-format': ['json', 'console'],
  'etcd log-level': ['debug', 'info', 'warn', 'error', 'dpanic', 'panic', 'fatal'],
  'etcd logger': ['zap'],
  'etcd metrics': ['basic', 'extensive'],
  'etcd tls-max-version': ['', 'TLS1.2', 'TLS1.3'],
  'etcd tls-min-version': ['', 'TLS1.2', 'TLS1.3'],
};

const AUTHORIZATION_MODES = ['AlwaysAllow', 'AlwaysDeny', 'ABAC', 'Webhook', 'RBAC', 'Node'];
const NODE_ADDRESS_TYPES = ['Hostname', 'InternalDNS', 'InternalIP', 'ExternalDNS', 'ExternalIP'];

/** The suites of Go's crypto/tls, and the two short names that Kubernetes and etcd still take. */
export const CIPHER_SUITES: readonly string[] = [
  ...['AES_128_GCM_SHA256', 'AES_256_GCM_SHA384', 'CHACHA20_POLY1305_SHA256'],
  ...[
    'AES_128_CBC_SHA',
    'AES_256_CBC_SHA',
    'AES_128_GCM_SHA256',
    'AES_256_GCM_SHA384',
    'CHACHA20_POLY1305_SHA256',
  ].flatMap((cipher) => [`ECDHE_ECDSA_WITH_${cipher}`, `ECDHE_RSA_WITH_${cipher}`]),
  ...['CHACHA20_POLY1305', 'RC4_128_SHA', 'AES_128_CBC_SHA256'].flatMap((cipher) => [
    `ECDHE_ECDSA_WITH_${cipher}`,
    `ECDHE_RSA_WITH_${cipher}`,
  ]),
  'ECDHE_RSA_WITH_3DES_EDE_CBC_SHA',
  ...[
    'RC4_128_SHA',
    '3DES_EDE_CBC_SHA',
    'AES_128_CBC_SHA',
    'AES_256_CBC_SHA',
    'AES_128_CBC_SHA256',
    'AES_128_GCM_SHA256',
    'AES_256_GCM_SHA384',
  ].map((cipher) => `RSA_WITH_${cipher}`),
].map((suite) => `TLS_${suite}`);

/** Comma lists whose every item is one of these words. */
const LISTS: Readonly<Record<string, readonly string[]>> = {
  'kube-apiserver authorization-mode': AUTHORIZATION_MODES,
  'kube-apiserver kubelet-preferred-address-types': NODE_ADDRESS_TYPES,
  'kube-apiserver tls-cipher-suites': CIPHER_SUITES,
  'kube-controller-manager tls-cipher-suites': CIPHER_SUITES,
  'kube-scheduler tls-cipher-suites': CIPHER_SUITES,
  'kubelet tls-cipher-suites': CIPHER_SUITES,
  'etcd cipher-suites': CIPHER_SUITES,
};

/** What a flag's own program refuses beyond the type of the value. `name` is the flag, `--` left out. */
export function checkMeaning(component: Component, name: string, type: string, value: string): Finding | undefined {
  const key = `${component} ${name}`;
  const words = WORDS[key];
  if (words && !words.includes(value)) {
    return error(`--${name}: ${show(value)} is not allowed`, `write ${oneOf(words.filter(Boolean))}`);
  }
  const list = LISTS[key];
  for (const item of list ? value.split(',') : []) {
    if (item.trim() && !list?.includes(item.trim()))
      return error(`--${name}: ${show(item.trim())} is not known`, suggestion(item, list ?? []));
  }
  if (/^u?int/.test(type)) return checkNumber(component, name, value);
  if (key === 'kube-apiserver goaway-chance') {
    const chance = parseGoFloat(value) ?? 0;
    return chance < 0 || chance > 0.02 ? error(`--${name}: ${show(value)} is not between 0 and 0.02`) : undefined;
  }
  if (key === 'kubelet node-ip') {
    const wrong = value.split(',').find((address) => value !== '' && !isGoIp(address));
    return wrong === undefined ? undefined : error(`--${name}: ${show(wrong)} is not an IP address`);
  }
  if (name === 'service-cluster-ip-range' || name === 'cluster-cidr') return checkSubnets(name, value);
  if (component === 'etcd' && /^listen-(client|peer|metrics|client-http)-urls$/.test(name))
    return checkBindUrls(name, value);
  if (type === 'duration' && (parseGoDuration(value) ?? 0) < 0) return warning(`--${name}: ${show(value)} is negative`);
  return undefined;
}

function suggestion(word: string, words: readonly string[]): string {
  const near = nearest(word.trim(), words);
  return near ? `did you mean "${near}"?` : `known are ${oneOf(words)}`;
}

/** Ports and the few numbers whose range is plain. */
function checkNumber(component: Component, name: string, value: string): Finding | undefined {
  const number = parseGoInt(value);
  if (number === undefined || !/(^|-)port$/.test(name)) return undefined;
  // The apiserver cannot be without its port; 0 turns the others' off.
  const low = component === 'kube-apiserver' && name === 'secure-port' ? 1n : 0n;
  return number < low || number > 65535n
    ? error(`--${name}: ${show(value)} is not a port (${low} to 65535)`)
    : undefined;
}

function checkSubnets(name: string, value: string): Finding | undefined {
  for (const subnet of value === '' ? [] : value.split(',')) {
    const [address, bits] = splitOnce(subnet.trim(), '/');
    const most = address.includes(':') ? 128 : 32;
    if (!isGoIp(address) || !/^\d{1,3}$/.test(bits ?? '') || Number(bits) > most) {
      return error(
        `--${name}: ${show(subnet)} is not a subnet`,
        'write it like 10.96.0.0/12, two of them for dual stack',
      );
    }
  }
  return undefined;
}

/** etcd binds to addresses only, never to names (embed.checkBindURLs). */
function checkBindUrls(name: string, value: string): Finding | undefined {
  for (const url of value.split(',')) {
    const host = /^https?:\/\/(\[[^\]]*\]|[^:/]*)/.exec(url.trim())?.[1]?.replace(/^\[|\]$/g, '');
    if (host !== undefined && host !== 'localhost' && !isGoIp(host)) {
      return error(
        `--${name}: ${show(url)} names no IP address`,
        'etcd listens on IP addresses only, not on host names',
      );
    }
  }
  return undefined;
}

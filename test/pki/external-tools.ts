import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openssl } from './tools.ts';

/** Paths of the three CAs, with their common names. */
export const AUTHORITIES = { ca: 'kubernetes', 'etcd/ca': 'etcd-ca', 'front-proxy-ca': 'front-proxy-ca' } as const;
export type AuthorityPath = keyof typeof AUTHORITIES;

/** CAs as OpenSSL makes them, certificates and keys below `dir`. */
export function makeAuthorities(dir: string, days = 3000): void {
  for (const [path, name] of Object.entries(AUTHORITIES)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    const files = ['-keyout', join(dir, `${path}.key`), '-out', join(dir, `${path}.crt`)];
    const kind = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-days',
      String(days),
      '-subj',
      `/CN=${name}`,
    ];
    const use = ['-addext', 'keyUsage=critical,keyCertSign'];
    openssl(['req', '-x509', '-nodes', ...kind, ...use, ...files]);
  }
}

/** What OpenSSL makes of a request, signed by the CA whose files begin like this. */
export function sign(authority: string, request: string, ...options: readonly string[]): string {
  const signer = ['-CA', `${authority}.crt`, '-CAkey', `${authority}.key`];
  const days = options.includes('-days') ? [] : ['-days', '365'];
  return openssl(['x509', '-req', '-copy_extensions', 'copyall', ...days, ...signer, ...options], request);
}

/** Which of the CAs signs the certificate with this path. */
export function authorityOf(path: string): AuthorityPath {
  if (path.includes('front-proxy')) return 'front-proxy-ca';
  return /\/etcd\/|etcd-client/.test(path) ? 'etcd/ca' : 'ca';
}

/** Writes a file and the directories that it needs. */
export function put(file: string, content: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Pem, SecretPem } from '../../../src/base/pem.ts';
import { SecretText } from '../../../src/base/secret.ts';
import type { WantedServed } from '../../../src/deliver/serve/publish.ts';
import type { KeyPair } from '../../../src/pki/pki.ts';

/** A certificate for loopback, of OpenSSL's making; whoever trusts it trusts the server. */
export function loopbackPair(days = 1): KeyPair {
  const dir = mkdtempSync(join(tmpdir(), 'bootstrap-serve-'));
  const [cert, key] = [join(dir, 'c'), join(dir, 'k')];
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=serve'],
    ...['-addext', 'subjectAltName=IP:127.0.0.1', '-days', String(days), '-keyout', key, '-out', cert],
  ]);
  if (made.status !== 0) throw new Error(made.stderr.toString());
  const pair = { certificate: readFileSync(cert, 'utf8') as Pem, key: new SecretPem(readFileSync(key, 'utf8')) };
  rmSync(dir, { recursive: true });
  return pair;
}

export const tokenOf = (node: string) => `token-of-${node}-0123456789`;

export function podOf(name: string, generation: number) {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', annotations: { generation: String(generation) } },
    spec: { containers: [{ name: 'web', image: 'nginx:1.29' }] },
  };
}

/** So many pods for each of these nodes, all of one generation. */
export function wantedFor(
  nodes: readonly string[],
  tls: KeyPair,
  { generation = 1, pods = 2, others = [] as readonly string[] } = {},
): WantedServed {
  return {
    cluster: 'test',
    endpoint: '127.0.0.1:8443',
    pollSeconds: 20,
    tls,
    tokens: new Map([...nodes, ...others].map((node) => [node, new SecretText(tokenOf(node))])),
    served: nodes.map((node) => ({
      node,
      pods: Array.from({ length: pods }, (_, i) => podOf(`${node}-${i}`, generation)),
    })),
  };
}

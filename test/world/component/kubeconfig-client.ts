import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { parse } from 'yaml';
import { type ApiClient, apiClient, type Identity } from '../api-client.ts';
import { type Json, textAt } from '../json.ts';
import { onChange } from '../watched.ts';
import { fatal, minor } from './flags.ts';

/** What client-go looks at every five minutes, this looks at every second (client-go/transport: CertCallbackRefreshDuration). */
const EVERY_MS = 1000;

/**
 * The API as a kubeconfig names it, as client-go treats its files: the client's pair is read again when it changes and then
 * all connections are closed; the CA, from Kubernetes 1.36 on, as well (ClientsAllowCARotation); what is embedded stays. A
 * kubeconfig whose files cannot be read ends the program.
 */
export function kubeconfigClient(path: string): ApiClient {
  const root = process.env['BOOTSTRAP_NODE_ROOT'] ?? '';
  const config = readConfig(path);
  const field = (part: 'cluster' | 'user', name: string) => textAt(config, `${part}s`, 0, part, name);
  const file = (part: 'cluster' | 'user', name: string) => {
    const value = field(part, name);
    return value ? join(root, value) : undefined;
  };
  const read = (part: 'cluster' | 'user', name: string): Buffer => {
    const from = file(part, name);
    return from ? readFileSync(from) : Buffer.from(field(part, `${name}-data`), 'base64');
  };
  const pairNow = () => ({ cert: read('user', 'client-certificate'), key: read('user', 'client-key') });
  let identity: Identity;
  try {
    identity = { ca: read('cluster', 'certificate-authority'), ...pairNow() };
    createSecureContext(identity);
  } catch (error) {
    return fatal(`invalid configuration: ${String(error)}`);
  }
  const server = new URL(field('cluster', 'server'));
  const client = apiClient(server.hostname, Number(server.port || 443), () => identity);
  const follow = (files: readonly (string | undefined)[], changed: () => Partial<Identity>) => {
    const there = files.filter((each) => each !== undefined);
    onChange(
      there,
      () => {
        try {
          const next = { ...identity, ...changed() };
          createSecureContext(next);
          identity = next;
          client.reconnect();
        } catch (error) {
          console.error(`E cert_rotation.go:183] "Loading client cert failed" err="${String(error)}"`);
        }
      },
      EVERY_MS,
    );
  };
  follow([file('user', 'client-certificate'), file('user', 'client-key')], pairNow);
  if (minor() >= 36) {
    follow([file('cluster', 'certificate-authority')], () => ({ ca: read('cluster', 'certificate-authority') }));
  }
  return client;
}

function readConfig(path: string): Json {
  try {
    return parse(readFileSync(path, 'utf8')) as Json;
  } catch (error) {
    return fatal(`invalid configuration: ${String(error)}`);
  }
}

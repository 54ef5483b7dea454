import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { Identity } from './api-client.ts';
import { type Json, textAt } from './json.ts';
import { changes } from './watched.ts';

/** Whom a kubeconfig with embedded files makes its reader. */
export function identityIn(kubeconfig: string): Identity {
  const config = parse(readFileSync(kubeconfig, 'utf8')) as Json;
  const data = (text: string) => Buffer.from(text, 'base64').toString('utf8');
  return {
    ca: data(textAt(config, 'clusters', 0, 'cluster', 'certificate-authority-data')),
    cert: data(textAt(config, 'users', 0, 'user', 'client-certificate-data')),
    key: data(textAt(config, 'users', 0, 'user', 'client-key-data')),
  };
}

/** Where a client outside finds whom to trust and who it is; all are read again when they change. */
export interface IdentityFiles {
  /** A kubeconfig with embedded files, or certificates in PEM. */
  readonly trust: string;
  /** A kubeconfig with embedded files. */
  readonly kubeconfig: string;
  /** An Identity in JSON, which counts instead where it is there. */
  readonly given: string;
}

/** Who one is now. What cannot be read just now is what it was. */
export function followedIdentity({ trust, kubeconfig, given }: IdentityFiles): () => Identity {
  const read = (): Identity => {
    const { cert, key } = existsSync(given)
      ? (JSON.parse(readFileSync(given, 'utf8')) as Identity)
      : identityIn(kubeconfig);
    const text = readFileSync(trust, 'utf8');
    return { ca: text.startsWith('-----BEGIN') ? text : identityIn(trust).ca, cert, key };
  };
  const isNew = changes([trust, kubeconfig, given]);
  let now = read();
  return () => {
    if (!isNew()) return now;
    try {
      now = read();
    } catch {
      // being written
    }
    return now;
  };
}

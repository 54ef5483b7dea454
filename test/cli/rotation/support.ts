import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { World } from '../../world/world.ts';
import { type Running, running } from '../rollout-faults/running.ts';

/** A command that carries a rotation on; processes of the world read new files within a second or two. */
export function rotate(world: World, what: readonly string[], ...more: readonly string[]): Running {
  return running(world.dir, 'certs', ...what, '--apply', '--yes', '--settle', '3s', ...more);
}

interface Record {
  readonly phase: string;
  readonly placed?: string;
  readonly proven?: string;
}

/** How far the rotation is, by its journal; undefined where none is under way. */
export function now(world: World): Record | undefined {
  const file = join(world.dir, 'pki/rotation.json');
  if (!existsSync(file)) return undefined;
  const { records } = JSON.parse(readFileSync(file, 'utf8')) as { records: Record[] };
  return records.at(-1);
}

/** The base64 of a PEM file without its lines' ends: what is looked for. */
function body(pem: string): string {
  return pem.replace(/-----[^-]+-----|\s/g, '');
}

/** Files below a directory in which this certificate stands, also where the text is in base64 once more. */
export function filesWith(root: string, certificate: string): readonly string[] {
  const plain = body(certificate);
  const encoded = Buffer.from(certificate).toString('base64');
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => statSync(path).size < 1 << 20)
    .filter((path) => {
      const text = readFileSync(path, 'utf8');
      return text.replace(/\s/g, '').includes(plain) || text.includes(encoded);
    });
}

/** The certificate that a server shows, as OpenSSL prints its issuer's key identifier. */
export function issuerKeyId(port: number, client: { readonly cert: string; readonly key: string }): string {
  const shown = spawnSync(
    'openssl',
    ['s_client', '-connect', `127.0.0.1:${port}`, '-cert', client.cert, '-key', client.key],
    { input: '', encoding: 'utf8' },
  ).stdout;
  return authorityKeyId(shown);
}

/** What the certificate says of the key that has signed it. */
function authorityKeyId(pem: string): string {
  return keyId(pem, 'authorityKeyIdentifier');
}

export function subjectKeyId(pem: string): string {
  return keyId(pem, 'subjectKeyIdentifier');
}

function keyId(pem: string, extension: string): string {
  const text = execFileSync('openssl', ['x509', '-noout', '-ext', extension], { input: pem, encoding: 'utf8' });
  const id = /([0-9A-F]{2}(?::[0-9A-F]{2}){19})/.exec(text)?.[1];
  expect(id, text).toBeDefined();
  return id ?? '';
}

import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { onTestFinished } from 'vitest';
import { BootstrapError } from '../../src/base/errors.ts';
import { describeFault } from '../../src/base/fault.ts';
import type { EnsuredPki, EnsureOptions } from '../../src/pki/ensure.ts';
import { ensurePki } from '../../src/pki/ensure.ts';
import type { Inventory } from '../../src/pki/inventory.ts';
import { generateKey } from '../../src/pki/keys.ts';
import { openPkiStore } from '../../src/pki/store.ts';

const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

/** A directory that is gone after the test. */
export function temporaryDirectory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'bootstrap-pki-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** `ensurePki` as the program calls it, with real keys. */
export function ensure(
  inventory: Inventory,
  dir: string,
  options: Partial<EnsureOptions> = {},
  store = openPkiStore(dir),
): Promise<EnsuredPki> {
  return ensurePki(inventory, store, {
    now: new Date(),
    randomBytes,
    generateKey,
    renewBefore: 30 * DAY,
    ...options,
  });
}

/** Every file below a directory with its content, paths sorted. */
export function contents(dir: string): Readonly<Record<string, string>> {
  const files = readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return Object.fromEntries(files.map((file) => [relative(dir, file), readFileSync(file, 'utf8')]));
}

export function modes(dir: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    readdirSync(dir, { withFileTypes: true, recursive: true })
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [relative(dir, path), (statSync(path).mode & 0o777).toString(8)]),
  );
}

/** Runs OpenSSL and gives what it printed; throws where it fails. */
export function openssl(args: readonly string[], input?: string): string {
  return execFileSync('openssl', args, { encoding: 'utf8', input, stdio: ['pipe', 'pipe', 'pipe'] });
}

/** OpenSSL's verdict on a certificate: `OK`, or what it says. */
export function opensslVerify(caFile: string, file: string, ...options: readonly string[]): string {
  const args = ['verify', '-x509_strict', ...options, '-CAfile', caFile, file];
  const { status, stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
  return status === 0 ? 'OK' : stdout + stderr;
}

export interface CertificateFacts {
  readonly version: number;
  readonly subject: string;
  readonly issuer: string;
  readonly publicKey: string;
  readonly signature: string;
  readonly keyUsage: readonly string[];
  readonly extKeyUsage: readonly string[];
  readonly basicConstraints: string;
  readonly san: readonly string[];
  readonly lifetimeHours: number;
  readonly aki: boolean;
  readonly ski: boolean;
}

/** What OpenSSL prints of a certificate. */
export function certificateFacts(pem: string): CertificateFacts {
  const text = openssl(['x509', '-noout', '-text'], pem);
  const one = (pattern: RegExp) => pattern.exec(text)?.[1]?.trim() ?? '';
  const list = (pattern: RegExp) => one(pattern).split(', ').filter(Boolean).sort();
  const name = (pattern: RegExp) => one(pattern).replaceAll(' = ', '=');
  return {
    version: Number(one(/Version: (\d+)/)),
    subject: name(/Subject: (.*)/),
    issuer: name(/Issuer: (.*)/),
    publicKey: `${one(/Public Key Algorithm: (.*)/)} ${one(/Public-Key: \((\d+) bit\)/)}`,
    signature: one(/Signature Algorithm: (.*)/),
    keyUsage: list(/Key Usage: critical\n\s+(.*)/),
    extKeyUsage: list(/Extended Key Usage: *\n\s+(.*)/),
    basicConstraints: one(/Basic Constraints: critical\n\s+(.*)/),
    san: list(/Subject Alternative Name: *\n\s+(.*)/),
    lifetimeHours: (Date.parse(one(/Not After : (.*)/)) - Date.parse(one(/Not Before: (.*)/))) / HOUR,
    aki: text.includes('Authority Key Identifier'),
    ski: text.includes('Subject Key Identifier'),
  };
}

/** Everything that an error says, as the command line would print it. */
export async function refusal(action: Promise<unknown>): Promise<string> {
  const error: unknown = await action.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof BootstrapError)) throw new Error(`expected a BootstrapError, got ${String(error)}`);
  return [error.message, error.hint ?? '', ...error.faults.map(describeFault)].join('\n');
}

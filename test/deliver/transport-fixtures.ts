import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { BootstrapError } from '../../src/base/errors.ts';
import { openTransport } from '../../src/deliver/transport/open-transport.ts';
import { makeRunDir, removeRunDir } from '../../src/deliver/transport/run-dir.ts';
import type { RunOptions, Transport } from '../../src/deliver/transport/transport.ts';
import type { ClusterNode, SshSettings } from '../../src/spec/cluster.ts';
import { emptyDir } from '../support/cli.ts';
import { type Sshd, type SshdOptions, startSshd } from '../support/sshd.ts';

/** An sshd that ends with the test; its node's root is an empty directory unless another is given. */
export async function sshdFor(options: SshdOptions = {}): Promise<Sshd> {
  const sshd = await startSshd({ root: emptyDir(), ...options });
  onTestFinished(() => sshd.stop());
  return sshd;
}

export function runDirFor(): string {
  const dir = makeRunDir(undefined);
  onTestFinished(() => removeRunDir(dir));
  return dir;
}

const nodeAt = (sshd: Sshd, ssh: Partial<SshSettings> = {}): Pick<ClusterNode, 'name' | 'transport' | 'ssh'> => ({
  name: 'cp1',
  transport: 'ssh',
  ssh: {
    host: sshd.host,
    port: sshd.port,
    user: undefined,
    identityFile: undefined,
    configFile: sshd.configFile,
    ...ssh,
  },
});

/** A way to a node that is closed with the test. */
export function transportTo(sshd: Sshd, ssh: Partial<SshSettings> = {}, dir = runDirFor()): Transport {
  const transport = openTransport(nodeAt(sshd, ssh), dir);
  onTestFinished(() => transport.close());
  return transport;
}

/** Status, output and error output, as text. */
export async function ran(
  transport: Transport,
  argv: readonly string[],
  options: Partial<RunOptions> = {},
): Promise<readonly [number, string, string]> {
  const { status, stdout, stderr } = await transport.run(argv, { seconds: 20, ...options });
  return [status, stdout.toString('utf8'), stderr];
}

/** What the user is told: code, message, hint. */
export async function told(
  work: Promise<unknown>,
): Promise<{ readonly code: string; readonly message: string; readonly hint: string }> {
  const error = await work.then(
    () => new Error('nothing went wrong'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof BootstrapError)) throw error;
  return { code: error.code, message: error.message, hint: error.hint ?? '' };
}

/** Processes whose command line holds a text: process id and words. */
export function processesWith(text: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return words.includes(text) ? [`${pid} ${words}`] : [];
      } catch {
        return [];
      }
    });
}

/** Waits until something is so, for ten seconds at most. */
export async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200 && !isSo(); tries++) await delay(50);
}

/** A directory for PATH with these scripts in it, and the machine's own programs of these names. */
export function programs(scripts: Readonly<Record<string, string>>, own: readonly string[] = []): string {
  const dir = join(emptyDir(), 'bin');
  mkdirSync(dir);
  for (const [name, text] of Object.entries(scripts))
    writeFileSync(join(dir, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  for (const name of own) symlinkSync(`/bin/${name}`, join(dir, name));
  return dir;
}

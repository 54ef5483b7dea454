import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { KUBE_BIN, RIG, RIG_SCRIPTS, ROOT } from './places.ts';

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const SCRIPT = join(RIG_SCRIPTS, 'rig');

/** Starts the rig's script. It takes no input unless `stdin` says `pipe`. */
export function startRig(args: readonly string[], stdin: 'ignore' | 'pipe' = 'ignore', cwd = ROOT): ChildProcess {
  return spawn(SCRIPT, args, { cwd, env: { ...process.env, RIG, KUBE_BIN }, stdio: [stdin, 'pipe', 'pipe'] });
}

/** Waits for what was started to end. */
export function ended(child: ChildProcess): Promise<Ran> {
  return new Promise((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (part) => {
      stdout += part;
    });
    child.stderr?.setEncoding('utf8').on('data', (part) => {
      stderr += part;
    });
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}

export async function tryRig(...args: readonly string[]): Promise<Ran> {
  return ended(startRig(args));
}

/** @throws Error with what it said, where it fails */
export async function rig(...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await tryRig(...args);
  if (status !== 0) throw new Error(`rig ${args.join(' ')}: status ${status}\n${stdout}${stderr}`);
  return stdout;
}

/** A shell command inside a host, as root, past the network. */
export const inHost = (host: string, command: string): Promise<string> => rig('exec', host, 'sh', '-c', command);

/** A program where all hosts can be reached. */
export const admin = (...argv: readonly string[]): Promise<string> => rig('admin', ...argv);

/** `0.52 1.80 2.04`: what else this machine did just now. */
export function load(): string {
  return readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' ');
}

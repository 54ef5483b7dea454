import { posixQuoted } from '../../base/posix-quote.ts';

/** What a program on this machine gave. */
export interface Ran {
  /** Null where it was ended by a signal. */
  readonly status: number | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

export interface ProgramOptions {
  readonly input?: Buffer;
  /** Ends the program at once; what it has given until then is returned. */
  readonly signal?: AbortSignal;
  /** Hears of the error output while it comes. */
  readonly onStderr?: (chunk: Buffer) => void;
}

/** Any will do; ssh runs a ProxyCommand with it too. */
const SHELL = '/bin/sh';

/** Process groups of the programs that are running now. */
const groups = new Set<number>();

/**
 * Runs a program of this machine through zx.
 * @throws Error where it could not even be started
 */
export async function runProgram(words: readonly string[], options: ProgramOptions = {}): Promise<Ran> {
  const { input, signal, onStderr } = options;
  const { $ } = await import('zx/core');
  // zx's own results are text, without the bytes that are none
  const store = { stdout: [] as Buffer[], stderr: [] as Buffer[], stdall: [] as Buffer[] };
  // all of it said here, so that no ZX_… variable of the user's counts
  const running = $({
    store,
    ...(input && { input }),
    ...(signal && { signal }),
    stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    env: { ...process.env, SHELL: SHELL },
    shell: SHELL,
    quote: posixQuoted,
    // so that a signal reaches the program and not its shell
    prefix: 'exec ',
    postfix: '',
    cwd: process.cwd(),
    preferLocal: false,
    timeout: 0,
    nothrow: true,
    quiet: true,
    verbose: false,
    // Ctrl-C on a terminal must not reach it: whoever started it ends it in good order
    detached: true,
  })`${words}`;
  const { pid } = running;
  if (pid !== undefined) groups.add(pid);
  // a program that ends before it has read all its input says so by its status
  running.child?.stdin?.on('error', () => {});
  if (onStderr) running.child?.stderr?.on('data', onStderr);
  const ended = await running;
  if (pid !== undefined) groups.delete(pid);
  if (ended.exitCode === null && ended.signal === null && !signal?.aborted)
    throw ended.cause ?? new Error(ended.message);
  return { status: ended.exitCode, stdout: Buffer.concat(store.stdout), stderr: Buffer.concat(store.stderr) };
}

/** Ends every program that is running, without waiting for any. */
export function endProgramsNow(): void {
  for (const group of groups) {
    try {
      process.kill(-group, 'SIGTERM');
    } catch {
      // it has ended by itself
    }
  }
}

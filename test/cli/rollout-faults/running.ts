import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { BOOTSTRAP, type Ran } from '../../support/cli.ts';

export interface Running {
  /** Everything that was said until now, stdout and stderr together. */
  said(): string;
  /** Waits until it has said this many lines, or this; false where it has ended before. */
  says(what: RegExp | number): Promise<boolean>;
  signal(signal: NodeJS.Signals): void;
  /** Closes the pipes into which it speaks. */
  turnAway(): void;
  /** Ends it there and then, as a crash of the machine would. */
  kill(): Promise<void>;
  readonly ended: Promise<Ran & { readonly signal: NodeJS.Signals | null }>;
}

/** Runs `bootstrap` beside the test. */
export function running(dir: string, ...args: readonly string[]): Running {
  const child = spawn(process.execPath, [BOOTSTRAP, ...args], {
    cwd: dir,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr, said] = ['', '', ''];
  let wake: (() => void)[] = [];
  const heard = () => {
    const waiting = wake;
    wake = [];
    for (const each of waiting) each();
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    said += text;
    heard();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    said += text;
    heard();
  });
  let over = false;
  const ended = once(child, 'close').then(() => {
    over = true;
    heard();
    return { status: child.exitCode, signal: child.signalCode, stdout, stderr };
  });
  const lines = () => said.split('\n').length - 1;
  return {
    said: () => said,
    async says(what) {
      const has = () => (typeof what === 'number' ? lines() >= what : what.test(said));
      while (!has() && !over) await new Promise<void>((resolve) => wake.push(resolve));
      return has();
    },
    turnAway() {
      child.stdout.destroy();
      child.stderr.destroy();
    },
    signal: (signal) => void child.kill(signal),
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
    ended,
  };
}

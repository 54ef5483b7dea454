import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { BOOTSTRAP } from '../../support/cli.ts';

/** `bootstrap serve`, as a process of its own. */
export interface Serving {
  readonly port: number;
  readonly metricsPort: number;
  readonly process: ChildProcess;
  /** What it has said so far. */
  readonly out: () => string;
  readonly err: () => string;
  /** Its exit status, or the signal that ended it. */
  stop(signal: NodeJS.Signals): Promise<number | string | null>;
}

/** Starts it on loopback; `port` 0 = any. @throws Error with what it said, where it does not come up */
export async function startServing(dir: string, port = 0, ...args: readonly string[]): Promise<Serving> {
  const words = ['serve', '--from', dir, '--listen', `127.0.0.1:${port}`, '--metrics', '127.0.0.1:0', ...args];
  const child = spawn(process.execPath, [BOOTSTRAP, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (part) => {
    out += part;
  });
  child.stderr.setEncoding('utf8').on('data', (part) => {
    err += part;
  });
  const found = (pattern: RegExp) => Number(pattern.exec(err)?.[1] ?? Number.NaN);
  while (!/^listening on /m.test(err)) {
    if (child.exitCode !== null) throw new Error(err);
    await Promise.race([once(child.stderr, 'data'), once(child, 'close')]);
  }
  return {
    port: found(/^listening on 127\.0\.0\.1:(\d+)/m),
    metricsPort: found(/^metrics on http:\/\/127\.0\.0\.1:(\d+)/m),
    process: child,
    out: () => out,
    err: () => err,
    stop: async (signal) => {
      const ended = once(child, 'close');
      child.kill(signal);
      const [status, by] = await ended;
      return status ?? by;
    },
  };
}

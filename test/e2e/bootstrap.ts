import { appendFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CLUSTER, LOGS, ROOT } from './places.ts';
import { ended, type Ran, startRig } from './rig.ts';
import { startedBy } from './started-by.ts';

/** Milliseconds after which a run is ended: none here takes so long. */
const LIMIT = 30 * 60_000;

/** A run of `bootstrap` that is going on. */
export interface Running {
  /** Waits for a line of its stderr. @throws Error where it ends without one */
  line(pattern: RegExp): Promise<string>;
  /** Whether it has come to its end. */
  isOver(): boolean;
  /** SIGKILL, to the program and to every ssh of its own, also to those that stay for others. */
  kill(): void;
  readonly ended: Promise<Ran & { readonly seconds: number }>;
}

/** Starts `bootstrap` in the cluster directory, where all hosts can be reached; what it says is kept in the logs. */
export function startBootstrap(...args: readonly string[]): Running {
  const began = performance.now();
  const log = logFile(args);
  const child = startRig(['admin', process.execPath, join(ROOT, 'dist/bootstrap.cjs'), ...args], 'ignore', CLUSTER);
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  let rest = '';
  child.stderr?.setEncoding('utf8').on('data', (part: string) => {
    const parts = `${rest}${part}`.split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) {
      lines.push(line);
      log(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)}  ${line}`);
    }
    for (const look of waiting) look();
  });
  let isOver = false;
  const limit = setTimeout(() => child.kill('SIGTERM'), LIMIT);
  const end = ended(child).then((ran) => {
    clearTimeout(limit);
    isOver = true;
    log(`${ran.stdout}status ${ran.status}`);
    for (const look of waiting) look();
    return { ...ran, seconds: (performance.now() - began) / 1000 };
  });
  return {
    ended: end,
    isOver: () => isOver,
    kill: () => {
      const others = child.pid === undefined ? [] : startedBy(child.pid);
      child.kill('SIGKILL');
      for (const pid of others) killNow(pid);
    },
    line: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = lines.find((line) => pattern.test(line));
          if (found === undefined && !isOver) return;
          waiting.delete(look);
          if (found !== undefined) resolve(found);
          else reject(new Error(`bootstrap ended without saying ${pattern}:\n${lines.join('\n')}`));
        };
        waiting.add(look);
        look();
      }),
  };
}

export const bootstrap = (...args: readonly string[]): Running['ended'] => startBootstrap(...args).ended;

function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended already
  }
}

function logFile(args: readonly string[]): (text: string) => void {
  mkdirSync(LOGS, { recursive: true });
  const number = String(existsSync(LOGS) ? readdirSync(LOGS).length + 1 : 1).padStart(3, '0');
  const path = join(LOGS, `${number}-${args[0] ?? 'bootstrap'}.log`);
  const log = (text: string) => appendFileSync(path, `${text}\n`);
  log(`${new Date().toISOString()} bootstrap ${args.join(' ')}`);
  return log;
}

/**
 * `npm run e2e [-- SCENARIO...]`: the scenarios of this folder on the rig. Says at once all that is missing; prints what
 * was measured; leaves the rig down, however it ends.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { table } from './figures.ts';
import { CLUSTER, FIGURES, HOME, KEEP, KUBE_BIN, LOGS, lacks, RIG, RIG_SCRIPTS, ROOT } from './places.ts';

const SCRIPT = join(RIG_SCRIPTS, 'rig');
const rigEnv = { ...process.env, RIG, KUBE_BIN };
const say = (text: string) => process.stderr.write(`${text}\n`);

process.exitCode = await main();

async function main(): Promise<number> {
  // whoever has it up may be at work in it
  const isUp = !KEEP && existsSync(join(RIG, 'run/lb.dpid'));
  const missing = [...lacks(), ...(isUp ? [`the rig to itself: it is up (RIG=${RIG} ${SCRIPT} down)`] : [])];
  if (missing.length) {
    say(['npm run e2e needs', ...missing.map((line) => `  ${line}`)].join('\n'));
    return 1;
  }
  if (!KEEP) rmSync(HOME, { recursive: true, force: true });
  rmSync(LOGS, { recursive: true, force: true });
  rmSync(FIGURES, { force: true });
  mkdirSync(HOME, { recursive: true, mode: 0o700 });
  let status = await run('npm', ['run', '--silent', 'build']);
  if (status === 0) {
    const args = ['vitest', 'run', '--config', 'test/e2e/vitest.config.ts', ...process.argv.slice(2)];
    status = await run('npx', args);
  }
  const figures = table();
  if (figures) process.stdout.write(`\n${figures}\n`);
  if (!KEEP) {
    spawnSync(SCRIPT, ['down'], { env: rigEnv, stdio: 'ignore' });
    rmSync(CLUSTER, { recursive: true, force: true });
    if (status === 0) rmSync(HOME, { recursive: true, force: true });
  }
  if (status !== 0) say(`what bootstrap said, and what the hosts looked like: ${LOGS}`);
  return status;
}

/** A program with all that it starts: where this one is told to end, they end first. */
function run(command: string, args: readonly string[]): Promise<number> {
  const child = spawn(command, args, {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: rigEnv,
    detached: true,
  });
  const stop = () => endGroup(child);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, stop);
  return new Promise((resolve) => {
    child.on('close', (status) => {
      for (const signal of signals) process.off(signal, stop);
      stop();
      resolve(status ?? 1);
    });
  });
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // it has ended already
  }
}

import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Sample {
  /** Wall time in milliseconds. */
  readonly ms: number;
  /** Peak resident memory in MiB, of Node programs only. */
  readonly mib: number;
}

/** A command to be timed; `prepare` runs before each time, outside the timing. */
export interface Subject {
  readonly name: string;
  readonly command: readonly string[];
  readonly cwd?: string;
  readonly prepare?: () => void;
}

const report = join(tmpdir(), `bootstrap-bench-${process.pid}.txt`);
const reporter = `data:text/javascript,import{writeFileSync as w}from'node:fs';process.on('exit',()=>w(${JSON.stringify(report)},String(process.resourceUsage().maxRSS)))`;

/** A bundle of extra CA certificates makes Node 20 start 30 ms later; it has nothing to do with what is measured. */
const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;

/** Runs a command once. @throws where it fails: a failed run is no measurement */
export function runOnce({ name, command: [program = '', ...args], cwd, prepare }: Subject, memory = false): Sample {
  prepare?.();
  const argv = memory && program === process.execPath ? ['--import', reporter, ...args] : args;
  const start = performance.now();
  const result = spawnSync(program, argv, { cwd, env, encoding: 'utf8' });
  const ms = performance.now() - start;
  if (result.status !== 0) throw new Error(`${name}: exit ${result.status}\n${result.stderr}`);
  const mib = memory ? Number(readFileSync(report, 'utf8')) / 1024 : 0;
  rmSync(report, { force: true });
  return { ms, mib };
}

export interface Timing {
  readonly name: string;
  readonly median: number;
  readonly min: number;
}

/** Times all subjects in turns, so that what else the machine does hits them alike. */
export function timeInTurns(subjects: readonly Subject[], rounds: number): readonly Timing[] {
  const all = subjects.map((): number[] => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [i, subject] of subjects.entries()) {
      const { ms } = runOnce(subject);
      // the first round warms the page cache
      if (round > 0) all[i]?.push(ms);
    }
  }
  return subjects.map(({ name }, i) => {
    const sorted = [...(all[i] ?? [])].sort((a, b) => a - b);
    return { name, median: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN, min: sorted[0] ?? Number.NaN };
  });
}

/** `name  median  min  × the first`, and the goal where there is one. */
export function printTimings(
  title: string,
  timings: readonly Timing[],
  goals: Readonly<Record<string, number>> = {},
): void {
  const base = timings[0]?.median ?? Number.NaN;
  console.log(`\n${title}`);
  for (const { name, median, min } of timings) {
    const ratio = median / base;
    const goal = goals[name];
    const verdict = goal === undefined ? '' : `  goal ≤ ${goal}×: ${ratio <= goal ? 'met' : 'MISSED'}`;
    console.log(
      `  ${name.padEnd(46)} ${median.toFixed(0).padStart(6)} ms  min ${min.toFixed(0).padStart(6)} ms  ${ratio.toFixed(2).padStart(6)}×${verdict}`,
    );
  }
}

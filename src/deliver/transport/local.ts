import { BootstrapError } from '../../base/errors.ts';
import { readRootAnswer, rootQuestion } from './become-root.ts';
import { newMark } from './node-command.ts';
import { type Link, runOn } from './run-on.ts';
import { runProgram } from './run-program.ts';
import { lastLine } from './ssh-errors.ts';
import type { Outcome, Reach, RunOptions, Transport } from './transport.ts';

const words = (line: string): readonly string[] => ['sh', '-c', line];

/** The machine that this program runs on. */
export class LocalTransport implements Transport {
  readonly node: string;
  readonly target = 'this machine';
  #asked: Promise<{ readonly sudo: boolean }> | undefined;

  constructor(node: string) {
    this.node = node;
  }

  async run(argv: readonly string[], options: RunOptions): Promise<Outcome> {
    this.#asked ??= this.#ask();
    const link: Link = { words, ...(await this.#asked) };
    const ran = await runOn(link, argv, options);
    if (ran?.status !== undefined) return { status: ran.status, stdout: ran.stdout, stderr: ran.stderr };
    const why = ran ? lastLine(ran.stderr) || `it was ended (${ran.localStatus ?? 'by a signal'})` : 'it does not end';
    throw new BootstrapError('unreachable', `${this.node}: cannot run ${argv[0] ?? ''} on this machine: ${why}`);
  }

  async #ask(): Promise<{ readonly sudo: boolean }> {
    const mark = newMark();
    const { stdout } = await runProgram(words(rootQuestion(mark)), { signal: AbortSignal.timeout(60_000) });
    return readRootAnswer(stdout.toString('utf8'), mark, this) ?? { sudo: false };
  }

  forward(address: string, port: number): Promise<Reach> {
    return Promise.resolve({ host: address, port });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

import { type Marked, markedLine, markedPid, newMark, readMarked, shellLine } from './node-command.ts';
import { runProgram } from './run-program.ts';
import { spawnNow } from './spawn-now.ts';
import type { RunOptions } from './transport.ts';

/** A way to the node's shell. */
export interface Link {
  /** The program of this machine that has the node's shell run a line. */
  readonly words: (line: string) => readonly string[];
  /** Commands need sudo to be root's. */
  readonly sudo: boolean;
}

export interface MarkedRun extends Marked {
  /** The local program's status; 255 is what ssh says where it fails itself. */
  readonly localStatus: number | null;
}

/** What the node is given to end a command, and its output to arrive, beyond the command's own time. */
const GRACE_SECONDS = 10;

/** Commands on nodes that may have to be ended. */
const running = new Set<{ readonly link: Link; readonly pid: () => number | undefined }>();

/**
 * Runs a command as root. `timeout` ends it on the node; whether the node is still there, the clock here tells.
 * @returns undefined where nothing was heard for so long that the connection must be dead
 * @throws what `signal` was aborted with; the command on the node has been ended then, as far as it can be reached
 */
export async function runOn(link: Link, argv: readonly string[], options: RunOptions): Promise<MarkedRun | undefined> {
  const { input, seconds, signal } = options;
  const mark = newMark();
  const silent = AbortSignal.timeout((seconds + GRACE_SECONDS) * 1000);
  const interrupted = AbortSignal.any([silent, ...(signal ? [signal] : [])]);
  const local = new AbortController();
  let heard = '';
  const entry = { link, pid: () => markedPid(heard, mark) };
  const interrupt = () => {
    void (silent.aborted ? Promise.resolve() : endOnNode(link, entry.pid)).finally(() => local.abort());
  };
  interrupted.addEventListener('abort', interrupt, { once: true });
  running.add(entry);
  const began = performance.now();
  try {
    signal?.throwIfAborted();
    const ran = await runProgram(link.words(markedLine(argv, mark, seconds, link.sudo)), {
      ...(input && { input }),
      signal: local.signal,
      onStderr: (chunk) => {
        if (entry.pid() === undefined) heard += chunk.toString('utf8');
      },
    });
    signal?.throwIfAborted();
    if (silent.aborted) return undefined;
    const marked = readMarked(ran, mark);
    // `timeout -k` has killed itself along with a command that would not end
    const killed = marked.status === 137 && performance.now() - began >= seconds * 1000;
    return { ...marked, ...(killed && { status: 124 }), localStatus: ran.status };
  } finally {
    running.delete(entry);
    interrupted.removeEventListener('abort', interrupt);
  }
}

/** `timeout` passes the signal on to all that the command has started, and kills that 5 s later. */
const endLine = (pid: number, sudo: boolean): string => shellLine(['kill', '-TERM', String(pid)], sudo);

async function endOnNode(link: Link, pid: () => number | undefined): Promise<void> {
  for (let tries = 0; pid() === undefined && tries < 20; tries++) await new Promise((done) => setTimeout(done, 50));
  const known = pid();
  if (known === undefined) return;
  await runProgram(link.words(endLine(known, link.sudo)), { signal: AbortSignal.timeout(3000) }).catch(() => {});
}

/** Ends what runs on the nodes, as far as it can be reached, before this returns. */
export function endOnNodesNow(): void {
  for (const { link, pid } of running) {
    const known = pid();
    if (known !== undefined) spawnNow(link.words(endLine(known, link.sudo)), 2000);
  }
  running.clear();
}

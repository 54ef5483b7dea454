/**
 * A client as there are many: one connection kept open to the endpoint, a write every 50 ms, each retried ONCE at most.
 *
 *     node --import tsx writer.ts KUBECONFIG
 *
 * Runs until its stdin ends, then prints what it has seen as JSON (`Written`).
 */
import { askWell, type Connection, connections, noted } from './identity.ts';

export interface Written {
  readonly writes: number;
  /** Succeeded with the second attempt. */
  readonly retried: number;
  /** Did not succeed with the second attempt either. */
  readonly failed: number;
  /** Milliseconds between two writes that succeeded. */
  readonly longestGap: number;
  /** Milliseconds that one write took, with its retry. */
  readonly slowest: number;
  /** What was seen of attempts that failed. */
  readonly seen: readonly string[];
  /** Number of the last write that was acknowledged, and the one that the cluster has in the end. */
  readonly acknowledged: number;
  readonly kept: number;
}

const EVERY = 50;
/** Milliseconds for one attempt: what client-go's leader election gives a call. */
const PATIENCE = 10_000;
const MAPS = '/api/v1/namespaces/default/configmaps';
const MAP = `${MAPS}/e2e-writer`;

const endpoint = connections(process.argv[2] ?? '');
const call = (connection: Connection, method: string, path: string, body?: unknown): Promise<string> =>
  askWell(connection, { method, path, body, patience: PATIENCE });

let isOver = false;
process.stdin.resume().on('end', () => {
  isOver = true;
});

const numbers = { writes: 0, retried: 0, failed: 0, longestGap: 0, slowest: 0 };
const seen: string[] = [];
const note = (began: number, error: unknown) => {
  seen.push(`${noted(error)} (after ${Math.round(performance.now() - began)} ms)`);
};

const start = { metadata: { name: 'e2e-writer' }, data: { n: '0' } };
await call(endpoint.current(), 'POST', MAPS, start).catch((error: Error) => {
  if (!error.message.startsWith('409')) throw error;
});
process.stderr.write('writing\n');

let acknowledged = 0;
let last = performance.now();
for (let n = 1; !isOver; n += 1) {
  const began = performance.now();
  const write = (connection: Connection) => call(connection, 'PATCH', MAP, { data: { n: String(n) } });
  const isDone = await write(endpoint.current())
    .catch(async (error) => {
      note(began, error);
      await write(endpoint.renew());
      numbers.retried += 1;
    })
    .then(
      () => true,
      (error) => {
        note(began, error);
        return false;
      },
    );
  const now = performance.now();
  numbers.writes += 1;
  numbers.slowest = Math.max(numbers.slowest, now - began);
  if (isDone) {
    acknowledged = n;
    numbers.longestGap = Math.max(numbers.longestGap, now - last);
    last = now;
  } else {
    numbers.failed += 1;
    endpoint.renew();
  }
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, EVERY - (now - began))));
}
numbers.longestGap = Math.max(numbers.longestGap, performance.now() - last);
const kept = Number(JSON.parse(await call(endpoint.renew(), 'GET', MAP)).data.n);
process.stdout.write(JSON.stringify({ ...numbers, seen, acknowledged, kept } satisfies Written));
process.exit(0);

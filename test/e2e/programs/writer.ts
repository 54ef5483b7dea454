/**
 * A client as there are many: one connection kept open to the endpoint, a write every 50 ms, each retried ONCE at most.
 *
 *     node --import tsx writer.ts KUBECONFIG
 *
 * Runs until its stdin ends, then prints what it has seen as JSON (`Written`).
 */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { parse } from 'yaml';

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
const MAP = '/api/v1/namespaces/default/configmaps/e2e-writer';

const kubeconfig = parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const base = new URL(kubeconfig.clusters[0].cluster.server);
const bytes = (text: string) => Buffer.from(text, 'base64');
const identity = {
  ca: bytes(kubeconfig.clusters[0].cluster['certificate-authority-data']),
  cert: bytes(kubeconfig.users[0].user['client-certificate-data']),
  key: bytes(kubeconfig.users[0].user['client-key-data']),
};
const connection = () => new Agent({ keepAlive: true, maxSockets: 1, ...identity });
let agent = connection();

function call(method: string, path: string, body?: unknown): Promise<string> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const headers = text === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(text) };
    const asked = request(new URL(path, base), { method, agent, headers }, (answer) => {
      let got = '';
      answer.setEncoding('utf8');
      answer.on('data', (part) => {
        got += part;
      });
      answer.on('error', reject);
      answer.on('end', () => {
        if ((answer.statusCode ?? 500) < 300) resolve(got);
        else reject(new Error(`${answer.statusCode} ${got.replace(/\s+/g, ' ').slice(0, 160)}`));
      });
    });
    asked.setTimeout(PATIENCE, () => asked.destroy(new Error(`no answer within ${PATIENCE / 1000} s`)));
    asked.on('error', reject);
    asked.end(text);
  });
}

let isOver = false;
process.stdin.resume().on('end', () => {
  isOver = true;
});

const numbers = { writes: 0, retried: 0, failed: 0, longestGap: 0, slowest: 0 };
const seen: string[] = [];
const note = (began: number, error: unknown) => {
  const at = new Date().toISOString().slice(11, 23);
  seen.push(
    `${at} ${error instanceof Error ? error.message : error} (after ${Math.round(performance.now() - began)} ms)`,
  );
};

const start = { metadata: { name: 'e2e-writer' }, data: { n: '0' } };
await call('POST', '/api/v1/namespaces/default/configmaps', start).catch((error: Error) => {
  if (!error.message.startsWith('409')) throw error;
});
process.stderr.write('writing\n');

let acknowledged = 0;
let last = performance.now();
for (let n = 1; !isOver; n += 1) {
  const began = performance.now();
  const write = () => call('PATCH', MAP, { data: { n: String(n) } });
  const isDone = await write()
    .catch(async (error) => {
      note(began, error);
      agent.destroy();
      agent = connection();
      await write();
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
    agent.destroy();
    agent = connection();
  }
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, EVERY - (now - began))));
}
numbers.longestGap = Math.max(numbers.longestGap, performance.now() - last);
const kept = Number(JSON.parse(await call('GET', MAP)).data.n);
process.stdout.write(JSON.stringify({ ...numbers, seen, acknowledged, kept } satisfies Written));
process.exit(0);

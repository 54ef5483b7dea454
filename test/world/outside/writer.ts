import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { type ApiAnswer, apiClient, type Identity } from '../api-client.ts';

/** What the client has seen so far. Times in milliseconds. */
export interface Writes {
  readonly done: number;
  /** Writes that were done at the second try only, over a new connection. */
  readonly retried: number;
  /** Writes that were not done at the second try either. */
  readonly failed: number;
  /** The longest time from one write that was done to the next. */
  readonly longestGap: number;
  /** What was said of the first failures, tries that were repeated too. */
  readonly errors: readonly string[];
}

const EVERY_MS = 50;
const TIMEOUT_MS = 1500;
/** Before the second try: the load balancer has to see what this client has seen. */
const PAUSE_MS = 250;

/**
 * A client that changes a ConfigMap every 50 ms and tries once more where that fails:
 * `writer SETTINGS-FILE`; it keeps its tally in a file, and ends with stdin.
 */
const settings = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as {
  readonly host: string;
  readonly port: number;
  readonly identity: Identity;
  readonly tally: string;
};
const api = apiClient(settings.host, settings.port, settings.identity);
const errors: string[] = [];
let [done, retried, failed, longestGap, last] = [0, 0, 0, 0, Date.now()];

async function write(count: number): Promise<ApiAnswer> {
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'writer' }, data: { count: String(count) } };
  const path = '/api/v1/namespaces/default/configmaps/writer?fieldManager=writer';
  const answer = await api.request(path, {
    method: 'PATCH',
    type: 'application/apply-patch+yaml',
    body,
    timeoutMs: TIMEOUT_MS,
  });
  if (answer.status >= 300) throw new Error(`${answer.status} ${answer.text}`);
  return answer;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const isDone = (count: number): Promise<boolean> =>
  write(count).then(
    () => true,
    (error: Error) => {
      if (errors.length < 20) errors.push(`${new Date().toISOString()} ${error.message}`);
      api.reconnect();
      return false;
    },
  );

function save(): void {
  const gap = Math.max(longestGap, Date.now() - last);
  const tally: Writes = { done, retried, failed, longestGap: done ? gap : 0, errors };
  writeFileSync(`${settings.tally}.new`, JSON.stringify(tally));
  renameSync(`${settings.tally}.new`, settings.tally);
}

async function run(): Promise<void> {
  for (let count = 0; ; count++) {
    const begun = Date.now();
    const first = await isDone(count);
    if (!first) await pause(PAUSE_MS);
    if (first || (await isDone(count))) {
      if (done) longestGap = Math.max(longestGap, Date.now() - last);
      last = Date.now();
      done += 1;
      if (!first) retried += 1;
    } else failed += 1;
    save();
    await pause(Math.max(0, EVERY_MS - (Date.now() - begun)));
  }
}

process.stdin.on('end', () => process.exit());
process.stdin.resume();
void run();

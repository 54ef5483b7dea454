import { type ApiAnswer, apiClient } from '../api-client.ts';
import { textAt } from '../json.ts';
import { clientSettings, pause } from './settings.ts';

/** What the client has seen so far. Times in milliseconds. */
export interface Writes {
  readonly done: number;
  /** Writes that were done at the second try only, over a new connection. */
  readonly retried: number;
  /** Writes that were not done at the second try either. */
  readonly failed: number;
  /** Times at which the object did not hold what had been written last. */
  readonly lost: number;
  /** The `data.count` of the last write that was done. */
  readonly last: number;
  /** The longest time from one write that was done to the next. */
  readonly longestGap: number;
  /** What was said of the first failures, tries that were repeated too. */
  readonly errors: readonly string[];
}

const EVERY_MS = 50;
const TIMEOUT_MS = 1500;
/** Before the second try: the load balancer has to see what this client has seen. */
const PAUSE_MS = 250;
/** It reads back each so-manieth of its writes. */
const READ_BACK = 10;

/**
 * A client that changes a ConfigMap of its own every 50 ms and tries once more where that fails: `writer SETTINGS-FILE`. What it trusts
 * and who it is are read again when these files change; open connections it keeps.
 */
const { host, port, path, identity, errors, failed: noteFailure, save: saveTally } = clientSettings();
const api = apiClient(host, port, identity);
let [done, retried, failed, lost, last, longestGap, lastTime] = [0, 0, 0, 0, -1, 0, Date.now()];

async function write(count: number): Promise<ApiAnswer> {
  const body = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: path.split('/').at(-1) ?? '' },
    data: { count: String(count) },
  };
  const answer = await api.request(`${path}?fieldManager=writer`, {
    method: 'PATCH',
    type: 'application/apply-patch+yaml',
    body,
    timeoutMs: TIMEOUT_MS,
  });
  if (answer.status >= 300) throw new Error(`${answer.status} ${answer.text}`);
  return answer;
}

const isDone = (count: number): Promise<boolean> =>
  write(count).then(
    () => true,
    (error: Error) => {
      noteFailure(error);
      api.reconnect();
      return false;
    },
  );

async function readBack(): Promise<void> {
  const answer = await api.request(path, { timeoutMs: TIMEOUT_MS }).catch(() => undefined);
  if (answer?.status === 200 && textAt(answer.body, 'data', 'count') !== String(last)) lost += 1;
}

function save(): void {
  const gap = Math.max(longestGap, Date.now() - lastTime);
  saveTally({ done, retried, failed, lost, last, longestGap: done ? gap : 0, errors } satisfies Writes);
}

async function run(): Promise<void> {
  for (let count = 0; ; count++) {
    const begun = Date.now();
    const first = await isDone(count);
    if (!first) await pause(PAUSE_MS);
    if (first || (await isDone(count))) {
      if (done) longestGap = Math.max(longestGap, Date.now() - lastTime);
      lastTime = Date.now();
      done += 1;
      last = count;
      if (!first) retried += 1;
      if (done % READ_BACK === 0) await readBack();
    } else failed += 1;
    save();
    await pause(Math.max(0, EVERY_MS - (Date.now() - begun)));
  }
}

void run();

import { apiClient } from '../api-client.ts';
import { textAt } from '../json.ts';
import { clientSettings, pause } from './settings.ts';

/** What the client has seen so far. Times in milliseconds. */
export interface Sightings {
  readonly seen: number;
  /** Different states of the object, by its resourceVersion. */
  readonly states: number;
  /** Looks that failed; after each it has made a new connection. */
  readonly failed: number;
  /** Times at which the object was older than it had been before. */
  readonly wentBack: number;
  /** The longest time from one look that was answered to the next. */
  readonly longestGap: number;
  /** What was said of the first failures. */
  readonly errors: readonly string[];
}

const EVERY_MS = 100;
const TIMEOUT_MS = 1500;

/**
 * A client that looks at an object every 100 ms over one connection, which it keeps as long as that lasts, whatever its files
 * say meanwhile: `watcher SETTINGS-FILE`. Only for a new connection it takes what they say then.
 */
const { host, port, path, identity, errors, failed: noteFailure, save } = clientSettings();
let current = identity();
const api = apiClient(host, port, () => current, 1);
let [seen, states, failed, wentBack, version, longestGap, lastTime] = [0, 0, 0, 0, 0, 0, Date.now()];

async function look(): Promise<void> {
  const answer = await api.request(path, { timeoutMs: TIMEOUT_MS });
  // an object that is not there yet is an answer too
  if (answer.status !== 200 && answer.status !== 404) throw new Error(`${answer.status} ${answer.text}`);
  const now = Number(textAt(answer.body, 'metadata', 'resourceVersion') || version);
  if (now < version) wentBack += 1;
  if (now > version) states += 1;
  version = Math.max(version, now);
  if (seen) longestGap = Math.max(longestGap, Date.now() - lastTime);
  lastTime = Date.now();
  seen += 1;
}

async function run(): Promise<void> {
  for (;;) {
    const begun = Date.now();
    await look().catch((error: Error) => {
      failed += 1;
      noteFailure(error);
      api.reconnect();
      current = identity();
    });
    const gap = Math.max(longestGap, Date.now() - lastTime);
    save({ seen, states, failed, wentBack, longestGap: seen ? gap : 0, errors } satisfies Sightings);
    await pause(Math.max(0, EVERY_MS - (Date.now() - begun)));
  }
}

void run();

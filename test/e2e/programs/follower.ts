/**
 * Two clients that read what the writer writes, each over one connection to the endpoint: one watches, one asks every
 * 500 ms and retries ONCE at most. A watch that ends is taken up again where it was.
 *
 *     node --import tsx follower.ts KUBECONFIG
 *
 * Runs until its stdin ends, then prints what it has seen as JSON (`Followed`).
 */
import { request } from 'node:https';
import { askWell, type Connection, connections, noted } from './identity.ts';

export interface Followed {
  /** Changes that the watch told of. */
  readonly events: number;
  /** Numbers that it never told of, although it told of later ones. */
  readonly skipped: number;
  /** The last number that it told of. */
  readonly last: number;
  /** How each of its ends looked. */
  readonly ends: readonly string[];
  readonly polls: number;
  readonly retried: number;
  readonly failed: number;
  /** What was seen of polls that failed. */
  readonly seen: readonly string[];
}

const EVERY = 500;
const PATIENCE = 10_000;
/** Milliseconds without a word after which a watch counts as dead: there is a write every 50 ms. */
const SILENCE = 20_000;
const MAPS = '/api/v1/namespaces/default/configmaps';

const kubeconfig = process.argv[2] ?? '';
const get = (connection: Connection): Promise<string> =>
  askWell(connection, { method: 'GET', path: `${MAPS}/e2e-writer`, patience: PATIENCE });
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

let isOver = false;
process.stdin.resume().on('end', () => {
  isOver = true;
});

const watched = { events: 0, skipped: 0, last: 0, ends: [] as string[] };
const polled = { polls: 0, retried: 0, failed: 0, seen: [] as string[] };

/** Where to take the watch up. */
let version = '';

function told({ type, object }: { type: string; object: Changed }): void {
  if (type === 'ERROR') {
    // what the server does not remember any more is listed anew
    version = '';
    throw new Error(`${object.code} ${object.message}`);
  }
  version = object.metadata.resourceVersion;
  if (type === 'BOOKMARK') return;
  const n = Number(object.data.n);
  watched.events += 1;
  watched.skipped += Math.max(0, n - watched.last - 1);
  watched.last = n;
}

interface Changed {
  readonly metadata: { readonly resourceVersion: string };
  readonly data: { readonly n: string };
  readonly code?: number;
  readonly message?: string;
}

/** Until it ends, which it always tells by an error. */
function watch({ base, agent }: Connection): Promise<never> {
  const query = new URLSearchParams({
    watch: '1',
    fieldSelector: 'metadata.name=e2e-writer',
    allowWatchBookmarks: 'true',
    // longer than any test
    timeoutSeconds: '14400',
    resourceVersion: version,
  });
  return new Promise((_resolve, reject) => {
    const asked = request(new URL(`${MAPS}?${query}`, base), { agent }, (answer) => {
      if (answer.statusCode !== 200) asked.destroy(new Error(`status ${answer.statusCode}`));
      let rest = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        const lines = `${rest}${part}`.split('\n');
        rest = lines.pop() ?? '';
        try {
          for (const line of lines) told(JSON.parse(line));
        } catch (error) {
          asked.destroy(error as Error);
        }
      });
      answer.on('error', reject);
      answer.on('end', () => reject(new Error('the server has ended it')));
    });
    asked.setTimeout(SILENCE, () => asked.destroy(new Error(`no word within ${SILENCE / 1000} s`)));
    asked.on('error', reject);
    asked.end();
  });
}

async function keepWatching(): Promise<void> {
  const way = connections(kubeconfig);
  while (!isOver) {
    try {
      const connection = way.renew();
      if (!version) {
        const found: Changed = JSON.parse(await get(connection));
        version = found.metadata.resourceVersion;
        watched.last = Number(found.data.n);
      }
      await watch(way.renew());
    } catch (error) {
      if (!isOver) watched.ends.push(noted(error));
      await pause(200);
    }
  }
}

async function keepAsking(): Promise<void> {
  const way = connections(kubeconfig);
  while (!isOver) {
    polled.polls += 1;
    await get(way.current())
      .catch(async (error) => {
        polled.seen.push(noted(error));
        await get(way.renew());
        polled.retried += 1;
      })
      .catch((error) => {
        polled.seen.push(noted(error));
        polled.failed += 1;
        way.renew();
      });
    await pause(EVERY);
  }
}

void keepWatching();
process.stderr.write('following\n');
await keepAsking();
process.stdout.write(JSON.stringify({ ...watched, ...polled } satisfies Followed));
process.exit(0);

import { Agent, type RequestOptions, request } from 'node:https';
import { podsPath } from '../../../src/deliver/serve/answer.ts';
import { tokenOf } from './fixtures.ts';

/** What a crowd of kubelets has seen. */
interface Seen {
  /** Answers by status; `broken` where there was none. */
  readonly counts: Map<string, number>;
  /** What no kubelet may ever see. */
  readonly wrong: string[];
  /** Node → the generation that it was given last. */
  readonly generations: Map<string, number>;
}

export interface Poller {
  readonly seen: Seen;
  /** Each node asks once, so many at the same time. */
  round(): Promise<void>;
  close(): void;
}

/** So many kubelets, each with a connection of its own that it keeps, as Go's client does. */
export function crowd(nodes: readonly string[], port: number, ca: string, podsEach: number, atOnce = 64): Poller {
  const seen: Seen = { counts: new Map(), wrong: [], generations: new Map() };
  const agents = new Map(nodes.map((node) => [node, new Agent({ keepAlive: true, maxSockets: 1, ca })]));
  const poll = async (node: string): Promise<void> => {
    const said = await ask({
      port,
      path: podsPath(node),
      agent: agents.get(node),
      headers: { authorization: `Bearer ${tokenOf(node)}` },
    });
    const key = said ? String(said.status) : 'broken';
    seen.counts.set(key, (seen.counts.get(key) ?? 0) + 1);
    if (said?.status !== 200) return;
    const problem = problemOf(node, said.body, podsEach);
    if (typeof problem === 'string') seen.wrong.push(`${node}: ${problem}: ${said.body.slice(0, 200)}`);
    else seen.generations.set(node, problem);
  };
  return {
    seen,
    async round() {
      const waiting = [...nodes];
      const work = async () => {
        for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) await poll(node);
      };
      await Promise.all(Array.from({ length: atOnce }, work));
    },
    close: () => {
      for (const agent of agents.values()) agent.destroy();
    },
  };
}

/** The generation of a list that is whole and this node's; else what is wrong with it. */
function problemOf(node: string, body: string, podsEach: number): string | number {
  let list: { kind?: string; items?: { metadata: { name: string; annotations: { generation: string } } }[] };
  try {
    list = JSON.parse(body);
  } catch {
    return 'no JSON';
  }
  const items = list.items ?? [];
  if (list.kind !== 'PodList' || items.length !== podsEach) return `${items.length} pods`;
  if (!items.every(({ metadata }) => metadata.name.startsWith(`${node}-`))) return "another node's";
  const generations = new Set(items.map(({ metadata }) => metadata.annotations.generation));
  return generations.size === 1 ? Number([...generations][0]) : 'parts of two';
}

/** Undefined where no whole answer came. */
export function ask(
  options: RequestOptions,
): Promise<{ readonly status: number; readonly body: string; readonly certificate: string } | undefined> {
  return new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', timeout: 10_000, ...options }, (response) => {
      const certificate = 'getPeerCertificate' in response.socket ? fingerprintOf(response.socket) : '';
      let body = '';
      response.setEncoding('utf8').on('data', (part) => {
        body += part;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body, certificate }));
      response.on('error', () => resolve(undefined));
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(undefined));
    asked.end();
  });
}

function fingerprintOf(socket: object): string {
  return (socket as import('node:tls').TLSSocket).getPeerCertificate().fingerprint256 ?? '';
}

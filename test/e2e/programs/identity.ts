import { readFileSync, statSync } from 'node:fs';
import { Agent, type AgentOptions, request } from 'node:https';
import { parse } from 'yaml';

/** What an HTTPS client needs of a kubeconfig. */
interface Identity {
  readonly base: URL;
  readonly tls: Pick<AgentOptions, 'ca' | 'cert' | 'key'>;
}

/** The connection of one client, which asks one thing at a time. */
export interface Connection {
  readonly base: URL;
  readonly agent: Agent;
}

/**
 * Opens one connection at a time with what a kubeconfig says, and another one once the file has changed: long-running
 * clients take up new credentials and a new CA in this way (client-go looks at such files every five minutes).
 */
export function connections(kubeconfig: string): {
  current(): Connection;
  renew(): Connection;
  /** One that shows no client certificate, to be closed by the caller. */
  anonymous(): { readonly agent: Agent; close(): void };
} {
  let read = '';
  let identity = identityIn(kubeconfig);
  let open: Connection | undefined;
  const renew = (): Connection => {
    open?.agent.destroy();
    const stamp = stampOf(kubeconfig);
    if (stamp !== read) identity = identityIn(kubeconfig);
    read = stamp;
    open = { base: identity.base, agent: new Agent({ keepAlive: true, maxSockets: 1, ...identity.tls }) };
    return open;
  };
  return {
    renew,
    current: () => (open && stampOf(kubeconfig) === read ? open : renew()),
    anonymous: () => {
      const agent = new Agent({ keepAlive: true, ca: identity.tls.ca });
      return { agent, close: () => agent.destroy() };
    },
  };
}

function stampOf(file: string): string {
  const { ino, mtimeMs } = statSync(file);
  return `${ino} ${mtimeMs}`;
}

function identityIn(file: string): Identity {
  const kubeconfig = parse(readFileSync(file, 'utf8'));
  const [{ cluster }] = kubeconfig.clusters;
  const [{ user }] = kubeconfig.users;
  const bytes = (text: string) => Buffer.from(text, 'base64');
  return {
    base: new URL(cluster.server),
    tls: {
      ca: bytes(cluster['certificate-authority-data']),
      cert: bytes(user['client-certificate-data']),
      key: bytes(user['client-key-data']),
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

interface Question {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds. */
  readonly patience: number;
}

/** @throws Error where there is no answer */
export function ask({ base, agent }: Connection, { method, path, body, headers, patience }: Question): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const sent = {
      ...(text !== undefined && { 'content-type': type, 'content-length': `${Buffer.byteLength(text)}` }),
    };
    const asked = request(new URL(path, base), { method, agent, headers: { ...sent, ...headers } }, (answer) => {
      let got = '';
      answer.setEncoding('utf8');
      answer.on('data', (part) => {
        got += part;
      });
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode ?? 500, text: got }));
    });
    asked.setTimeout(patience, () => asked.destroy(new Error(`no answer within ${patience / 1000} s`)));
    asked.on('error', reject);
    asked.end(text);
  });
}

/** @throws Error where there is no answer, or a bad one */
export async function askWell(connection: Connection, question: Question): Promise<string> {
  const { status, text } = await ask(connection, question);
  if (status < 300) return text;
  throw new Error(`${status} ${text.replace(/\s+/g, ' ').slice(0, 160)}`);
}

/** `12:03:04.567 what was said`. */
export function noted(error: unknown): string {
  return `${new Date().toISOString().slice(11, 23)} ${error instanceof Error ? error.message : error}`;
}

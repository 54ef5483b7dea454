/**
 * Shows service-account tokens to every apiserver, every 500 ms: one that was given out before, and one that has just
 * been signed by whichever apiserver the endpoint leads to.
 *
 *     node --import tsx bearer.ts KUBECONFIG TOKEN-FILE NODE=ADDRESS...
 *
 * Runs until its stdin ends, then prints what it has seen as JSON (`Borne`).
 */
import { readFileSync } from 'node:fs';
import { ask, connections } from './identity.ts';

type State = 'accepted' | 'refused' | 'silent';

export interface Borne {
  readonly rounds: number;
  readonly minted: number;
  /** Fresh tokens that were accepted somewhere. */
  readonly accepted: number;
  /** Fresh tokens that an apiserver refused which said that it was ready: when, and which one. */
  readonly freshRefused: readonly string[];
  /** How each apiserver took the old token, whenever that changed; milliseconds since 1970. */
  readonly old: Readonly<Record<string, readonly { readonly at: number; readonly state: State }[]>>;
}

const EVERY = 500;
const PATIENCE = 5000;
const SELF = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
const REVIEW = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
const TOKENS = '/api/v1/namespaces/default/serviceaccounts/default/token';

const [kubeconfig = '', tokenFile = '', ...rest] = process.argv.slice(2);
const given = readFileSync(tokenFile, 'utf8').trim();
const endpoint = connections(kubeconfig);
const nodes = rest.map((text) => {
  const [name = '', address = ''] = text.split('=');
  return { name, base: new URL(`https://${address}:6443`) };
});

/** How an apiserver takes a token, over a connection of its own that shows no client certificate. */
async function taken(base: URL, token: string): Promise<State> {
  const { agent, close } = endpoint.anonymous();
  const headers = { authorization: `Bearer ${token}` };
  try {
    const question = { method: 'POST', path: SELF, body: REVIEW, headers, patience: PATIENCE };
    const { status } = await ask({ base, agent }, question);
    if (status === 201) return 'accepted';
    // one that is just starting knows nobody yet
    const ready = await ask({ base, agent }, { method: 'GET', path: '/readyz', patience: PATIENCE });
    return status === 401 && ready.status === 200 ? 'refused' : 'silent';
  } catch {
    return 'silent';
  } finally {
    close();
  }
}

async function mint(): Promise<string | undefined> {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 600 } };
  try {
    const { status, text } = await ask(endpoint.renew(), { method: 'POST', path: TOKENS, body, patience: PATIENCE });
    return status === 201 ? JSON.parse(text).status.token : undefined;
  } catch {
    return undefined;
  }
}

let isOver = false;
process.stdin.resume().on('end', () => {
  isOver = true;
});

const numbers = { rounds: 0, minted: 0, accepted: 0 };
const freshRefused: string[] = [];
const old = new Map<string, { at: number; state: State }[]>(nodes.map(({ name }) => [name, []]));
process.stderr.write('bearing\n');
while (!isOver) {
  const began = performance.now();
  const fresh = await mint();
  numbers.rounds += 1;
  if (fresh) numbers.minted += 1;
  await Promise.all(
    nodes.map(async ({ name, base }) => {
      const [ofOld, ofFresh] = await Promise.all([taken(base, given), fresh ? taken(base, fresh) : undefined]);
      const seen = old.get(name);
      if (seen?.at(-1)?.state !== ofOld) seen?.push({ at: Date.now(), state: ofOld });
      if (ofFresh === 'accepted') numbers.accepted += 1;
      if (ofFresh === 'refused') freshRefused.push(`${new Date().toISOString().slice(11, 23)} ${name}`);
    }),
  );
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, EVERY - (performance.now() - began))));
}
process.stdout.write(JSON.stringify({ ...numbers, freshRefused, old: Object.fromEntries(old) } satisfies Borne));
process.exit(0);

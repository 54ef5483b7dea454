import { BootstrapError } from '../base/errors.ts';
import { secondsText } from '../base/seconds-text.ts';
import type { Pki } from '../pki/pki.ts';
import { advertiseAddress, bindAddress, securePort } from '../render/view/common.ts';
import type { Cluster, HostPort } from '../spec/cluster.ts';
import { formatHostPort } from '../spec/endpoint.ts';
import { superAdmin } from './credentials.ts';
import type { Patience } from './objects/object-api.ts';
import { type ApiClient, openApi } from './probe/api-client.ts';
import { type Health, readyz } from './probe/health.ts';

/** Where an apiserver may be reached from here, with nothing in between. */
export interface ApiAddress extends HostPort {
  /** What its certificate must hold. */
  readonly identity: string;
  /** What messages call it: `api.example.com:6443`, `10.0.0.11:6443 (cp1)`. */
  readonly name: string;
}

/** What was last seen at an address. */
export interface SeenApi {
  readonly name: string;
  readonly seen: string;
}

/** Seconds that one look may take: an apiserver that takes longer is not well, and a packet filter says nothing at all. */
const LOOK = 5;

/** Milliseconds between two looks. */
const BETWEEN = 2000;

/**
 * Everywhere that the API of a cluster may be, each place once: the control-plane endpoint, then each master, at its
 * advertise address unless its apiserver listens on another one only.
 */
export function apiAddresses({ endpoint, nodes }: Cluster): readonly ApiAddress[] {
  const all: readonly ApiAddress[] = [
    ...(endpoint ? [{ ...endpoint, identity: endpoint.host, name: formatHostPort(endpoint) }] : []),
    ...nodes.map((node) => {
      const identity = advertiseAddress(node);
      const host = bindAddress(node.apiServer.extraArgs, null) ?? identity;
      const at = { host, port: securePort(node) };
      return { ...at, identity, name: `${formatHostPort(at)} (${node.name})` };
    }),
  ];
  const where = all.map(formatHostPort);
  return all.filter((each, i) => where.indexOf(formatHostPort(each)) === i);
}

/**
 * The API as the super-admin, through the first of its addresses at which an apiserver is ready; waits for one. Only who
 * shows a certificate of the cluster's CA for that very address is spoken to.
 * @param patient its seconds are for all of the waiting; 0 = a single look
 * @param onWaiting is told what was seen, and of the seconds left, before it is looked again
 * @throws BootstrapError `unreachable` naming each address and why; `failed` where it was interrupted
 */
export async function findApi(
  cluster: Cluster,
  pki: Pki,
  patient: Patience,
  onWaiting: (seen: readonly SeenApi[], secondsLeft: number) => void,
): Promise<ApiClient> {
  const us = superAdmin(pki);
  if (!us) throw new Error('the PKI has no super-admin');
  const open = apiAddresses(cluster).map(({ host, port, identity, name }) => ({
    name,
    api: openApi({ reach: { host, port }, identity, ...us, what: `the apiserver at ${name}` }),
  }));
  const { signal, now, pause } = patient;
  const done = new AbortController();
  const looking = signal ? AbortSignal.any([signal, done.signal]) : done.signal;
  const end = now() + patient.seconds * 1000;
  let found: ApiClient | undefined;
  try {
    for (;;) {
      const looks = open.map(({ name, api }) => ({ name, api, health: look(api, looking) }));
      const seen: SeenApi[] = [];
      // all are asked at once; the endpoint comes first, since it outlives any single master
      for (const { name, api, health } of looks) {
        const { ok, seen: what } = await health;
        if (signal?.aborted) throw new BootstrapError('failed', 'interrupted');
        if (ok) {
          found = api;
          return api;
        }
        seen.push({ name, seen: what });
      }
      const left = end - now();
      if (left <= 0) throw noneReady(cluster, seen, patient.seconds);
      onWaiting(seen, Math.ceil(left / 1000));
      await pause(Math.min(BETWEEN, left), signal);
      if (signal?.aborted) throw new BootstrapError('failed', 'interrupted');
    }
  } finally {
    done.abort();
    for (const { api } of open) if (api !== found) api.close();
  }
}

/** Never fails: nobody waits for it any more where another one was ready, or the user has had enough. */
async function look(api: ApiClient, signal: AbortSignal): Promise<Health> {
  return readyz(api, { seconds: LOOK, signal }).catch((error: unknown) => {
    if (signal.aborted) return { ok: false, failing: [], seen: 'interrupted' };
    throw error;
  });
}

function noneReady({ name }: Cluster, seen: readonly SeenApi[], seconds: number): BootstrapError {
  const lines = seen.map((each) => `  ${each.name}: ${each.seen}`);
  const waited = seconds > 0 ? ` within ${secondsText(seconds)}` : '';
  return new BootstrapError('unreachable', [`no apiserver of ${name} is ready${waited}`, ...lines].join('\n'), {
    hint: 'one of these must be reachable from here (name, load balancer, packet filter); a machine that does not come up says why on its console. Over SSH `bootstrap apply` does without',
  });
}

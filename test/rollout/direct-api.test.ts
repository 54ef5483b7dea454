import type { RequestListener } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { Pki } from '../../src/pki/pki.ts';
import { apiAddresses, findApi, type SeenApi } from '../../src/rollout/direct-api.ts';
import { type Patience, patience } from '../../src/rollout/objects/object-api.ts';
import type { Cluster } from '../../src/spec/cluster.ts';
import { clusterOf, fakePki, specOf } from '../render/fixtures.ts';
import { failureOf } from './failure-of.ts';
import { type TestAuthority, testAuthority } from './probe-pki.ts';
import { httpsServer } from './probe-servers.ts';

/** Masters of which each listens on a loopback port only, behind an endpoint on another. */
function clusterAt(endpoint: number, ...masters: readonly number[]): Cluster {
  const nodes = masters.map((port, i) => ({
    name: `cp${i + 1}`,
    addresses: [`10.0.0.${11 + i}`],
    apiServer: { bindPort: port, extraArgs: { 'bind-address': '127.0.0.1' } },
  }));
  return clusterOf(specOf(1, { controlPlaneEndpoint: `localhost:${endpoint}`, nodes }));
}

async function pkiOf(cluster: Cluster, authority: TestAuthority): Promise<Pki> {
  const fake = fakePki(cluster);
  const superAdmin = await authority.issue();
  const own = fake.authorities.get('kubernetes');
  if (!own) throw new Error('no CA');
  const authorities = new Map(fake.authorities).set('kubernetes', { ...own, bundle: authority.ca as never });
  return { ...fake, authorities, superAdmin: superAdmin as Pki['superAdmin'] };
}

interface Names {
  readonly dnsNames?: readonly string[];
  readonly addresses?: readonly string[];
}

/** @returns the port of a server that answers as an apiserver would, with a certificate for these names */
async function server(authority: TestAuthority, names: Names, answer: RequestListener): Promise<number> {
  const leaf = await authority.issue(names);
  const reach = await httpsServer({ leaf, clientCa: authority.ca }, answer);
  return 'port' in reach ? reach.port : 0;
}

const ready: RequestListener = (_, response) => void response.end('ok');
const starting: RequestListener = (_, response) =>
  void response.writeHead(500).end('[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed');
const ENDPOINT: Names = { dnsNames: ['localhost'], addresses: [] };
const FIRST: Names = { dnsNames: ['kubernetes'], addresses: ['10.0.0.11'] };

/** A clock that goes on only while one waits. */
function quick(seconds: number): Patience {
  let time = 0;
  const pause = async (ms: number) => {
    time += ms;
  };
  return { seconds, now: () => time, pause };
}

const nobody = () => {
  throw new Error('it waits');
};

describe('the addresses of an API', () => {
  const shown = (spec: object) => apiAddresses(clusterOf(spec)).map(({ name, identity }) => `${name} ${identity}`);

  it('are the endpoint and then each master, each place once', () => {
    expect(shown(specOf(3))).toEqual([
      'lb.example.com:6443 lb.example.com',
      '10.0.0.11:6443 (cp1) 10.0.0.11',
      '10.0.0.12:6443 (cp2) 10.0.0.12',
      '10.0.0.13:6443 (cp3) 10.0.0.13',
    ]);
    expect(shown(specOf(1))).toEqual(['10.0.0.11:6443 (cp1) 10.0.0.11']);
    expect(shown(specOf(1, { controlPlaneEndpoint: '10.0.0.11' }))).toEqual(['10.0.0.11:6443 10.0.0.11']);
    expect(shown(specOf(1, { controlPlaneEndpoint: '10.0.0.11:443' }))).toHaveLength(2);
  });

  it('are those at which the apiserver listens, and it shows itself with its own', () => {
    const apiServer = { bindPort: 7443, extraArgs: { 'bind-address': '10.9.9.9', 'secure-port': 8443 } };
    expect(shown(specOf(1, { apiServer }))).toEqual(['10.9.9.9:8443 (cp1) 10.0.0.11']);
    const nodes = [{ name: 'cp1', addresses: ['fd00::0011'] }];
    const networking = { podSubnet: 'fd01::/48', serviceSubnet: 'fd02::/112' };
    expect(shown(specOf(1, { nodes, networking }))).toEqual(['[fd00::11]:6443 (cp1) fd00::11']);
  });
});

describe('looking for an API', () => {
  it('takes the endpoint where that is ready, and a master where it is not', async () => {
    const authority = await testAuthority();
    const slow: RequestListener = (request, response) => void setTimeout(() => ready(request, response), 200);
    const [endpoint, master] = [await server(authority, ENDPOINT, slow), await server(authority, FIRST, ready)];
    for (const [port, name] of [
      [endpoint, `localhost:${endpoint}`],
      [1, `127.0.0.1:${master} (cp1)`],
    ] as const) {
      const cluster = clusterAt(port, master);
      const api = await findApi(cluster, await pkiOf(cluster, authority), quick(0), nobody);
      expect(api.what).toBe(`the apiserver at ${name}`);
      expect((await api.request('GET', '/readyz')).text).toBe('ok');
      api.close();
    }
  });

  it('speaks to nobody whose certificate is of another CA or for another name, and says so', async () => {
    const [authority, other] = [await testAuthority(), await testAuthority()];
    let asked = 0;
    const count: RequestListener = (_, response) => {
      asked += 1;
      response.end('ok');
    };
    const [endpoint, master] = [await server(other, ENDPOINT, count), await server(authority, ENDPOINT, count)];
    const cluster = clusterAt(endpoint, master);
    const error = await failureOf(findApi(cluster, await pkiOf(cluster, authority), quick(0), nobody));
    expect(error.code).toBe('unreachable');
    const [first, ...lines] = error.message.split('\n');
    expect(first).toBe('no apiserver of kubernetes is ready');
    expect(lines).toEqual([
      expect.stringContaining(`  localhost:${endpoint}: its certificate is of an unknown CA`),
      `  127.0.0.1:${master} (cp1): its certificate is not for 10.0.0.11 but for localhost`,
    ]);
    expect(error.hint).toContain('bootstrap apply');
    expect(asked).toBe(0);
  });

  it('waits for one to become ready, telling what was seen, and no longer than it may', async () => {
    const authority = await testAuthority();
    let looks = 0;
    const soon: RequestListener = (request, response) => {
      looks += 1;
      (looks > 2 ? ready : starting)(request, response);
    };
    const cluster = clusterAt(1, await server(authority, FIRST, soon));
    const pki = await pkiOf(cluster, authority);
    const told: (readonly [readonly SeenApi[], number])[] = [];
    (await findApi(cluster, pki, quick(900), (...what) => told.push(what))).close();
    expect(told.map(([, left]) => left)).toEqual([900, 898]);
    expect(told[0]?.[0].map(({ seen }) => seen)).toEqual(['nobody listens there', 'not ready: etcd']);

    looks = -1000;
    const error = await failureOf(findApi(cluster, pki, quick(10), () => undefined));
    expect(error.message).toMatch(/^no apiserver of kubernetes is ready within 10 s\n/);
  });

  it('ends at once where it is interrupted, whether it looks or waits', async () => {
    const authority = await testAuthority();
    const cluster = clusterAt(1, await server(authority, FIRST, () => undefined));
    const pki = await pkiOf(cluster, authority);
    const looking = new AbortController();
    setTimeout(() => looking.abort(), 100);
    expect((await failureOf(findApi(cluster, pki, patience(900, looking.signal), nobody))).message).toBe('interrupted');

    const unready = clusterAt(1, await server(authority, FIRST, starting));
    const waiting = new AbortController();
    const stop = () => void setTimeout(() => waiting.abort(), 50);
    expect((await failureOf(findApi(unready, pki, patience(900, waiting.signal), stop))).message).toBe('interrupted');
  });
});

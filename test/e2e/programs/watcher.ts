/**
 * Looks at all masters every 250 ms: etcd's members through their JSON gateway, the apiservers' /readyz.
 *
 *     node --import tsx watcher.ts CLUSTER-DIRECTORY NODE=ADDRESS...
 *
 * Runs until its stdin ends, then prints what it has seen as JSON (`Watched`).
 */
import { type Agent, request } from 'node:https';
import { trustAndPair } from './trust-and-pair.ts';

/** One master at one moment. */
interface Look {
  readonly etcd: boolean;
  readonly leads: boolean;
  readonly api: boolean;
}

export interface Watched {
  readonly looks: number;
  /** The fewest healthy members that two looks in a row agree on. */
  readonly fewestMembers: number;
  readonly fewestApis: number;
  /** The most masters that were not whole at once, likewise. */
  readonly mostBroken: number;
  /** Looks at which no member led. */
  readonly leaderless: number;
  /** Whenever something had changed: seconds since the beginning, and what is there by node. */
  readonly changes: readonly { readonly at: number; readonly nodes: Readonly<Record<string, Look>> }[];
}

const EVERY = 250;
/** Milliseconds after which a member counts as not healthy: two cores carry three masters here. */
const PATIENCE = 2000;

const [dir = '', ...rest] = process.argv.slice(2);
const nodes = rest.map((text) => {
  const [name = '', address = ''] = text.split('=');
  return { name, address, identity: trustAndPair(dir, name) };
});

function ask(url: string, agent: Agent, body?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(PATIENCE);
    const asked = request(url, { agent, method: body === undefined ? 'GET' : 'POST', signal }, (answer) => {
      let got = '';
      answer.setEncoding('utf8');
      answer.on('data', (part) => {
        got += part;
      });
      answer.on('error', reject);
      answer.on('end', () => (answer.statusCode === 200 ? resolve(got) : reject(new Error(got))));
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

async function look({ address, identity }: (typeof nodes)[number]): Promise<Look> {
  const { etcd, api } = identity();
  const [member, ready] = await Promise.all([
    ask(`https://${address}:2379/v3/maintenance/status`, etcd, '{}')
      .then((text) => {
        const { header, leader, isLearner, errors } = JSON.parse(text);
        return { ok: leader && leader !== '0' && !isLearner && !errors?.length, leads: leader === header.member_id };
      })
      .catch(() => ({ ok: false, leads: false })),
    ask(`https://${address}:6443/readyz`, api).then(
      () => true,
      () => false,
    ),
  ]);
  return { etcd: Boolean(member.ok), leads: member.leads, api: ready };
}

let isOver = false;
process.stdin.resume().on('end', () => {
  isOver = true;
});

const began = performance.now();
const changes: { at: number; nodes: Record<string, Look> }[] = [];
const found = { looks: 0, fewestMembers: nodes.length, fewestApis: nodes.length, mostBroken: 0, leaderless: 0 };
let before = { members: nodes.length, apis: nodes.length, broken: 0 };
process.stderr.write('watching\n');
while (!isOver) {
  const at = performance.now();
  const all = await Promise.all(nodes.map(async (node) => [node.name, await look(node)] as const));
  const looks = all.map(([, each]) => each);
  const count = (is: (each: Look) => boolean) => looks.filter(is).length;
  const now = {
    members: count(({ etcd }) => etcd),
    apis: count(({ api }) => api),
    broken: count((each) => !each.etcd || !each.api),
  };
  // one look may be late on a machine as busy as this; what is down is down for two
  found.looks += 1;
  found.fewestMembers = Math.min(found.fewestMembers, Math.max(now.members, before.members));
  found.fewestApis = Math.min(found.fewestApis, Math.max(now.apis, before.apis));
  found.mostBroken = Math.max(found.mostBroken, Math.min(now.broken, before.broken));
  if (!looks.some(({ leads }) => leads)) found.leaderless += 1;
  before = now;
  const state = Object.fromEntries(all);
  if (JSON.stringify(state) !== JSON.stringify(changes.at(-1)?.nodes)) {
    changes.push({ at: Math.round((at - began) / 10) / 100, nodes: state });
  }
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, EVERY - (performance.now() - at))));
}
process.stdout.write(JSON.stringify({ ...found, changes } satisfies Watched));
process.exit(0);

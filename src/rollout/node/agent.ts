import { BootstrapError } from '../../base/errors.ts';
import type { Bundle } from '../../bundle/bundle.ts';
import { revisionIndex, SCRIPT_FILE } from '../../bundle/revision-index.ts';
import { packFiles, unpackFiles } from '../../bundle/tar.ts';
import type { Outcome, Transport } from '../../deliver/transport/transport.ts';
import type { ActivateOptions, FactsRequest, NodeAgent } from '../agent.ts';
import { parseRuntimePods } from '../runtime-pods.ts';
import { parseContainerLogs, readUpTo } from './container-logs.ts';
import { failure, heldBy, notUnderstood } from './failure.ts';
import { type Holder, thisHolder } from './holder.ts';
import { parseFacts } from './parse-facts.ts';
import { readNodeScript, scriptRun } from './script.ts';

/** After so long without a sign of life the lock counts as given up: long enough for every single step on a node. */
export const LEASE_SECONDS = 180;

/** How long a verb may take on the node. */
const SECONDS = {
  facts: 60,
  read: 60,
  lock: 30,
  unlock: 30,
  keep: 30,
  stage: 150,
  activate: 150,
  commit: 60,
  revert: 150,
  kubelet: 30,
  'kubelet-identity': 30,
  'renew-kubelet': 150,
  pods: 30,
  runtime: 60,
  logs: 30,
  'container-logs': 30,
} as const;

type Verb = keyof typeof SECONDS;

/** What brings things to their end is quick, and is done also by a run that was interrupted. */
const ENDING: ReadonlySet<Verb> = new Set(['commit', 'revert', 'unlock']);

export interface AgentOptions {
  /** The package's root, which holds `templates/`. */
  readonly packageDir: string;
  /** Who takes the lock; this process where nothing is said. */
  readonly holder?: Holder;
  /** Ends what is under way, except what gives back or ends something itself. */
  readonly signal?: AbortSignal;
}

/**
 * The node's side of the rollout, over a transport: each call is one run of `templates/node/node.sh` there. The calls that
 * change something renew the lock; those that only read do not.
 */
export function openAgent(transport: Transport, options: AgentOptions): NodeAgent {
  const { packageDir, holder = thisHolder(), signal } = options;
  const { node } = transport;
  const { token } = holder;
  const script = readNodeScript(packageDir);

  const run = (verb: Verb, args: readonly string[], payload?: Buffer): Promise<Outcome> => {
    const { argv, input } = scriptRun(script, verb, args.map(oneLine), payload);
    return transport.run(argv, { input, seconds: SECONDS[verb], ...(signal && !ENDING.has(verb) && { signal }) });
  };
  /** As `run`, but only what has gone well comes back. */
  const call = async (verb: Verb, args: readonly string[], payload?: Buffer): Promise<Buffer> => {
    const outcome = await run(verb, args, payload);
    if (outcome.status !== 0) throw failure(node, verb, SECONDS[verb], outcome);
    return outcome.stdout;
  };

  return {
    node,
    async facts({ paths, etcdDataDir, manifestsDir }: FactsRequest) {
      const answer = await call('facts', [etcdDataDir, manifestsDir], pathLines(node, paths));
      try {
        return parseFacts(answer.toString('utf8'));
      } catch (error) {
        throw notUnderstood(node, 'facts', error);
      }
    },
    async read(paths) {
      const tar = await call('read', [], pathLines(node, paths));
      try {
        return new Map([...(await unpackFiles(tar))].map(([path, content]) => [`/${path}`, content]));
      } catch (error) {
        throw notUnderstood(node, 'read', error);
      }
    },
    async lock(who) {
      const args = [token, String(LEASE_SECONDS), who];
      const first = await run('lock', args);
      const held = heldBy(first);
      // a run of this machine that was killed: its user has come to go on with it
      const outcome = held && holder.isDead(held.token) ? await run('lock', [...args, held.token]) : first;
      if (outcome.status !== 0) throw failure(node, 'lock', SECONDS.lock, outcome);
    },
    async unlock() {
      await call('unlock', [token]);
    },
    async keepLock() {
      await call('keep', [token]);
    },
    async stage(bundle: Bundle, digest: string, by: string) {
      const tar = await packFiles([
        { path: 'index', content: Buffer.from(revisionIndex(bundle, script)) },
        { path: SCRIPT_FILE, content: script },
        ...bundle.files.map(({ path, content }) => ({ path: `files${path}`, content })),
      ]);
      const answer = await call('stage', [token, digest, by], tar);
      const number = /^revision\t(\d+)\n$/.exec(answer.toString('utf8'))?.[1];
      if (number === undefined) throw notUnderstood(node, 'stage', new Error('it names no revision'));
      return Number(number);
    },
    async activate(revision, { kubelet, later, confirmSeconds }: ActivateOptions) {
      const action = `${kubelet}${later ? '-later' : ''}`;
      const answer = await call('activate', [token, String(revision), String(Math.ceil(confirmSeconds)), action]);
      const lines = answer.toString('utf8').split('\n');
      const named = (word: string) =>
        lines.filter((line) => line.startsWith(`${word}\t`)).map((line) => line.slice(word.length + 1));
      return { placed: named('placed'), removed: named('removed') };
    },
    async commit(revision) {
      await call('commit', [token, String(revision)]);
    },
    async revert(why) {
      await call('revert', [token, why]);
    },
    async kubelet() {
      const answer = await call('kubelet', []);
      return answer.toString('utf8').split('\t')[1] ?? 'unknown';
    },
    async kubeletIdentity() {
      return (await call('kubelet-identity', [])).toString('utf8');
    },
    async renewKubelet() {
      await call('renew-kubelet', [token]);
    },
    async pods() {
      const lines = (await call('pods', [])).toString('utf8').split('\n');
      return lines.flatMap((line) => {
        const [word, pod = '', uid = '', , restarts] = line.split('\t');
        return word === 'pod' ? [{ pod, uid, restarts: Number(restarts) }] : [];
      });
    },
    async runtimePods() {
      const answer = await call('runtime', []);
      try {
        return parseRuntimePods(answer.toString('utf8'));
      } catch (error) {
        throw notUnderstood(node, 'runtime', error);
      }
    },
    async logs(pod, lines) {
      const called = pod === 'kubelet' ? pod : `${pod}-${node.toLowerCase()}`;
      const { stdout } = await run('logs', [called, String(lines)]);
      return readable(stdout.toString('utf8'));
    },
    async containerLogs(pod, { lines, previous = false, container, after = [] }) {
      const read = after.map(readUpTo).join('');
      const args = [`${pod}-${node.toLowerCase()}`, String(lines), previous ? 'previous' : 'current', container ?? ''];
      return parseContainerLogs((await call('container-logs', args, Buffer.from(read))).toString('utf8'));
    },
  };
}

function pathLines(node: string, paths: readonly string[]): Buffer {
  const odd = paths.find((path) => /[\t\n\0]/.test(path));
  if (odd !== undefined) throw new BootstrapError('refused', `${node}: ${JSON.stringify(odd)} cannot be read there`);
  return Buffer.from(paths.map((path) => `${path}\n`).join(''));
}

/** An argument of the script is a field of its records. */
function oneLine(text: string): string {
  return text.replace(/[\t\n\0]+/g, ' ');
}

/**
 * What a container wrote, without the container runtime's time and stream before each line; and without those lines of
 * the kubelet that hold the headers of staticPodURL in clear text (pkg/kubelet/kubelet.go).
 */
function readable(log: string): string {
  return log
    .split('\n')
    .filter((line) => !/adding pod url/i.test(line))
    .map((line) => line.replace(/^\S+ (?:stdout|stderr) [FP] /, ''))
    .join('\n')
    .trimEnd();
}

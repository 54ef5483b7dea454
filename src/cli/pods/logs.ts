import { BootstrapError, EXIT_STATUS } from '../../base/errors.ts';
import { pause } from '../../base/pause.ts';
import { closeAllNow } from '../../deliver/transport/open-transport.ts';
import { podCalled } from '../../render/static-pods/manifest-file.ts';
import type { ContainerLog, ContainerLogsOptions } from '../../rollout/agent.ts';
import type { Master } from '../../rollout/apply/master.ts';
import { bare } from '../../rollout/bare.ts';
import { printResult } from '../format.ts';
import { type Io, processIo } from '../io.ts';
import { withCrew } from '../rollout/crew.ts';
import { interruptible } from '../rollout/interruptible.ts';
import { linePrefix, logData, plainText } from './logs-text.ts';
import { type PodsLookOptions, type PodsSite, podsSite } from './look.ts';
import { podOfName } from './named.ts';

export interface PodsLogsOptions extends PodsLookOptions {
  readonly container?: string;
  /** How many lines of each container. */
  readonly tail?: string;
  /** Of the run before the last restart. */
  readonly previous?: boolean;
  readonly follow?: boolean;
}

/** Milliseconds between two looks with --follow. */
const POLL = 1000;

/** What one node's containers have written. */
export interface NodeLogs {
  readonly node: string;
  readonly logs: readonly ContainerLog[];
}

/** `pods logs NAME`: what a static pod has written, read on its nodes; no API server is asked. */
export async function logs(options: PodsLogsOptions, name: string): Promise<number> {
  const io = processIo(options);
  const isData = options.output === 'json' || options.output === 'yaml';
  if (options.follow && (isData || options.previous))
    throw new BootstrapError('usage', `--follow goes with neither ${isData ? `-o ${options.output}` : '--previous'}`);
  const lines = tailOf(options.tail);
  const site = await podsSite(options, io);
  const { space, cluster, produced, wanted, nodes } = site;
  return interruptible(io, { saying: 'stopping', abandon: closeAllNow }, async (signal) => {
    const machines = machinesOf(site, options, name);
    io.progress(`looking at ${machines.length > 8 ? `${machines.length} nodes` : machines.join(', ')}`);
    const input = { space, cluster, produced, needed: new Set<string>(), machines: new Set(machines), signal };
    return withCrew(input, async ({ masters, plainNodes, unreachable }) => {
      const reached = [...masters, ...plainNodes];
      io.progress('');
      for (const [node, error] of unreachable)
        io.err(`${io.color.yellow('warning:')} ${node} cannot be reached: ${bare(node, error)}`);
      if (!reached.length) return EXIT_STATUS.unreachable;
      const declared = [...wanted.declared.map(({ called }) => called), ...ofManifests(site)];
      const pod = podOfName(
        name,
        isIn(name, declared, nodes) ? declared : [...declared, ...(await ofRuntime(reached))],
        nodes,
      );
      const read: ContainerLogsOptions = { lines, previous: options.previous === true, container: options.container };
      const found = await readAll(reached, pod, read);
      if (isData) printResult(io, options.output, logData(pod, found), () => '');
      else print(io, found, found);
      const isFound = found.some((each) => each.logs.length);
      if (!isFound) nothingThere(io, pod, options, reached);
      if (options.follow) await follow(io, reached, pod, found, read, signal);
      return isFound || options.follow ? 0 : EXIT_STATUS.failed;
    });
  });
}

/** Where the pod may be: the chosen nodes, of which those that are to have it where that is known. */
function machinesOf({ wanted, nodes }: PodsSite, { node }: PodsLogsOptions, name: string): readonly string[] {
  if (node?.length) return nodes;
  const called = wanted.declared.map((pod) => pod.called);
  if (!isIn(name, called, nodes)) return nodes;
  const pod = podOfName(name, called, nodes);
  const on = nodes.filter((each) => wanted.declared.some((one) => one.called === pod && one.node === each));
  return on.length ? on : nodes;
}

function isIn(name: string, pods: readonly string[], nodes: readonly string[]): boolean {
  try {
    podOfName(name, pods, nodes);
    return true;
  } catch {
    return false;
  }
}

function ofManifests({ wanted, nodes }: PodsSite): readonly string[] {
  return nodes.flatMap((node) => [...(wanted.manifests.get(node)?.values() ?? [])]);
}

/** Static pods that nobody has declared. */
async function ofRuntime(reached: readonly Master[]): Promise<readonly string[]> {
  const found = await Promise.all(
    reached.map(async ({ name, agent }) => {
      const suffix = `-${name.toLowerCase()}`;
      const { pods } = await agent.runtimePods();
      return pods.flatMap((pod) =>
        pod.configSource !== 'api' && pod.name.endsWith(suffix)
          ? [podCalled(pod.namespace, pod.name.slice(0, -suffix.length))]
          : [],
      );
    }),
  );
  return found.flat();
}

function readAll(
  reached: readonly Master[],
  pod: string,
  options: ContainerLogsOptions,
  before: readonly NodeLogs[] = [],
): Promise<readonly NodeLogs[]> {
  return Promise.all(
    reached.map(async ({ name, agent }) => {
      const after = before.find(({ node }) => node === name)?.logs ?? [];
      return { node: name, logs: await agent.containerLogs(pod, { ...options, ...(before.length && { after }) }) };
    }),
  );
}

/** @param all by which it is known whether a line has to say whose it is */
function print(io: Io, some: readonly NodeLogs[], all: readonly NodeLogs[]): void {
  for (const { node, logs: found } of some) {
    for (const { container, lines } of found) {
      const prefix = linePrefix(all, node, container);
      if (lines.length) io.out(lines.map(({ text }) => `${prefix}${plainText(text)}`).join('\n'));
    }
  }
}

async function follow(
  io: Io,
  reached: readonly Master[],
  pod: string,
  first: readonly NodeLogs[],
  options: ContainerLogsOptions,
  signal: AbortSignal,
): Promise<void> {
  for (let before = first; ; ) {
    await pause(POLL, signal);
    signal.throwIfAborted();
    const found = await readAll(reached, pod, options, before);
    print(io, found, found);
    // of a container that is being started anew there is nothing for a moment
    before = found.map(({ node, logs: now }) => ({
      node,
      logs: now.length ? now : (before.find((each) => each.node === node)?.logs ?? []),
    }));
  }
}

function nothingThere(io: Io, pod: string, options: PodsLogsOptions, reached: readonly Master[]): void {
  const where = reached.length > 3 ? `${reached.length} nodes` : reached.map(({ name }) => name).join(', ');
  const what = options.previous
    ? `no earlier run of ${pod} is kept on ${where}`
    : `${pod}${options.container ? ` has no container ${options.container} that` : ''} has written nothing on ${where}`;
  io.err(`${what}; \`bootstrap pods list\` shows whether it runs`);
}

function tailOf(text = '20'): number {
  if (/^\d{1,7}$/.test(text)) return Number(text);
  throw new BootstrapError('usage', `--tail ${text}: not a number of lines`);
}

import { BootstrapError } from '../../base/errors.ts';
import type { Io } from '../io.ts';
import { askForCluster } from './ask.ts';
import { isHa, mastersMissing } from './masters-missing.ts';
import type { NewCluster, NewNode } from './new-cluster.ts';
import { thisMachine } from './this-machine.ts';

export interface DescribeOptions {
  readonly name?: string;
  readonly endpoint?: string;
  readonly node?: readonly string[];
  /** Hosts with a kubelet alone. */
  readonly host?: readonly string[];
  readonly profile?: readonly string[];
  readonly yes?: boolean;
}

export const NODE_FORM = 'for example --node cp1=10.0.0.11, for dual stack --node cp1=10.0.0.11,fd00::11';

/** Reads `--node cp1=10.0.0.11` or `cp1=10.0.0.11,fd00::11`; undefined where it is not of that form. */
export function readNodeOption(text: string): NewNode | undefined {
  const [, name, addresses] = /^([^=\s]+)=([^=\s]+)$/.exec(text) ?? [];
  if (name === undefined || addresses === undefined) return undefined;
  return { name, addresses: addresses.split(',').filter(Boolean) };
}

/** The same where the form is known to be right. @throws BootstrapError `usage` where it is not */
export function parseNodeOption(text: string): NewNode {
  const read = readNodeOption(text);
  if (read) return read;
  throw new BootstrapError('usage', `--node ${text}: must be of the form name=address`, { hint: NODE_FORM });
}

/** What `--host` describes. @throws BootstrapError `usage` where one is not of the form */
export function hostsOf({ host = [] }: DescribeOptions): readonly NewNode[] {
  return host.map((text) => ({ ...parseNodeOption(text), role: 'node' as const }));
}

/**
 * What the new cluster is to be, from options, from questions on a terminal, or from this machine.
 * @throws BootstrapError `usage` that names all that is missing, with a command that would work
 */
export async function describeCluster(options: DescribeOptions, io: Io): Promise<NewCluster> {
  const hosts = hostsOf(options);
  const nodes = (options.node ?? []).map(parseNodeOption);
  const given = options.profile ?? [];
  const profiles = given.length || !nodes.length ? given : [nodes.length === 1 ? 'single' : 'ha'];
  const known: NewCluster = {
    profiles,
    nodes,
    ...(options.name !== undefined && { name: options.name }),
    ...(options.endpoint !== undefined && { endpoint: options.endpoint }),
  };
  if (hosts.length && !nodes.length && !profiles.length) return { ...known, nodes: hosts };
  if (profiles.includes('single') && !nodes.length) {
    const machine = await thisMachine();
    if (machine) return { ...known, nodes: [machine, ...hosts] };
  }
  const missing = missingOptions(known);
  const canAsk = io.interactive && !options.yes;
  const withHosts = (cluster: NewCluster): NewCluster => ({ ...cluster, nodes: [...cluster.nodes, ...hosts] });
  if (canAsk && (missing.length || mastersMissing(known))) return withHosts(await askForCluster(known));
  if (!missing.length) return withHosts(known);
  throw new BootstrapError(
    'usage',
    `there is no cluster file yet, and to write one ${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} missing`,
    {
      hint: `this would work:\n\n${exampleCommand(known)}${options.yes ? '' : '\n\n  On a terminal, `bootstrap init` asks for them.'}`,
    },
  );
}

function missingOptions(cluster: NewCluster): readonly string[] {
  const { nodes, endpoint, profiles } = cluster;
  const several = nodes.length > 1 || isHa(cluster);
  return [
    ...(nodes.length ? [] : ['--node']),
    ...(several && endpoint === undefined ? ['--endpoint'] : []),
    ...(!nodes.length && !profiles.length ? ['--profile'] : []),
  ];
}

/** The command as it was, completed with what was missing. */
function exampleCommand({ name, profiles, nodes, endpoint }: NewCluster): string {
  const single = profiles.includes('single');
  const fallback: readonly NewNode[] = [1, 2, 3]
    .slice(0, single ? 1 : 3)
    .map((i) => ({ name: `cp${i}`, addresses: [`10.0.0.1${i}`] }));
  const list = nodes.length ? nodes : fallback;
  return [
    `  bootstrap init --profile ${profiles.join(',') || 'ha'}${name === undefined ? '' : ` --name ${name}`}`,
    ...(single && endpoint === undefined ? [] : [`    --endpoint ${endpoint ?? 'api.example.com:6443'}`]),
    `    ${list.map((node) => `--node ${node.name}=${node.addresses.join(',')}`).join(' ')}`,
  ].join(' \\\n');
}

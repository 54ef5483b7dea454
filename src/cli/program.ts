import { Command, Option } from 'commander';
import type { CommonOptions } from './options.ts';
import { packageVersion } from './workspace.ts';

/** What a command's module exports: it does the work and gives the exit status. */
export type Run<O> = (options: O, ...args: readonly string[]) => Promise<number> | number;

const collect = (value: string, all: readonly string[] = []): readonly string[] => [...all, value];
const collectList = (value: string, all: readonly string[] = []): readonly string[] => [
  ...all,
  ...value.split(',').filter(Boolean),
];

/** What commander calls for a command: loads it, runs it with its own and the program's options, hands its exit status on. */
type Action = <O extends CommonOptions>(load: () => Promise<Run<O>>) => (...input: readonly unknown[]) => Promise<void>;

const actionFor =
  (ended: (status: number) => void): Action =>
  (load) =>
  async (...input) => {
    const command = input.at(-1) as Command;
    const run = await load();
    ended(await run(command.optsWithGlobals(), ...command.args));
  };

const examples = (lines: readonly string[]): string => `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`;

function common(command: Command, { output = false }: { readonly output?: boolean } = {}): Command {
  command
    .option('-d, --dir <dir>', 'the cluster directory', '.')
    .option('-f, --file <file>', 'the cluster file (default: cluster.yaml in the cluster directory)')
    .option(
      '-p, --profile <name>',
      'use these profiles instead of those of the cluster file (repeatable, or a,b)',
      collectList,
    )
    .option('--set <path=value>', 'set a field of the cluster file for this run (repeatable)', collect);
  if (output) command.addOption(outputOption());
  return command;
}

const outputOption = () =>
  new Option('-o, --output <format>', 'how to print the result').choices(['text', 'json', 'yaml']).default('text');

/**
 * The whole command line; nothing is loaded for a command before it runs.
 * @param ended gets the exit status of the command that ran
 */
export function program(ended: (status: number) => void): Command {
  const action = actionFor(ended);
  const root = new Command('bootstrap')
    .description(
      'Kubernetes control planes as static pods: manifests, certificates, kubelet\nfiles for every master, from one cluster file.',
    )
    .version(packageVersion(), '-V, --version', 'print the version')
    .option('-q, --quiet', 'print results, warnings and errors only')
    .option('-v, --verbose', 'say more, and show where an internal error came from')
    .option('--no-color', 'no colours')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .showHelpAfterError('(bootstrap --help says what there is)')
    .configureHelp({ showGlobalOptions: true })
    .enablePositionalOptions()
    .exitOverride()
    .addHelpText(
      'after',
      examples([
        'bootstrap init --profile ha',
        'bootstrap render --dir prod',
        'bootstrap explain spec.networking.serviceSubnet',
      ]),
    );

  addInit(root, action);
  common(root.command('render').description('make nodes/ and the kubeconfigs again from cluster.yaml and pki/'), {
    output: true,
  })
    .option('-n, --node <name>', 'only this node (repeatable)', collect)
    .option(
      '--renew-before <time>',
      'issue certificates again that end sooner than this (default: 30d, or a third of their life)',
    )
    .option('--dry-run', 'show what would change, write nothing')
    .action(action(async () => (await import('./commands/render.ts')).render))
    .addHelpText(
      'after',
      examples([
        'bootstrap render',
        'bootstrap render --dry-run',
        'bootstrap render --set spec.apiServer.extraArgs.v=4 --node cp1',
      ]),
    );

  const profiles = root.command('profiles').description('the kinds of cluster there are').helpCommand(false);
  common(profiles.command('list').description('list the profiles'), { output: true })
    .action(action(async () => (await import('./commands/profiles.ts')).listProfiles))
    .addHelpText('after', examples(['bootstrap profiles list', 'bootstrap profiles list -o json']));
  common(profiles.command('show').description('print a profile').argument('<name>', 'its name'), { output: true })
    .action(action(async () => (await import('./commands/profiles.ts')).showProfile))
    .addHelpText(
      'after',
      examples(['bootstrap profiles show ha', 'bootstrap profiles show small > profiles/tiny.yaml']),
    );

  const config = root.command('config').description('check and show the cluster file').helpCommand(false);
  common(config.command('validate').description('check the cluster file and every flag in it; write nothing'), {
    output: true,
  })
    .action(action(async () => (await import('./commands/config.ts')).validate))
    .addHelpText('after', examples(['bootstrap config validate', 'bootstrap config validate -f staging.yaml -o json']));
  common(config.command('show').description('print the cluster file after profiles and defaults'), { output: true })
    .action(action(async () => (await import('./commands/config.ts')).show))
    .addHelpText('after', examples(['bootstrap config show', 'bootstrap config show --profile ha,small -o json']));
  config
    .command('schema')
    .description('print the JSON Schema of the cluster file, for editors')
    .action(action(async () => (await import('./commands/config.ts')).schema))
    .addHelpText('after', examples(['bootstrap config schema > cluster.schema.json']));

  common(
    root
      .command('explain')
      .description('say where a field or a flag has its value from')
      .argument('<what...>', 'a field (spec.…), or a node, a component and a flag'),
    { output: true },
  )
    .allowUnknownOption()
    .passThroughOptions()
    .action(action(async () => (await import('./commands/explain.ts')).explain))
    .addHelpText(
      'after',
      examples([
        'bootstrap explain spec.apiServer.extraArgs.audit-log-maxage',
        'bootstrap explain cp1 kube-apiserver --etcd-servers',
      ]),
    );

  root
    .command('completion')
    .description('print a completion script for a shell')
    .argument('<shell>', 'bash, zsh or fish')
    .action(action(async () => (await import('./commands/completion.ts')).completion))
    .addHelpText(
      'after',
      examples([
        'bootstrap completion bash > /etc/bash_completion.d/bootstrap',
        'bootstrap completion zsh > "${fpath[1]}/_bootstrap"',
        'bootstrap completion fish > ~/.config/fish/completions/bootstrap.fish',
      ]),
    );
  return root;
}

function addInit(root: Command, action: Action): void {
  common(
    root
      .command('init')
      .description('make a cluster: cluster.yaml where there is none, PKI, and every file of every node'),
    { output: true },
  )
    .option('--name <name>', 'name of the cluster')
    .option('--endpoint <host[:port]>', 'where clients reach the API: your load balancer')
    .option(
      '-n, --node <name=address>',
      'a master: cp1=10.0.0.11, for dual stack cp1=10.0.0.11,fd00::11 (repeatable)',
      collect,
    )
    .option('--from-kubeadm <file>', 'take the cluster from a kubeadm configuration (v1beta3, v1beta4)')
    .option('--pki <dir>', 'take over the CAs and the service-account key in this directory')
    .option(
      '--renew-before <time>',
      'issue certificates again that end sooner than this (default: 30d, or a third of their life)',
    )
    .option('--dry-run', 'say what would be made, write nothing')
    .option('-y, --yes', 'ask nothing')
    .action(action(async () => (await import('./commands/init.ts')).init))
    .addHelpText(
      'after',
      examples([
        'bootstrap init --profile ha',
        'bootstrap init --profile ha --endpoint api.example.com \\\n      --node cp1=10.0.0.11 --node cp2=10.0.0.12 --node cp3=10.0.0.13',
        'bootstrap init --profile single',
        'bootstrap init --from-kubeadm kubeadm.yaml --pki /etc/kubernetes/pki',
      ]),
    );
}

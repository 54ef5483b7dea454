import { Command } from 'commander';
import { BootstrapError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import { certs } from './certs/commands.ts';
import { type Action, collect, common, examples, TIMES } from './command-parts.ts';
import { pods } from './pods/command.ts';
import { serve } from './serve/command.ts';
import { userData } from './user-data/command.ts';
import { packageVersion } from './workspace.ts';

const actionFor =
  (ended: (status: number) => void): Action =>
  (load) =>
  async (...input) => {
    const command = input.at(-1) as Command;
    const run = await load();
    ended(await run(command.optsWithGlobals(), ...command.args));
  };

const RENEW = [
  '--renew-before <time>',
  'issue certificates again that end sooner than this (default: 30d, or a third of their life)',
] as const;

function init(root: Command, action: Action): void {
  common(
    root
      .command('init')
      .description('make a cluster: cluster.yaml where there is none, PKI, and every file of every node'),
  )
    .option('--name <name>', 'name of the cluster')
    .option('--endpoint <host[:port]>', 'where clients reach the API: your load balancer')
    .option(
      '-n, --node <name=address>',
      'a master: cp1=10.0.0.11, for dual stack cp1=10.0.0.11,fd00::11 (repeatable)',
      collect,
    )
    .option('--host <name=address>', 'a host with a kubelet and no control plane: role node (repeatable)', collect)
    .option('--from-kubeadm <file>', 'take the cluster from a kubeadm configuration (v1beta3, v1beta4)')
    .option('--pki <dir>', 'take over the CAs and the service-account key in this directory')
    .option(...RENEW)
    .option('--dry-run', 'say what would be made, write nothing')
    .option('--apply', 'bring it to the nodes as well, as `bootstrap apply` does')
    .option('-y, --yes', 'ask nothing')
    .action(action(async () => (await import('./commands/init.ts')).init))
    .addHelpText(
      'after',
      examples(
        'bootstrap init --profile ha',
        'bootstrap init --profile ha --endpoint api.example.com \\\n      --node cp1=10.0.0.11 --node cp2=10.0.0.12 --node cp3=10.0.0.13',
        'bootstrap init --profile single',
        'bootstrap init --profile ha --apply',
        'bootstrap init --from-kubeadm kubeadm.yaml --pki /etc/kubernetes/pki',
      ),
    );
}

function render(root: Command, action: Action): void {
  common(root.command('render').description('make nodes/ and the kubeconfigs again from cluster.yaml and pki/'))
    .option('-n, --node <name>', 'only this node (repeatable)', collect)
    .option(...RENEW)
    .option('--dry-run', 'show what would change, write nothing')
    .action(action(async () => (await import('./commands/render.ts')).render))
    .addHelpText(
      'after',
      examples(
        'bootstrap render',
        'bootstrap render --dry-run',
        'bootstrap render --node cp1 --set spec.apiServer.extraArgs.v=4',
      ),
    );
}

function plan(root: Command, action: Action): void {
  common(
    root
      .command('plan')
      .description('show what apply would change on the nodes, what restarts, in which order; status 2 if anything'),
  )
    .option('-n, --node <name>', 'only this node (repeatable)', collect)
    .option('--out <file>', 'keep the plan, for `bootstrap apply <file>`')
    .action(action(async () => (await import('./commands/plan.ts')).plan))
    .addHelpText(
      'after',
      examples('bootstrap plan', 'bootstrap plan --node cp1 --verbose', 'bootstrap plan --out plan.json'),
    );
}

function apply(root: Command, action: Action): void {
  const command = common(
    root
      .command('apply')
      .description('bring the nodes to what cluster.yaml says: one at a time, each proven, or taken back')
      .argument('[plan]', 'a plan that was kept; refused where anything has moved since'),
  )
    .option('-n, --node <name>', 'only this node (repeatable)', collect)
    .option('--objects', 'bring only the API objects, over the network and not SSH; waits for the API (default: 15m)')
    .option('--dry-run', 'the same as plan')
    .option('-y, --yes', 'ask nothing');
  for (const [flag, text] of TIMES) command.option(flag, text);
  command
    .action(action(async () => (await import('./commands/apply.ts')).apply))
    .addHelpText(
      'after',
      examples(
        'bootstrap apply',
        'bootstrap apply plan.json',
        'bootstrap apply --yes --timeout 10m',
        'bootstrap apply --objects',
      ),
    );
}

function rollback(root: Command, action: Action): void {
  const command = common(
    root.command('rollback').description('put nodes back to an earlier revision, with the same care as apply'),
  )
    .option('-n, --node <name>', 'only this node (repeatable)', collect)
    .option('--to <revision>', 'its number; default: the one before the current one')
    .option('--dry-run', 'show what would change, do nothing')
    .option('-y, --yes', 'ask nothing');
  for (const [flag, text] of TIMES) command.option(flag, text);
  command
    .action(action(async () => (await import('./commands/rollback.ts')).rollback))
    .addHelpText('after', examples('bootstrap rollback', 'bootstrap rollback --node cp2 --to 3'));
}

function status(root: Command, action: Action): void {
  common(
    root
      .command('status')
      .description(
        'look at the nodes: components, etcd, certificates, revisions, drift; status 2 if anything is wrong',
      ),
  )
    .option('-n, --node <name>', 'only this node (repeatable)', collect)
    .action(action(async () => (await import('./commands/status.ts')).status))
    .addHelpText('after', examples('bootstrap status', 'bootstrap status --verbose', 'bootstrap status -o json'));
}

function token(root: Command, action: Action): void {
  const group = root.command('token').description('bootstrap tokens, with which workers join').helpCommand(false);
  common(group.command('create').description('make a token and print the kubeadm join command for a worker'))
    .option('--ttl <time>', 'how long it is good for; 0 = for ever', '24h')
    .option('--description <text>', 'what it is for')
    .action(action(async () => (await import('./commands/token-commands.ts')).create))
    .addHelpText('after', examples('bootstrap token create', 'ssh root@w1 $(bootstrap token create --ttl 10m)'));
  common(group.command('list').description('list the tokens, without their secrets'))
    .action(action(async () => (await import('./commands/token-commands.ts')).list))
    .addHelpText('after', examples('bootstrap token list'));
  common(group.command('delete').description('delete a token').argument('<token>', 'the token or its id'))
    .action(action(async () => (await import('./commands/token-commands.ts')).remove))
    .addHelpText('after', examples('bootstrap token delete abcdef'));
  group.addHelpText('after', examples('bootstrap token create'));
}

function profiles(root: Command, action: Action): void {
  const group = root.command('profiles').description('the kinds of cluster there are').helpCommand(false);
  common(group.command('list').description('list the profiles'))
    .action(action(async () => (await import('./commands/profiles.ts')).listProfiles))
    .addHelpText('after', examples('bootstrap profiles list', 'bootstrap profiles list -o json'));
  common(group.command('show').description('print a profile').argument('<name>', 'its name'))
    .action(action(async () => (await import('./commands/profiles.ts')).showProfile))
    .addHelpText('after', examples('bootstrap profiles show ha', 'bootstrap profiles show small > profiles/tiny.yaml'));
  group.addHelpText('after', examples('bootstrap profiles list', 'bootstrap profiles show ha'));
}

function config(root: Command, action: Action): void {
  const group = root.command('config').description('check and show the cluster file').helpCommand(false);
  common(group.command('validate').description('check the cluster file and every flag in it; write nothing'))
    .action(action(async () => (await import('./commands/config.ts')).validate))
    .addHelpText('after', examples('bootstrap config validate', 'bootstrap config validate -f staging.yaml -o json'));
  common(group.command('show').description('print the cluster file after profiles and defaults'))
    .action(action(async () => (await import('./commands/config.ts')).show))
    .addHelpText('after', examples('bootstrap config show', 'bootstrap config show --profile ha,small -o json'));
  group
    .command('schema')
    .description('print the JSON Schema of the cluster file, for editors')
    .action(action(async () => (await import('./commands/config.ts')).schema))
    .addHelpText('after', examples('bootstrap config schema > cluster.schema.json'));
  group.addHelpText('after', examples('bootstrap config validate', 'bootstrap config show'));
}

function explain(root: Command, action: Action): void {
  const what = 'a field (spec.…), or a node, a component and a flag';
  common(
    root.command('explain').description('say where a field or a flag has its value from').argument('<what...>', what),
  )
    .allowUnknownOption()
    .action(action(async () => (await import('./commands/explain.ts')).explain))
    .addHelpText(
      'after',
      examples(
        'bootstrap explain spec.apiServer.extraArgs.audit-log-maxage',
        'bootstrap explain cp1 kube-apiserver --etcd-servers',
      ),
    );
}

function completion(root: Command, action: Action): void {
  root
    .command('completion')
    .description('print a completion script for a shell')
    .argument('<shell>', 'bash, zsh or fish')
    .action(action(async () => (await import('./commands/completion.ts')).completion))
    .addHelpText(
      'after',
      examples(
        'bootstrap completion bash > /etc/bash_completion.d/bootstrap',
        'bootstrap completion zsh > "${fpath[1]}/_bootstrap"',
        'bootstrap completion fish > ~/.config/fish/completions/bootstrap.fish',
      ),
    );
}

/** `help config show`: the same as `config show --help`, and an error where there is no such command. */
function help(root: Command): void {
  root
    .command('help')
    .description('show help for a command')
    .argument('[command...]')
    .action((words: readonly string[]) => {
      const asked = words.reduce((command, word) => {
        const names = command.commands.map((each) => each.name());
        const found = command.commands.find((each) => each.name() === word);
        if (found) return found;
        throw new BootstrapError('usage', `there is no command ${JSON.stringify(words.join(' '))}`, {
          hint:
            didYouMean(word, names) ??
            (names.length ? `commands: ${names.join(', ')}` : `\`${pathOf(command)} --help\` says what there is`),
        });
      }, root);
      asked.outputHelp();
    })
    .addHelpText('after', examples('bootstrap help init', 'bootstrap help config show'));
}

/** `bootstrap config show`. */
function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}

/** Who has mistyped an option of a command is shown the help of that one. */
function hintAtHelp(command: Command): void {
  command.showHelpAfterError(`(\`${pathOf(command)} --help\` says what there is)`);
  for (const below of command.commands) hintAtHelp(below);
}

const COMMANDS: Readonly<Record<string, (root: Command, action: Action) => void>> = {
  init,
  render,
  plan,
  apply,
  rollback,
  status,
  'user-data': userData,
  'cloud-init': userData,
  pods,
  serve,
  certs,
  token,
  profiles,
  config,
  explain,
  completion,
};

/**
 * The command line; nothing is loaded for a command before it runs.
 * @param ended gets the exit status of the command that ran
 * @param only the one command that is wanted, where that is known; describing all of them takes a while
 */
export function program(ended: (status: number) => void, only?: string): Command {
  const root = new Command('bootstrap')
    .description(
      'Kubernetes control planes as static pods: manifests, certificates, kubelet\nfiles for every master, from one cluster file.',
    )
    .version(packageVersion(), '-V, --version', 'print the version')
    .option('-q, --quiet', 'print results, warnings and errors only')
    .option('-v, --verbose', 'say more, and show where an internal error came from')
    .option('--no-color', 'no colours')
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .addHelpText(
      'after',
      examples(
        'bootstrap init --profile ha',
        'bootstrap plan',
        'bootstrap apply',
        'bootstrap pods add static-web.yaml',
        'bootstrap explain spec.networking.serviceSubnet',
      ),
    );
  const wanted =
    only !== undefined && Object.hasOwn(COMMANDS, only)
      ? [COMMANDS[only]]
      : [...new Set(Object.values(COMMANDS)), help];
  for (const add of wanted) add?.(root, actionFor(ended));
  hintAtHelp(root);
  return root;
}

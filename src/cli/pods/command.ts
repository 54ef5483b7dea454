import { type Command, Option } from 'commander';
import { type Action, collect, common, examples, TIMES } from '../command-parts.ts';

const NODE = ['-n, --node <name>', 'only on this node (repeatable)'] as const;
const NAME_OF = 'its name, as `pods list` shows it';
const NAME = "its name, as `pods list` shows it; or an entry's source";

/** `pods`, with all that is below it. */
export function pods(root: Command, action: Action): void {
  const group = root
    .command('pods')
    .description('static pods of your own: kubelets run them with or without an API server')
    .helpCommand(false);
  looks(group, action);
  adds(group, action);
  changes(group, action);
  group.addHelpText(
    'after',
    examples('bootstrap pods list', 'bootstrap pods add static-web.yaml --node cp2', 'bootstrap pods logs static-web'),
  );
}

function looks(group: Command, action: Action): void {
  common(group.command('list').description('the pods as they are on each node, and where that is not as it should be'))
    .option(...NODE, collect)
    .action(action(async () => (await import('./list.ts')).list))
    .addHelpText('after', examples('bootstrap pods list', 'bootstrap pods list --node cp1 -o json'));
  common(
    group.command('show').description('all of one pod: manifest, containers, mirror pod').argument('<name>', NAME_OF),
  )
    .option(...NODE, collect)
    .action(action(async () => (await import('./show.ts')).show))
    .addHelpText(
      'after',
      examples('bootstrap pods show static-web', 'bootstrap pods show default/static-web --node cp1'),
    );
  common(
    group
      .command('logs')
      .description('what its containers have written, read on the nodes themselves')
      .argument('<name>', NAME_OF),
  )
    .option(...NODE, collect)
    .option('-c, --container <name>', 'only this container')
    .option('--tail <lines>', 'how many lines of each container')
    .option('--previous', 'of the run before the last restart')
    .option('--follow', 'go on as more is written')
    .action(action(async () => (await import('./logs.ts')).logs))
    .addHelpText(
      'after',
      examples('bootstrap pods logs static-web', 'bootstrap pods logs static-web --node cp1 --previous --tail 50'),
    );
}

function adds(group: Command, action: Action): void {
  changing(
    group
      .command('add')
      .description('put a pod into the cluster file and onto its nodes')
      .argument('<file>', 'YAML or JSON: Pods, a list, or what has a pod template; - for standard input'),
    'only for this node (repeatable)',
  )
    .option('--name <name>', 'another name for the pod')
    .addOption(
      new Option('--via <how>', 'as a file, or from the URL of `bootstrap serve`')
        .choices(['file', 'http'])
        .default('file'),
    )
    .action(action(async () => (await import('./add.ts')).add))
    .addHelpText(
      'after',
      examples(
        'bootstrap pods add static-web.yaml',
        'bootstrap pods add static-web.yaml --node cp2 --name web2',
        'bootstrap pods add static-web.yaml --via http --yes',
        'kustomize build proxy | bootstrap pods add - --no-apply',
      ),
    );
}

function changes(group: Command, action: Action): void {
  changing(
    group
      .command('remove')
      .description('take a pod out of the cluster file and off its nodes')
      .argument('<name>', NAME),
    'only from this node (repeatable)',
  )
    .action(action(async () => (await import('./remove.ts')).remove))
    .addHelpText('after', examples('bootstrap pods remove static-web', 'bootstrap pods remove static-web --node cp2'));
  changing(
    group.command('stop').description('end a pod, but keep it on its nodes').argument('<name>', NAME),
    'only on this node (repeatable)',
  )
    .action(action(async () => (await import('./stop.ts')).stop))
    .addHelpText(
      'after',
      examples('bootstrap pods stop static-web', 'bootstrap pods stop static-web --node cp2 --yes'),
    );
  changing(
    group.command('start').description('run a pod again that was stopped').argument('<name>', NAME),
    'only on this node (repeatable)',
  )
    .action(action(async () => (await import('./start.ts')).start))
    .addHelpText('after', examples('bootstrap pods start static-web', 'bootstrap pods start static-web --node cp2'));
}

/** The options of what changes the cluster file and goes on as `apply`. */
function changing(command: Command, node: string): Command {
  common(command)
    .option('-n, --node <name>', node, collect)
    .option('--no-apply', 'only the cluster file; `bootstrap apply` brings it to the nodes')
    .option('--dry-run', 'show what would change, do nothing')
    .option('-y, --yes', 'ask nothing');
  for (const [flag, text] of TIMES) command.option(flag, text);
  return command;
}

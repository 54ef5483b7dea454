import { type Command, Option } from 'commander';
import { type Action, collect, common, examples, TIMES } from '../command-parts.ts';

const NODE = ['-n, --node <name>', 'only this node (repeatable)', collect] as const;
const YES = ['-y, --yes', 'ask nothing'] as const;

/** `certs`: everything about certificates and keys that are there already. */
export function certs(root: Command, action: Action): void {
  const group = root
    .command('certs')
    .description('certificates: list, check, renew; rotate CAs and the service-account key')
    .helpCommand(false);
  look(group, action);
  renew(group, action);
  rotate(group, action);
  elsewhere(group, action);
  group.addHelpText('after', examples('bootstrap certs list', 'bootstrap certs renew --apply'));
}

function look(group: Command, action: Action): void {
  common(
    group.command('list').description('list all certificates: whose, until when, what happens when they are renewed'),
  )
    .option(...NODE)
    .option('--live', 'look at the nodes too: their files, and what their processes show')
    .option('--prometheus <file>', "write it for node_exporter's textfile collector; - for stdout")
    .action(action(async () => (await import('./list.ts')).certsList))
    .addHelpText(
      'after',
      examples(
        'bootstrap certs list',
        'bootstrap certs list --live --node cp1 --verbose',
        'bootstrap certs list --prometheus /var/lib/node_exporter/bootstrap.prom',
      ),
    );
  common(group.command('check').description('check how long certificates last; status 2 if one ends soon'))
    .option(...NODE)
    .option('--expires-within <time>', 'what counts as soon (default: 30d, or a third of their life)')
    .option('--live', 'look at the nodes too')
    .action(action(async () => (await import('./check.ts')).certsCheck))
    .addHelpText('after', examples('bootstrap certs check', 'bootstrap certs check --expires-within 90d --live'));
  common(group.command('schedule').description('print a systemd timer, or a cron line, that renews in time'))
    .addOption(new Option('--systemd', 'a service and a timer (the default)').conflicts('cron'))
    .option('--cron', 'a line for crontab')
    .option('--on-calendar <when>', 'when, as systemd.time has it (default: daily)')
    .option('--expires-within <time>', 'renew what ends sooner than this (default: 30d)')
    .option('--prometheus <file>', "also write this file for node_exporter's textfile collector")
    .action(action(async () => (await import('./schedule.ts')).certsSchedule))
    .addHelpText('after', examples('bootstrap certs schedule', 'bootstrap certs schedule --cron'));
}

function renew(group: Command, action: Action): void {
  const command = common(
    group
      .command('renew')
      .description('issue certificates again; on Kubernetes 1.36 that restarts nothing')
      .argument('[name...]', 'which, as `certs list` names them; all by default'),
  )
    .option(...NODE)
    .option('--expires-within <time>', 'only those that end sooner than this')
    .option('--keep-keys', 'with the keys that they have')
    .option('--apply', 'bring them to the nodes as well, as `bootstrap apply` does')
    .option('--dry-run', 'say what would be renewed, write nothing')
    .option(...YES);
  for (const [flag, text] of TIMES) command.option(flag, text);
  command
    .action(action(async () => (await import('./renew.ts')).certsRenew))
    .addHelpText(
      'after',
      examples(
        'bootstrap certs renew --apply',
        'bootstrap certs renew apiserver etcd/server --node cp1',
        'bootstrap certs renew --expires-within 30d --apply --yes',
      ),
    );
}

function rotate(group: Command, action: Action): void {
  rotation(
    group
      .command('rotate-ca')
      .description('replace a CA of the live cluster, phase by phase; the same command goes on after an interruption')
      .argument('[ca]', 'kubernetes, etcd, front-proxy or all'),
  )
    .option('--new-ca <name=file>', 'the new certificate of a CA whose key is kept elsewhere (repeatable)', collect)
    .action(action(async () => (await import('../rotation/commands.ts')).rotateCa))
    .addHelpText(
      'after',
      examples(
        'bootstrap certs rotate-ca all',
        'bootstrap certs rotate-ca all --apply --pause-before distrust',
        'bootstrap certs rotate-ca --status',
        'bootstrap certs rotate-ca all --rollback --apply',
      ),
    );
  rotation(
    group
      .command('rotate-sa-key')
      .description('replace the key that signs service-account tokens; the same command goes on after an interruption'),
  )
    .option('--tokens-last <time>', 'how long tokens of the old key must go on working', '24h')
    .action(action(async () => (await import('../rotation/commands.ts')).rotateServiceAccountKey))
    .addHelpText('after', examples('bootstrap certs rotate-sa-key --apply', 'bootstrap certs rotate-sa-key --status'));
}

function rotation(command: Command): Command {
  common(command)
    .option('--apply', 'carry it out; without it only the new keys are made, and it is said what would be done')
    .option('--status', 'say how far it is, change nothing')
    .option('--pause-before <phase>', 'stop before this phase: trust, issue, sign or distrust')
    .option('--rollback', 'go back to the old one: possible until it is distrusted')
    .option('--settle <time>', 'how long processes may take to read new files (default: 6m for kubernetes)')
    .option('--restart-workloads', 'restart pods that know only the old one, as `kubectl rollout restart` does')
    .option('--accept-losses', 'go on although something would be cut off that is listed')
    .option(...YES);
  for (const [flag, text] of TIMES) command.option(flag, text);
  return command;
}

function elsewhere(group: Command, action: Action): void {
  common(
    group
      .command('csr')
      .description('write certificate signing requests for CAs whose keys are kept elsewhere')
      .argument('[name...]', 'which, as `certs list` names them; what is missing or ends soon by default'),
  )
    .option(...NODE)
    .option('--out <dir>', 'where to (default: csr/ in the cluster directory)')
    .option('--expires-within <time>', 'also for those that end sooner than this')
    .option('--new-keys', 'do not take up the keys of requests that are still open')
    .action(action(async () => (await import('./csr.ts')).certsCsr))
    .addHelpText('after', examples('bootstrap certs csr', 'bootstrap certs csr apiserver --node cp1 --out requests'));
  common(
    group
      .command('import')
      .description('take in certificates that another CA has signed, or the key of a CA')
      .argument('<file...>', 'files in PEM form, or directories of such'),
  )
    .option('--dry-run', 'check them, write nothing')
    .action(action(async () => (await import('./import.ts')).certsImport))
    .addHelpText('after', examples('bootstrap certs import csr/', 'bootstrap certs import signed.pem'));
  common(
    group
      .command('export')
      .description('copy a CA and its key, to be kept elsewhere')
      .argument('<ca...>', 'kubernetes, etcd, front-proxy'),
  )
    .requiredOption('--out <dir>', 'where to; made with mode 0700')
    .option('--remove-key', 'then remove the key from the cluster directory')
    .option(...YES)
    .action(action(async () => (await import('./export.ts')).certsExport))
    .addHelpText('after', examples('bootstrap certs export etcd front-proxy --out /media/safe --remove-key'));
}

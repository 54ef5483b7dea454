import { type Command, Option } from 'commander';
import { COMPRESS, FORMATS } from '../../deliver/user-data/formats.ts';
import { PROVIDERS } from '../../deliver/user-data/providers.ts';
import { type Action, collect, common, examples } from '../command-parts.ts';

/** `user-data`, also known as `cloud-init`. */
export function userData(root: Command, action: Action): void {
  common(
    root
      .command('user-data')
      .alias('cloud-init')
      .description('make what a cloud hands to each machine, so that it comes up as a master by itself'),
  )
    .option('-n, --node <name>', 'only this node (repeatable)', collect)
    .addOption(new Option('--format <format>', 'what the machine understands').choices(FORMATS).default('cloud-config'))
    .addOption(
      new Option('--provider <name>', 'whose limits count, and how it wants its files')
        .choices(Object.keys(PROVIDERS))
        .default('none'),
    )
    .addOption(new Option('--compress <how>', 'auto: where the provider takes it').choices(COMPRESS).default('auto'))
    .addOption(
      new Option('--secrets <how>', 'with the user-data; later, by apply; or fetched by the machine, encrypted')
        .choices(['inline', 'none', 'fetch'])
        .default('inline'),
    )
    .option('--url <address>', 'where it is fetched from; a name is added after a /, {node} and {file} are replaced')
    .option('--merge <file>', 'a cloud-config or a script of your own, for every machine')
    .option('--iso', 'for nocloud: an image with the volume cidata as well')
    .option('--out <dir>', 'where the files go, - for standard output (default: user-data in the cluster directory)')
    .action(action(async () => (await import('./user-data.ts')).userData))
    .addHelpText(
      'after',
      examples(
        'bootstrap user-data --provider aws',
        'bootstrap user-data --provider nocloud --iso',
        'bootstrap user-data --format ignition --node cp1 --out - > cp1.ign',
        'bootstrap user-data --secrets fetch --url https://files.example.com/boot/',
      ),
    );
}

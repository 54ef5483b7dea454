#!/usr/bin/env node
import { join } from 'node:path';
import { HELP } from '../generated/help.ts';
import { cacheName, loadScript } from './load-program.ts';
import { endOnClosedStreams } from './streams.ts';

const argv = process.argv.slice(2);
const help = readyHelp();
if (help === undefined) {
  const program = loadScript(
    join(__dirname, 'main.cjs'),
    join(__dirname, cacheName()),
  ).exports() as typeof import('./main.ts');
  void program.main(argv);
} else {
  endOnClosedStreams();
  process.stdout.write(help);
}

/** The help that was written down at build time, where the terminal is wide enough for it and nothing else was asked. */
function readyHelp(): string | undefined {
  const [last, words] = [argv.at(-1), argv.slice(0, -1)];
  const asked = last === undefined || last === '--help' || last === '-h';
  return asked && (process.stdout.columns ?? 80) >= 80 ? HELP[words.join(' ')] : undefined;
}

import { spawn, spawnSync } from 'node:child_process';
import { closeSync, constants, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { logWriter } from '../../../src/cli/serve/log-writer.ts';
import { emptyDir } from '../../support/cli.ts';

/** A file that is closed when the test ends. */
function opened(path: string, flags: number | string): number {
  const descriptor = openSync(path, flags);
  onTestFinished(() => closeSync(descriptor));
  return descriptor;
}

test('writes everything in its order', async () => {
  const path = join(emptyDir(), 'log');
  const writer = logWriter(opened(path, 'a'), () => expect.unreachable());
  const lines = Array.from({ length: 2000 }, (_, i) => `line ${i}\n`);
  for (const line of lines) writer.write(line);
  await writer.end();
  expect(readFileSync(path, 'utf8')).toBe(lines.join(''));
});

test.runIf(existsSync('/dev/full'))('says once that a disk is full, and goes on', async () => {
  const told: string[] = [];
  const writer = logWriter(opened('/dev/full', 'a'), (why) => told.push(why));
  for (let i = 0; i < 100; i++) writer.write('line\n');
  await writer.end();
  expect(told).toEqual(['no space left on device']);
});

test.each([
  ['a pipe that waits', 0],
  ['a pipe that does not wait', constants.O_NONBLOCK],
])('loses lines rather than time where nobody reads %s, and writes again when somebody does', async (_, flag) => {
  const path = join(emptyDir(), 'pipe');
  expect(spawnSync('sh', ['-c', 'mkfifo "$1"', 'sh', path]).status).toBe(0);
  // opened for both: it needs no reader to be there first
  const descriptor = opened(path, constants.O_RDWR | flag);
  const told: string[] = [];
  const writer = logWriter(descriptor, (why) => told.push(why));
  const began = performance.now();
  for (let i = 0; i < 300; i++) writer.write(`${'x'.repeat(32 * 1024)}\n`);
  expect(performance.now() - began).toBeLessThan(1000);
  expect(told).toEqual(['it is not read']);
  const reader = spawn('head', ['-c', String(3 * 1024 * 1024), path], { stdio: ['ignore', 'pipe', 'inherit'] });
  let bytes = 0;
  for await (const part of reader.stdout) bytes += (part as Buffer).length;
  expect(bytes).toBe(3 * 1024 * 1024);
  // what is still waiting would keep a thread of this process for ever
  const rest = spawn('cat', [path], { stdio: 'ignore' });
  await writer.end();
  rest.kill();
});

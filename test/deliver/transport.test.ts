import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { closeAllNow } from '../../src/deliver/transport/open-transport.ts';
import { emptyDir } from '../support/cli.ts';
import { needTool } from '../support/tools.ts';
import { processesWith, programs, ran, runDirFor, sshdFor, transportTo, until } from './transport-fixtures.ts';

const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

describe.runIf(needTool('sshd'))('a command on a node', () => {
  test('gets each argument as it is', async () => {
    const transport = transportTo(await sshdFor());
    const words = [
      'a b',
      "it's",
      '"',
      '$(id)',
      '`id`',
      '$HOME',
      'x\ny\n',
      '',
      '-x',
      '--',
      '\\',
      "\\'",
      'ü\u{1f600}',
      '=ls',
      '~',
      '*',
      '!!',
      ';',
      '#',
      '\t',
    ];
    const [status, stdout] = await ran(transport, ['printf', '%s\\0', ...words]);
    expect(status).toBe(0);
    expect(stdout.split('\0').slice(0, -1)).toEqual(words);
  });

  test('gets any argument as it is', async () => {
    const transport = transportTo(await sshdFor());
    const word = fc.string({
      unit: fc.constantFrom("'", '"', '\\', '$', '`', ' ', '\n', '!', 'a', '-', '(', '&', '\u{e9}'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(word, { minLength: 1, maxLength: 8 }), async (words) => {
        const [, stdout] = await ran(transport, ['printf', '%s\\0', ...words]);
        expect(stdout.split('\0').slice(0, -1)).toEqual(words);
      }),
      { numRuns: 25 },
    );
  });

  test('keeps its status, also the one that ssh has for its own failures', async () => {
    const transport = transportTo(await sshdFor());
    for (const status of [0, 1, 7, 76, 255])
      expect(await ran(transport, ['sh', '-c', `echo out; echo err >&2; exit ${status}`])).toEqual([
        status,
        'out\n',
        'err',
      ]);
    expect((await ran(transport, ['no-such-program']))[0]).toBe(127);
    expect((await ran(transport, ['sh', '-c', 'kill -KILL $$']))[0]).toBe(137);
  });

  test('gives and takes bytes, whatever a login shell prints of its own', async () => {
    const sshd = await sshdFor();
    writeFileSync(join(sshd.home, '.bashrc'), 'printf "welcome, no newline"\necho "and a warning" >&2\n');
    const transport = transportTo(sshd);
    const input = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    const { status, stdout, stderr } = await transport.run(['cat'], { seconds: 20, input });
    expect([status, stdout.equals(input), stderr]).toEqual([0, true, '']);
  });

  test('reads nothing where there is no input', async () => {
    expect(await ran(transportTo(await sshdFor()), ['cat'])).toEqual([0, '', '']);
  });

  test('gets 64 MB whole, and may leave them unread', async () => {
    const transport = transportTo(await sshdFor());
    const input = randomBytes(64 * 1024 * 1024);
    const sum = createHash('sha256').update(input).digest('hex');
    expect(await ran(transport, ['sha256sum'], { input, seconds: 60 })).toEqual([0, `${sum}  -\n`, '']);
    expect(await ran(transport, ['true'], { input, seconds: 60 })).toEqual([0, '', '']);
  });

  test.each([
    ['as sshd comes', []],
    ['where sshd allows one session', ['MaxSessions 1']],
  ])('twenty at once all come back, %s', async (_, config) => {
    const transport = transportTo(await sshdFor({ config }));
    const all = await Promise.all(Array.from({ length: 20 }, (_, i) => ran(transport, ['echo', String(i)])));
    expect(all).toEqual(Array.from({ length: 20 }, (_, i) => [0, `${i}\n`, '']));
  });

  test('is ended on the node itself when its time is up', async () => {
    const transport = transportTo(await sshdFor());
    await ran(transport, ['true']);
    const began = performance.now();
    expect((await ran(transport, ['sleep', '4711.1'], { seconds: 1 }))[0]).toBe(124);
    expect(performance.now() - began).toBeLessThan(5000);
    expect(processesWith('sleep 4711.1')).toEqual([]);
  });

  test('is ended though it does not want to', async () => {
    const transport = transportTo(await sshdFor());
    const script = 'trap "" TERM; echo 4711.2 >/dev/null; while :; do sleep 0.1; done';
    expect((await ran(transport, ['sh', '-c', script], { seconds: 1 }))[0]).toBe(124);
    expect(processesWith('4711.2')).toEqual([]);
  });

  test('is ended on the node where this side is interrupted', async () => {
    const transport = transportTo(await sshdFor());
    await ran(transport, ['true']);
    const controller = new AbortController();
    const running = ran(transport, ['sh', '-c', 'sleep 4711.3; echo'], { signal: controller.signal });
    await until(() => processesWith('sleep 4711.3').length > 1);
    controller.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    await until(() => processesWith('sleep 4711.3').length === 0);
    expect(processesWith('sleep 4711.3')).toEqual([]);
    expect(await ran(transport, ['echo', 'on'])).toEqual([0, 'on\n', '']);
  });

  test('is not even begun where this side was interrupted before', async () => {
    const dir = emptyDir();
    const transport = transportTo(await sshdFor());
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(ran(transport, ['touch', join(dir, 'x')], { signal })).rejects.toThrow('enough');
    await ran(transport, ['true']);
    await expect(ran(transport, ['touch', join(dir, 'x')], { signal })).rejects.toThrow('enough');
    expect(existsSync(join(dir, 'x'))).toBe(false);
  });

  test("is root's through sudo for another user", async () => {
    const path = programs({ id: '[ "$*" = -u ] && echo 1000 || echo ubuntu', sudo: 'shift 2; SUDO=yes exec "$@"' });
    const sshd = await sshdFor({ path: `${path}:${SYSTEM_PATH}`, env: { BOOTSTRAP_NODE_ROOT: '' } });
    const transport = transportTo(sshd);
    expect(await ran(transport, ['sh', '-c', 'echo "$SUDO $1"', 'sh', 'a  "b"'])).toEqual([0, 'yes a  "b"\n', '']);
  });

  test('sees the prefix that stands for the root of the node, and then needs no sudo', async () => {
    const path = programs({ id: 'echo 1000', sudo: 'exit 1' });
    const root = emptyDir();
    const transport = transportTo(await sshdFor({ root, path: `${path}:${SYSTEM_PATH}` }));
    expect(await ran(transport, ['sh', '-c', 'echo "$BOOTSTRAP_NODE_ROOT"'])).toEqual([0, `${root}\n`, '']);
  });

  test('never has its input in a process list', async () => {
    const transport = transportTo(await sshdFor());
    const running = ran(transport, ['sh', '-c', 'cat; sleep 1'], { input: Buffer.from('4711.4 secret') });
    await until(() => processesWith('cat; sleep 1').length > 1);
    expect(processesWith('4711.4 secret')).toEqual([]);
    await running;
  });
});

describe.runIf(needTool('sshd'))('a closed connection', () => {
  test('leaves neither a process nor a file', async () => {
    const dir = runDirFor();
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    const transport = transportTo(await sshdFor(), {}, dir);
    await ran(transport, ['true']);
    await transport.forward('127.0.0.1', 1);
    expect(processesWith(dir)).toHaveLength(1);
    await transport.close();
    await until(() => processesWith(dir).length === 0);
    expect(processesWith(dir)).toEqual([]);
    expect(readdirSync(dir)).toEqual([]);
  });

  test('leaves nothing where it is closed while it is being made', async () => {
    const dir = runDirFor();
    const transport = transportTo(await sshdFor(), {}, dir);
    const running = ran(transport, ['true']);
    await until(() => processesWith(dir).length > 0);
    await transport.close();
    await expect(running).rejects.toThrow('is closed');
    await until(() => processesWith(dir).length === 0);
    expect(processesWith(dir)).toEqual([]);
  });

  test('and one that is abandoned at once leaves nothing either, here or on the node', async () => {
    const dir = runDirFor();
    const transport = transportTo(await sshdFor(), {}, dir);
    await ran(transport, ['true']);
    const running = ran(transport, ['sleep', '4711.5']).catch((error: unknown) => error);
    await until(() => processesWith('sleep 4711.5').length > 2);
    closeAllNow();
    expect(existsSync(dir)).toBe(false);
    await running;
    await until(() => processesWith('4711.5').length === 0 && processesWith(dir).length === 0);
    expect([...processesWith('4711.5'), ...processesWith(dir)]).toEqual([]);
  });

  test('reads and changes no file of the user', async () => {
    const sshd = await sshdFor();
    const before = readFileSync(sshd.knownHosts, 'utf8');
    const transport = transportTo(sshd);
    await ran(transport, ['true']);
    expect(readFileSync(sshd.knownHosts, 'utf8')).toBe(before);
  });
});

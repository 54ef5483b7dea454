import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { needTool } from '../support/tools.ts';
import { processesWith, ran, runDirFor, sshdFor, told, transportTo, until } from './transport-fixtures.ts';

describe.runIf(needTool('sshd'))('a connection that breaks', () => {
  test('in the middle of a command is said to have', async () => {
    const sshd = await sshdFor();
    const transport = transportTo(sshd);
    const running = told(ran(transport, ['sleep', '4712.1']));
    await until(() => processesWith('sleep 4712.1').length > 2);
    sshd.cut();
    const { code, message, hint } = await running;
    expect(code).toBe('unreachable');
    expect(message).toMatch(
      /^cp1: the connection broke while sleep ran on .*, and whether it has done its work is not known$/,
    );
    expect(hint).toBe('run the same command again');
    expect(await ran(transport, ['echo', 'on'])).toEqual([0, 'on\n', '']);
  });

  test('between two commands is made again, once for all', async () => {
    const sshd = await sshdFor();
    const transport = transportTo(sshd);
    await ran(transport, ['true']);
    sshd.cut();
    await new Promise((done) => setTimeout(done, 300));
    const all = await Promise.all(Array.from({ length: 12 }, () => ran(transport, ['echo', 'on'])));
    expect(all).toEqual(Array(12).fill([0, 'on\n', '']));
    expect(sshd.log().match(/Accepted publickey/g)).toHaveLength(2);
  });

  test('because its process was killed is made again', async () => {
    const dir = runDirFor();
    const transport = transportTo(await sshdFor(), {}, dir);
    await ran(transport, ['true']);
    const [master = ''] = processesWith(dir);
    process.kill(Number.parseInt(master, 10), 'SIGKILL');
    expect(await ran(transport, ['echo', 'on'])).toEqual([0, 'on\n', '']);
    expect(processesWith(dir)[0]).not.toBe(master);
  });

  test('without a word is given up soon after the command’s own time', async () => {
    const sshd = await sshdFor();
    const transport = transportTo(sshd);
    await ran(transport, ['true']);
    const began = performance.now();
    const running = told(ran(transport, ['sleep', '4712.2'], { seconds: 1 }));
    await until(() => processesWith('sleep 4712.2').length > 2);
    sshd.freeze();
    expect((await running).message).toContain('nothing was heard for 1 s and more while sleep ran on');
    expect(performance.now() - began).toBeLessThan(14_000);
    sshd.cut();
    expect(await ran(transport, ['echo', 'on'])).toEqual([0, 'on\n', '']);
  });

  test('and cannot be made again says why', async () => {
    const sshd = await sshdFor();
    const transport = transportTo(sshd);
    await ran(transport, ['true']);
    writeFileSync(sshd.knownHosts, '');
    sshd.cut();
    await new Promise((done) => setTimeout(done, 300));
    expect((await told(ran(transport, ['true']))).message).toContain('is not known here yet');
  });
});

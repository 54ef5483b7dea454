import { afterEach, describe, expect, test, vi } from 'vitest';
import { openTransport } from '../../src/deliver/transport/open-transport.ts';
import type { Transport } from '../../src/deliver/transport/transport.ts';
import { emptyDir } from '../support/cli.ts';
import { clusterOf, file } from '../support/spec.ts';
import { processesWith, programs, ran, told, until } from './transport-fixtures.ts';

afterEach(() => vi.unstubAllEnvs());

function thisMachine(root: string | undefined = emptyDir()): Transport {
  vi.stubEnv('BOOTSTRAP_NODE_ROOT', root);
  const [node] = clusterOf(file('nodes: [{name: cp1, addresses: [10.0.0.11], transport: local}]')).nodes;
  if (!node) throw new Error('no node');
  return openTransport(node, '/nowhere');
}

describe('the machine itself as a node', () => {
  test('runs commands as ssh does', async () => {
    const transport = thisMachine();
    expect(transport.target).toBe('this machine');
    expect(
      await ran(transport, ['sh', '-c', 'cat; echo "$1" >&2; exit 7', 'sh', "it's"], { input: Buffer.from('in') }),
    ).toEqual([7, 'in', "it's"]);
    expect(await ran(transport, ['cat'])).toEqual([0, '', '']);
    expect(await transport.forward('127.0.0.1', 6443)).toEqual({ host: '127.0.0.1', port: 6443 });
    await transport.close();
  });

  test('ends them when their time is up, and when it is interrupted', async () => {
    const transport = thisMachine();
    expect((await ran(transport, ['sleep', '4713.1'], { seconds: 1 }))[0]).toBe(124);
    const controller = new AbortController();
    const running = ran(transport, ['sleep', '4713.2'], { signal: controller.signal });
    await until(() => processesWith('sleep 4713.2').length > 1);
    controller.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    await until(() => processesWith('4713.').length === 0);
    expect(processesWith('4713.')).toEqual([]);
  });

  test('where root cannot be had, says so', async () => {
    const id = '[ "$*" = -u ] && echo 1000 || echo ann';
    vi.stubEnv('PATH', programs({ id, sudo: 'echo "sudo: a password is required" >&2; exit 1' }, ['sh', 'timeout']));
    const { code, message, hint } = await told(ran(thisMachine(''), ['true']));
    expect(code).toBe('unreachable');
    expect(message).toBe('cp1: ann at this machine is not root, and sudo asks for a password');
    expect(hint).toContain('run bootstrap as root');
  });
});

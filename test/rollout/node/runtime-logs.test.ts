import { utimesSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { parseContainerLogs } from '../../../src/rollout/node/container-logs.ts';
import { type Box, makeBox } from '../../node/node-box.ts';

const boxes: Box[] = [];
afterEach(() => {
  for (const box of boxes.splice(0)) box.remove();
});

test('a line that was too long for one is one again, by its stream, and what is in another form stays', () => {
  const [log] = parseContainerLogs(
    'container\tweb\tu1\t0\t99\n2026 stdout P one \n2026 stderr F other\n2026 stdout F two\n2026 stdout F \n{"log":"x"}\n\n',
  );
  expect(log).toMatchObject({ container: 'web', uid: 'u1', attempt: 0, size: 99 });
  expect(log?.lines.map(({ stream, text }) => `${stream} ${text}`)).toEqual([
    'stderr other',
    'stdout one two',
    'stdout ',
    'stdout {"log":"x"}',
  ]);
});

describe.each(['dash', 'bash'])('on a node whose sh is %s', (shell) => {
  const given = () => {
    const box = makeBox({ shell });
    boxes.push(box);
    const write = (path: string, text: string, seconds: number) => {
      box.write(`/var/log/pods/${path}`, text);
      utimesSync(box.at(`/var/log/pods/${path}`), seconds, seconds);
    };
    const read = async (...args: Parameters<ReturnType<Box['agent']>['containerLogs']>) =>
      (await box.agent().containerLogs(...args)).map(
        ({ container, attempt, lines }) => `${container}/${attempt}: ${lines.map(({ text }) => text).join(' ')}`,
      );
    return { box, write, read };
  };
  const lines = (...texts: readonly string[]) =>
    texts.map((text) => `2026-11-24T00:00:00Z stdout F ${text}\n`).join('');

  test('the last lines of each container are read, of the newest pod of the name', async () => {
    const { write, read } = given();
    expect(await read('default/web', { lines: 5 })).toEqual([]);
    write('default_web-cp1_old/web/9.log', lines('old'), 100);
    write('default_web-cp1_new/web/0.log', lines('first'), 200);
    write('default_web-cp1_new/web/1.log', lines('a', 'b', 'c'), 400);
    write('default_web-cp1_new/web/1.log.20261124-000000', lines('rotated'), 300);
    write('default_web-cp1_new/proxy/0.log', lines('p'), 300);
    write('default_web-2-cp1_new/web/0.log', lines('another'), 900);
    write('kube-system_etcd-cp1_u/etcd/0.log', lines('e'), 900);
    expect(await read('default/web', { lines: 2 })).toEqual(['proxy/0: p', 'web/1: b c']);
    expect(await read('default/web', { lines: 2, container: 'proxy' })).toEqual(['proxy/0: p']);
    expect(await read('default/web', { lines: 2, container: 'none' })).toEqual([]);
    expect(await read('default/web', { lines: 2, previous: true })).toEqual(['web/0: first']);
    // not all of them are kept
    write('default_web-cp1_new/web/7.log', lines('z'), 500);
    expect(await read('default/web', { lines: 2, previous: true })).toEqual(['web/1: b c']);
    expect(await read('etcd', { lines: 1 })).toEqual(['etcd/0: e']);
    expect(await read('etcd', { lines: 1, previous: true })).toEqual([]);
  });

  test('what came since is read once, all of it, also after a restart, a rotation and in another pod', async () => {
    const { box, write, read } = given();
    const path = 'default_web-cp1_u1/web/0.log';
    write(path, lines('a', 'b'), 100);
    let after = await box.agent().containerLogs('default/web', { lines: 1 });
    const next = async () => {
      const found = await read('default/web', { lines: 1, after });
      after = await box.agent().containerLogs('default/web', { lines: 1, after });
      return found;
    };
    expect(after[0]?.lines.map(({ text }) => text)).toEqual(['b']);
    expect(await next()).toEqual(['web/0: ']);
    write(path, lines('a', 'b', 'c', 'd'), 200);
    expect(await next()).toEqual(['web/0: c d']);
    write(path, lines('e'), 300);
    expect(await next()).toEqual(['web/0: e']);
    write('default_web-cp1_u1/web/1.log', lines('f', 'g'), 400);
    expect(await next()).toEqual(['web/1: f g']);
    write('default_web-cp1_u2/web/1.log', lines('h', 'i', 'j'), 500);
    expect(await next()).toEqual(['web/1: h i j']);
  });
});

import { beforeAll, describe, expect, test } from 'vitest';
import { bootstrap } from './bootstrap.ts';
import { anotherFlag, must, NAMES, standing } from './cluster.ts';
import { figure } from './figures.ts';
import { kubeJson } from './kube.ts';

const schedulers = async (): Promise<readonly (readonly string[])[]> => {
  const { items } = await kubeJson('get', 'pods', '-n', 'kube-system', '-l', 'component=kube-scheduler');
  return items.map((pod: { spec: { containers: { command: string[] }[] } }) => pod.spec.containers[0]?.command);
};

describe('going back', { timeout: 15 * 60_000 }, () => {
  beforeAll(standing);

  test('`rollback` brings every master to the revision before, and `apply` forwards again', async () => {
    const flag = anotherFlag('scheduler');
    must(await bootstrap('apply', '--yes'));
    const { seconds } = must(await bootstrap('rollback', '--yes'));
    figure('rollback', '`rollback` of three masters', seconds, 's');
    for (const command of await schedulers()) expect(command).not.toContain(flag);
    expect(await bootstrap('plan', '-q')).toMatchObject({ status: 2 });
    must(await bootstrap('apply', '--yes'));
    const commands = await schedulers();
    for (const command of commands) expect(command).toContain(flag);
    expect(commands).toHaveLength(NAMES.length);
  });
});

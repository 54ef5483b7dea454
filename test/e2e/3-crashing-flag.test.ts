import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bootstrap, startBootstrap } from './bootstrap.ts';
import { edit, must, standing } from './cluster.ts';
import { figure } from './figures.ts';
import { staticPods } from './kube.ts';

const SCENARIO = 'crashing flag';

describe('a flag that makes the apiserver crash', { timeout: 15 * 60_000 }, () => {
  beforeAll(standing);
  afterAll(() =>
    edit({
      'spec.apiServer.extraArgs.oidc-issuer-url': undefined,
      'spec.apiServer.extraArgs.oidc-client-id': undefined,
    }),
  );

  test('is taken back on the first master, with the reason told, and the others are never touched', async () => {
    const before = await staticPods();
    edit({
      'spec.apiServer.extraArgs.oidc-issuer-url': 'http://x.example',
      'spec.apiServer.extraArgs.oidc-client-id': 'x',
    });
    const began = performance.now();
    let recognised = 0;
    const running = startBootstrap('apply', '--yes');
    await running.line(/file in place/);
    const placed = performance.now();
    await running.line(/taking it back/).then(() => {
      recognised = performance.now();
    });
    const { status, stderr } = await running.ended;
    figure(SCENARIO, 'from the manifest in place until it was recognised', (recognised - placed) / 1000, 's');
    figure(SCENARIO, 'from then until the master was well again', (performance.now() - recognised) / 1000, 's');
    figure(SCENARIO, '`apply`, all of it', (performance.now() - began) / 1000, 's');
    expect(status, stderr).toBe(1);
    expect(stderr).toMatch(/URL scheme must be https/i);
    const first = /One at a time: (\S+),/.exec(stderr)?.[1];
    expect(stderr).toContain(`not touched: ${/One at a time: \S+, (.*)/.exec(stderr)?.[1]}`);
    const isOther = ({ node }: { readonly node: string }) => node !== first;
    expect((await staticPods()).filter(isOther)).toEqual(before.filter(isOther));
  });

  test('leaves a cluster in which all is well once it is out of the cluster file', async () => {
    edit({
      'spec.apiServer.extraArgs.oidc-issuer-url': undefined,
      'spec.apiServer.extraArgs.oidc-client-id': undefined,
    });
    expect((await staticPods()).every(({ ready }) => ready)).toBe(true);
    const again = must(await bootstrap('apply', '--yes'));
    expect(again.stdout).toContain('nothing to do');
    expect(await bootstrap('status')).toMatchObject({ status: 0 });
  });
});

import { afterEach, expect, test } from 'vitest';
import { needTool } from '../../support/tools.ts';
import { FEW, type FetchBox, fetchBox, sealedOf, type Tried } from './fetch-box.ts';
import { type FetchServer, fetchServer, refused, whole } from './fetch-server.ts';
import { filesOf } from './scratch.ts';

const tools = test.runIf(needTool('curl') && needTool('openssl'));
const sealed = sealedOf(FEW);
const QUERY = 'X-Amz-Signature=c2lnbmF0dXJl';
const stops: (() => void | Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function source(): Promise<FetchServer> {
  const started = await fetchServer(whole(sealed.content));
  stops.push(() => started.stop());
  return started;
}

function box({ origin }: FetchServer): FetchBox {
  const made = fetchBox(FEW, `${origin}/cp1?${QUERY}`, sealed);
  stops.push(() => made.remove());
  return made;
}

function expectInPlace(made: FetchBox, { status, stderr }: Tried): void {
  expect(stderr).toBe('bootstrap: all is in place, and the kubelet starts\n');
  expect(status).toBe(0);
  expect(made.tree()).toMatchObject(filesOf(FEW));
  expect(made.has('/etc/bootstrap')).toBe(false);
}

tools('neither key nor address is ever an argument or in the environment of a program', async () => {
  const made = box(await source());
  made.record();
  expectInPlace(made, await made.run());
  const { text, programs } = made.recorded();
  expect(new Set(programs)).toContain('curl');
  expect(new Set(programs)).toContain('openssl');
  expect(text).not.toContain(sealed.key.reveal());
  expect(text).not.toContain(QUERY);
});

tools('killed at any moment until all is there, it is whole after the next boot', async () => {
  const server = await source();
  const first = box(server);
  first.record();
  expectInPlace(first, await first.run());
  const { programs } = first.recorded();
  // decrypted, and tested by gzip
  const last = programs.indexOf('openssl') + 2;
  const moments: NodeJS.ProcessEnv[] = [];
  for (let call = 1; call <= last; call++) moments.push({ KILL_AT: String(call) });
  for (const program of ['curl', 'openssl']) moments.push({ KILL_AFTER: String(programs.indexOf(program) + 1) });
  for (const moment of moments) {
    const made = box(server);
    const before = made.untouchable();
    made.record();
    expect((await made.run(moment)).status, JSON.stringify(moment)).toBe(137);
    expect(made.untouchable()).toEqual(before);
    expect(made.systemctl()).toEqual([]);
    made.recorded();
    expectInPlace(made, await made.run());
  }
});

tools('killed in the middle of the download, it begins anew', async () => {
  const server = await source();
  const made = box(server);
  const before = made.untouchable();
  const running = new Promise<void>((resolve) => {
    server.now((response) => {
      response.setHeader('content-length', sealed.content.length);
      response.write(sealed.content.subarray(0, 100), () => setTimeout(resolve, 50));
    });
  });
  const { ended, kill } = made.start({ BOOTSTRAP_FETCH_FOR: '60', BOOTSTRAP_FETCH_STALL: '60' });
  await running;
  kill();
  expect((await ended).status).toBe(137);
  expect(made.untouchable()).toEqual(before);
  server.now(whole(sealed.content));
  expectInPlace(made, await made.run());
});

tools('what has come whole is not fetched again: its address may have expired', async () => {
  const server = await source();
  const made = box(server);
  made.record();
  await made.run({ KILL_AT: String(await callOf('openssl', server)) });
  server.now(refused(403));
  expectInPlace(made, await made.run());
});

async function callOf(program: string, server: FetchServer): Promise<number> {
  const made = box(server);
  made.record();
  await made.run();
  return made.recorded().programs.indexOf(program) + 1;
}

import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { ServerOptions } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Bundle } from '../../../src/bundle/bundle.ts';
import { INSTALL } from '../../../src/deliver/user-data/first-boot.ts';
import { seal, sealedName, urlFor } from '../../../src/deliver/user-data/seal.ts';
import { needTool } from '../../support/tools.ts';
import { FEW, type FetchBox, fetchBox, makeCertificates, sealedOf, type Tried } from './fetch-box.ts';
import {
  type Answer,
  cut,
  cutSilently,
  type FetchServer,
  fetchServer,
  hanging,
  inTurn,
  redirected,
  refused,
  whole,
} from './fetch-server.ts';
import { filesOf, realBundles, SINGLE } from './scratch.ts';

const dir = mkdtempSync(join(tmpdir(), 'bootstrap-fetch-'));
const hasTools = needTool('curl') && needTool('openssl');
const tools = test.runIf(hasTools);
const sealed = sealedOf(FEW);
const SIGNATURE = 'c2lnbmF0dXJl';
const well = whole(sealed.content);
let certificates: ReturnType<typeof makeCertificates>;
let trusting: NodeJS.ProcessEnv;
const stops: (() => void | Promise<void>)[] = [];

beforeAll(() => {
  if (!hasTools) return;
  certificates = makeCertificates(dir);
  trusting = { CURL_CA_BUNDLE: certificates.caFile };
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});
afterAll(() => rmSync(dir, { recursive: true }));

async function server(answer: Answer, tls?: ServerOptions, host?: string): Promise<FetchServer> {
  const started = await fetchServer(answer, tls, host);
  stops.push(() => started.stop());
  return started;
}

/** A machine that fetches this from there. */
function box(origin: string, bundle = FEW, fetched = sealed): FetchBox {
  const url = urlFor(`${origin}/boot/{file}?X-Amz-Signature=${SIGNATURE}`, 'cp1', sealedName('cp1', fetched));
  const made = fetchBox(bundle, url, fetched);
  stops.push(() => made.remove());
  return made;
}

function expectInPlace(made: FetchBox, { status, stderr }: Tried, bundle = FEW): void {
  expect(stderr).toMatch(/^bootstrap: all is in place, and the kubelet starts$/m);
  expect(status).toBe(0);
  expect(made.tree()).toMatchObject(filesOf(bundle));
  expect(made.has('/etc/bootstrap')).toBe(false);
  expect(made.systemctl().at(-1)).toBe('restart --no-block kubelet.service');
  expectDiscreet(stderr);
}

function expectDiscreet(text: string): void {
  expect(text).not.toContain(SIGNATURE);
  expect(text).not.toContain(sealed.key.reveal());
}

/** It says this, and nothing has happened. */
async function expectUntouched(made: FetchBox, said: RegExp, env: NodeJS.ProcessEnv = {}): Promise<void> {
  const before = made.untouchable();
  const { status, stdout, stderr } = await made.run(env);
  expect(stderr).toMatch(said);
  expect(stderr).toMatch(/; nothing was changed\n$/);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expectDiscreet(stderr);
  expect(made.systemctl()).toEqual([]);
  expect(made.untouchable()).toEqual(before);
  // what has come lies encrypted where only root gets at it
  expect(made.tree('/etc')['/etc/bootstrap']).toBe('dir 700');
  for (const [path, entry] of Object.entries(made.tree('/etc/bootstrap')))
    expect(entry, path).toMatch(path.endsWith('/install.sh') ? /^file 700 / : /^file 600 /);
  expect(made.has('/etc/bootstrap/payload')).toBe(false);
  // the next boot tries again
  const link = made.tree('/var/lib/cloud/scripts/per-boot')['/var/lib/cloud/scripts/per-boot/bootstrap'];
  expect(link).toBe(`link ${made.at('/etc/bootstrap/install.sh')}`);
}

let rendered: Promise<readonly Bundle[]> | undefined;
/** What `bootstrap` renders for a master. */
async function real(): Promise<Bundle> {
  rendered ??= realBundles(SINGLE);
  const [bundle] = await rendered;
  if (!bundle) throw new Error('no bundle');
  return bundle;
}

const SHELLS: readonly (readonly string[])[] = [['dash'], ['bash', '--posix'], ['busybox', 'sh']];
const isHere = ([program = '']: readonly string[]) => spawnSync(program, ['-c', ':']).error === undefined;

for (const shell of SHELLS) {
  test.runIf(hasTools && isHere(shell))(
    `in ${shell.join(' ')} a machine fetches its files byte for byte, mode for mode`,
    async () => {
      const bundle = await real();
      const fetched = sealedOf(bundle);
      const source = await server(whole(fetched.content), certificates.current);
      const made = box(source.origin, bundle, fetched);
      expectInPlace(made, await made.run(trusting, shell), bundle);
      expect(source.requests).toEqual([`/boot/${sealedName('cp1', fetched)}?X-Amz-Signature=${SIGNATURE}`]);
      expect(made.has('/var/lib/cloud/scripts/per-boot/bootstrap')).toBe(false);
    },
  );
}

tools('an http server is as good, with IPv6 alone too', async () => {
  const source = await server(well, undefined, '::1');
  const made = box(source.origin);
  expectInPlace(made, await made.run());
});

tools('a redirect is followed', async () => {
  const source = await server(well, certificates.current);
  const first = await server(redirected(`${source.origin}/elsewhere`));
  const made = box(first.origin);
  expectInPlace(made, await made.run(trusting));
});

tools('a proxy of the environment is used', async () => {
  const proxy = await server(well);
  const made = box('http://files.invalid');
  expectInPlace(made, await made.run({ http_proxy: proxy.origin }));
  expect(proxy.requests[0]).toMatch(/^http:\/\/files\.invalid\/boot\//);
});

tools('what comes later than the machine is waited for: network, upload, and a download that was cut off', async () => {
  const source = await server(
    inTurn(refused(403), refused(404), cut(sealed.content), cutSilently(sealed.content), refused(200), well),
  );
  const made = box(source.origin);
  const tried = await made.run({ BOOTSTRAP_FETCH_FOR: '30' });
  expectInPlace(made, tried);
  expect(source.requests.length).toBe(6);
  const what = `bootstrap: the payload cannot be fetched from 127.0.0.1:${source.port} yet: `;
  expect(tried.stderr.split('\n').map((line) => line.replace(/; it is tried for \d+ seconds more$/, '…'))).toEqual([
    // once for 403 and 404, and once for what is no such file
    `${what}curl: (22) The requested URL returned error: 403; has it been uploaded, and has its address not expired?…`,
    expect.stringMatching(/curl: \(18\) transfer closed with \d+ bytes remaining to read…$/),
    expect.stringMatching(/what came has the SHA-256 [0-9a-f]{64}, not [0-9a-f]{64}…$/),
    'bootstrap: all is in place, and the kubelet starts',
    '',
  ]);
});

test.runIf(hasTools).each<readonly [string, Answer, RegExp]>([
  ['403', refused(403), /error: 403; has it been uploaded, and has its address not expired\?/],
  ['404', refused(404), /error: 404; has it been uploaded, and has its address not expired\?/],
  ['500', refused(500), /error: 500;/],
  ['an empty file', whole(Buffer.alloc(0)), /what came has the SHA-256 e3b0c442/],
  ['a page of a portal', refused(200), /what came has the SHA-256 [0-9a-f]{64}, not [0-9a-f]{64};/],
  ['a file that was changed', whole(Buffer.from(sealed.content).reverse()), /what came has the SHA-256/],
  ['a download that is always cut off', cut(sealed.content), /transfer closed with \d+ bytes remaining/],
  ['a download that is cut off in silence', cutSilently(sealed.content), /what came has the SHA-256/],
  ['a server that never answers', hanging(), /timed out|too slow/],
  ['a server that stops in the middle', hanging(sealed.content), /timed out|too slow/],
  ['a redirect in a circle', redirected('/boot/'), /Maximum \(50\) redirects followed/],
  ['a redirect to a file of the machine', redirected('file:///etc/bootstrap/key'), /Protocol "file"/],
])('%s leaves the machine untouched, which comes up once the cause is gone', async (_, answer, said) => {
  const source = await server(answer);
  const made = box(source.origin);
  await expectUntouched(made, said);
  source.now(well);
  expectInPlace(made, await made.run());
});

tools('a server that hangs keeps nobody longer than was said', async () => {
  const source = await server(hanging());
  const made = box(source.origin);
  const { status, stderr, seconds } = await made.run({ BOOTSTRAP_FETCH_FOR: '3' });
  expect(status).toBe(1);
  expect(stderr).toMatch(/Operation too slow/);
  expect(seconds).toBeLessThan(6);
  expect(source.requests.length).toBeGreaterThan(1);
});

tools('a server that takes the connection and does not begin with TLS is given up as well', async () => {
  const silent = createServer((socket) => stops.push(() => socket.destroy() && undefined));
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  stops.push(() => silent.close() && undefined);
  const { port } = silent.address() as AddressInfo;
  await expectUntouched(box(`https://127.0.0.1:${port}`), /curl: \(28\) .*time/);
});

tools('a name that does not resolve is said', async () => {
  const made = box('http://files.invalid');
  await expectUntouched(made, /fetched from files\.invalid: curl: \(6\) Could not resolve host: files\.invalid;/);
  const proxy = await server(well);
  expectInPlace(made, await made.run({ http_proxy: proxy.origin }));
});

tools('a port that nobody listens at is said', async () => {
  const source = await server(well);
  await source.stop();
  await expectUntouched(box(source.origin), /fetched from 127\.0\.0\.1:\d+: curl: \(7\) Failed to connect/);
});

tools('a certificate of an unknown CA is said, and what the clock says', async () => {
  const source = await server(well, certificates.current);
  const made = box(source.origin);
  const today = new Date().toISOString().slice(0, 11);
  const clock = `is that CA known here, and is the clock right \\(${today}[0-9:]{8}Z\\)\\?;`;
  await expectUntouched(made, new RegExp(`curl: \\(60\\) SSL .*; ${clock}`));
  expectInPlace(made, await made.run(trusting));
});

tools('so is one that is not valid yet by this clock', async () => {
  const source = await server(well, certificates.later);
  await expectUntouched(box(source.origin), /not yet valid; is that CA known here, and is the clock right/, trusting);
});

tools('a wrong key leaves the machine untouched', async () => {
  const source = await server(well);
  const made = box(source.origin);
  made.write('/etc/bootstrap/key', `${seal(Buffer.from('another')).key.reveal()}\n`, 0o600);
  await expectUntouched(made, /cannot be decrypted with the key of this user-data: /);
  made.write('/etc/bootstrap/key', `${sealed.key.reveal()}\n`, 0o600);
  expectInPlace(made, await made.run());
});

tools('so does one that openssl takes for right, as 1 of 256 is', async () => {
  const noise = seal(randomBytes(4000));
  const source = await server(whole(noise.content));
  await expectUntouched(box(source.origin, FEW, noise), /cannot be decrypted with the key of this user-data: gzip: /);
});

for (const missing of ['curl', 'openssl'])
  tools(`a machine without ${missing} says so before anything else`, async () => {
    const source = await server(well);
    const made = box(source.origin);
    made.record();
    rmSync(join(made.beside, 'bin', missing));
    // nor is it where install.sh looks besides
    made.write(INSTALL, made.read(INSTALL).replace(/:\}\/usr\/sbin:\S+"$/m, '}"'), 0o700);
    await expectUntouched(
      made,
      new RegExp(`^bootstrap: there is no ${missing}: the image has to bring it; nothing was changed\n$`),
      { PATH: join(made.beside, 'bin') },
    );
    expect(source.requests).toEqual([]);
  });

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { firstBootFiles } from '../../../src/deliver/user-data/first-boot.ts';
import { packPayload } from '../../../src/deliver/user-data/payload.ts';
import { urlFor } from '../../../src/deliver/user-data/seal.ts';
import { needTool } from '../../support/tools.ts';
import { FEW, sealedOf } from './fetch-box.ts';
import { type FetchServer, fetchServer } from './fetch-server.ts';
import { machineOf, PACKAGE, SCRIPTS } from './scratch.ts';

const tools = test.runIf(needTool('curl'));
const dir = mkdtempSync(join(tmpdir(), 'bootstrap-address-'));
const file = join(dir, 'fetch');
let server: FetchServer;
beforeAll(async () => {
  server = await fetchServer((response) => response.end());
});
afterAll(async () => {
  await server.stop();
  rmSync(dir, { recursive: true });
});

/** What curl asks for, with the options of fetch.sh, where the user-data names this address. */
async function asked(url: string): Promise<readonly string[]> {
  const secrets = { kind: 'fetch', url, sealed: sealedOf(FEW) } as const;
  const files = firstBootFiles(machineOf(FEW), secrets, packPayload(FEW), SCRIPTS);
  writeFileSync(file, files.find(({ path }) => path.endsWith('/fetch'))?.content ?? '');
  server.requests.splice(0);
  const child = spawn('curl', ['-gfsSL', '-K', file, '-o', '/dev/null'], { stdio: ['ignore', 'ignore', 'pipe'] });
  await once(child, 'close');
  return server.requests.splice(0);
}

test('fetch.sh gives curl the options that are tried here', () => {
  expect(readFileSync(join(PACKAGE, 'templates/user-data/fetch.sh'), 'utf8')).toContain(' curl -gfsSL ');
});

tools('curl asks for any address just as it was given', async () => {
  const chars = "abcXYZ019-._~:@!$&'()*+,;=[]%";
  const word = fc.string({ unit: fc.constantFrom(...chars), minLength: 1, maxLength: 30 });
  // . and .. are walked, by every client
  const segment = word.filter((text) => !/^(?:\.|%2e){1,2}$/i.test(text));
  const query = fc.string({ unit: fc.constantFrom(...chars, '/', '?'), maxLength: 200 });
  await fc.assert(
    fc.asyncProperty(fc.array(segment, { minLength: 1, maxLength: 4 }), query, async (path, search) => {
      const target = `/${path.join('/')}?x=${search}`;
      const url = urlFor(`${server.origin}${target}`, 'cp1', 'file');
      expect(await asked(url)).toEqual([url.slice(server.origin.length)]);
    }),
    { numRuns: 60 },
  );
});

tools('nothing in an address is read as curl configuration or as a pattern of several', async () => {
  // most of them are refused before: what writes the configuration does not rely on that
  for (const target of ['/{a,b}', '/[1-3]', '/?a="b', '/?a=\\"b\\', '/?a=\\n\\t', '/?a=b"\\nurl=x', "/?'#'"])
    expect(await asked(`${server.origin}${target}`), target).toEqual([target.replace(/#.*/, '')]);
});

tools('an address as long as the longest limit of user-data is read whole', async () => {
  const target = `/?X-Amz-Security-Token=${'A'.repeat(12_000)}`;
  expect(await asked(`${server.origin}${target}`)).toEqual([target]);
});

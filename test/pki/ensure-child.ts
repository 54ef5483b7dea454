import './kill-at.ts';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ensurePki } from '../../src/pki/ensure.ts';
import { acceptGiven, takeIn } from '../../src/pki/external/accept.ts';
import { pkiInventory } from '../../src/pki/inventory.ts';
import { generateKey } from '../../src/pki/keys.ts';
import { openPkiStore } from '../../src/pki/store.ts';
import { testCluster, threeMasters } from './clusters.ts';

/** A program for `kill.test.ts`: `DIR`, then names for the apiserver; or `renew`, `renew-keeping-keys`, `import FILE`. */
async function main([dir = '', ...words]: readonly string[]): Promise<void> {
  if (words[0] === 'import') return importFile(dir, words[1] ?? '');
  const renews = words[0]?.startsWith('renew') === true;
  const inventory = pkiInventory(
    testCluster({ nodes: threeMasters, serve: 'pods.example.com', certSANs: renews ? [] : words }),
  );
  const paths = new Set(inventory.leaves.map(({ path }) => path));
  const renewal = { paths, named: false, within: undefined, keepKeys: words[0] === 'renew-keeping-keys' };
  await ensurePki(inventory, openPkiStore(dir), {
    now: new Date(),
    randomBytes,
    generateKey,
    renewBefore: 0,
    renewal: renews ? renewal : undefined,
  });
}

async function importFile(dir: string, name: string): Promise<void> {
  const inventory = pkiInventory(testCluster({ nodes: threeMasters, serve: 'pods.example.com' }));
  const given = [{ name, text: readFileSync(name, 'utf8'), named: true }];
  const accepted = acceptGiven(inventory, openPkiStore(dir), given, { now: new Date(), renewBefore: 0 });
  await takeIn(accepted, openPkiStore(dir));
}

void main(process.argv.slice(2));

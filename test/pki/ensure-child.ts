import './kill-at.ts';
import { randomBytes } from 'node:crypto';
import { ensurePki } from '../../src/pki/ensure.ts';
import { pkiInventory } from '../../src/pki/inventory.ts';
import { generateKey } from '../../src/pki/keys.ts';
import { openPkiStore } from '../../src/pki/store.ts';
import { testCluster, threeMasters } from './clusters.ts';

/** A program for `kill.test.ts`: `DIR`, then names for the apiserver, or `renew` or `renew-keeping-keys`. */
async function main([dir = '', ...words]: readonly string[]): Promise<void> {
  const renews = words[0]?.startsWith('renew') === true;
  const inventory = pkiInventory(testCluster({ nodes: threeMasters, certSANs: renews ? [] : words }));
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

void main(process.argv.slice(2));

import './kill-at.ts';
import { randomBytes } from 'node:crypto';
import { ensurePki } from '../../src/pki/ensure.ts';
import { pkiInventory } from '../../src/pki/inventory.ts';
import { generateKey } from '../../src/pki/keys.ts';
import { openPkiStore } from '../../src/pki/store.ts';
import { testCluster, threeMasters } from './clusters.ts';

/** A program for `kill.test.ts`. */
async function main([dir = '', ...certSANs]: readonly string[]): Promise<void> {
  const inventory = pkiInventory(testCluster({ nodes: threeMasters, certSANs }));
  await ensurePki(inventory, openPkiStore(dir), { now: new Date(), randomBytes, generateKey, renewBefore: 0 });
}

void main(process.argv.slice(2));

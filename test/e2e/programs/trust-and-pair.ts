import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { Agent } from 'node:https';
import { join } from 'node:path';

/** Where the CAs of the cluster directory lie, also while they are being rotated. */
const CAS = ['ca.crt', 'etcd/ca.crt', 'rotation/new/ca.crt', 'rotation/new/etcd/ca.crt'];

/** Ways to one master that are kept open. */
interface Ways {
  readonly etcd: Agent;
  readonly api: Agent;
}

/**
 * Trusts every CA that the cluster has had since the beginning, since what is asked is whether a member is well and not
 * whom it trusts; shows etcd the client certificate that the cluster directory has at the time.
 */
export function trustAndPair(dir: string, node: string): () => Ways {
  const pair = join(dir, 'pki/nodes', node, 'etcd/healthcheck-client');
  const files = [...CAS.map((name) => join(dir, 'pki', name)), `${pair}.crt`, `${pair}.key`];
  const trusted = new Set<string>();
  let read = '';
  let ways: Ways | undefined;
  return () => {
    const stamp = files.map(stampOf).join();
    if (ways && stamp === read) return ways;
    try {
      const [cert, key] = [readFileSync(`${pair}.crt`, 'utf8'), readFileSync(`${pair}.key`, 'utf8')];
      // the key is put there first
      if (!isPair(cert, key)) throw new Error(`${pair}: not a pair yet`);
      for (const file of files.slice(0, CAS.length)) if (existsSync(file)) trusted.add(readFileSync(file, 'utf8'));
      ways?.etcd.destroy();
      ways?.api.destroy();
      const ca = [...trusted];
      ways = { etcd: new Agent({ keepAlive: true, ca, cert, key }), api: new Agent({ keepAlive: true, ca }) };
      read = stamp;
    } catch (error) {
      // it is being written just now
      if (!ways) throw error;
    }
    return ways;
  };
}

function stampOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false });
  return found ? `${found.ino} ${found.mtimeMs}` : '-';
}

function isPair(certificate: string, key: string): boolean {
  return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
}

import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { startTime } from '../../base/process-start.ts';

/**
 * One run of this program as a node's lock names it. The token tells the process, so that a later run on the same machine
 * knows that it has ended: its lock need not be waited for.
 */
export interface Holder {
  /** `host~boot~pid-namespace~pid~start-time~random`; boot, namespace and start time are empty where there is no /proc. */
  readonly token: string;
  /** The token is that of a process of this machine which has ended. */
  isDead(token: string): boolean;
}

/** This process. Reads /proc. */
export function thisHolder(): Holder {
  const here = [hostname(), read('/proc/sys/kernel/random/boot_id'), pidNamespace()].map(plain);
  const parts = [...here, String(process.pid), startTime(process.pid), randomBytes(6).toString('hex')];
  return {
    token: parts.join('~'),
    isDead(token) {
      const [host, boot, namespace, pid = '', started = ''] = token.split('~');
      // of other machines, and of other containers on this one, no process can be seen
      if (host !== here[0] || !boot || boot !== here[1] || namespace !== here[2]) return false;
      return /^\d+$/.test(pid) && started !== '' && startTime(Number(pid)) !== started;
    },
  };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch {
    return '';
  }
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

/** Nothing that would end a field. */
function plain(text: string): string {
  return text.replace(/[^A-Za-z0-9.-]/g, '');
}

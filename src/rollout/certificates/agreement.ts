import type { Certificate } from '../../pki/certificate.ts';
import { fingerprintOf } from '../../pki/list/facts.ts';
import type { Life } from '../../pki/list/life.ts';

/** How a certificate that was found elsewhere stands to the one in the cluster directory. */
export type Found = 'same' | 'older' | 'newer' | 'other' | 'absent';

/** A certificate of the cluster directory, and where else it should be found. */
export interface Agreement {
  /** In the node's files; `unreachable` where those could not be looked at. */
  readonly node: Found | 'unreachable';
  /** In a TLS handshake; `silent` where there was none, undefined where no process shows it. */
  readonly process: Found | 'silent' | undefined;
  /** `same`, `the node has an older one`, `the process still shows an older one`. */
  readonly text: string;
}

interface Known extends Life {
  readonly fingerprint: string;
}

export function compared(known: Known | undefined, found: Certificate | undefined): Found {
  if (!found) return 'absent';
  if (!known) return 'other';
  if (fingerprintOf(found) === known.fingerprint) return 'same';
  const age = found.notBefore - known.notBefore || found.notAfter - known.notAfter;
  return age < 0 ? 'older' : age > 0 ? 'newer' : 'other';
}

const WORDS = { older: 'an older one', newer: 'a newer one', other: 'another one' } as const;

/** @param processAndNode whether the process shows what is in the node's file */
export function agreement(node: Agreement['node'], process: Agreement['process'], processAndNode: boolean): Agreement {
  return { node, process, text: words(node, process, processAndNode) };
}

function words(node: Agreement['node'], process: Agreement['process'], processAndNode: boolean): string {
  if (node === 'unreachable') return 'the node cannot be reached';
  const file = node === 'same' ? '' : node === 'absent' ? 'the node has none' : `the node has ${WORDS[node]}`;
  if (process === undefined) return file || 'same';
  if (process === 'silent') return `${file || 'same on the node'}, the process shows none`;
  if (process === 'same' || process === 'absent') return file ? `${file}, the process shows this one` : 'same';
  // it follows from the other
  if (processAndNode) return file;
  const shown = process === 'older' ? 'still shows an older one' : `shows ${WORDS[process]}`;
  return file ? `${file}, the process ${shown}` : `the process ${shown}`;
}

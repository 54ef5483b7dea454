import type { AuthorityName, KeyPair, NodeLeaf, Pki } from '../../pki/pki.ts';
import { ProbeError } from '../probe/probe-error.ts';
import type { Sight } from '../sight.ts';

/** One pair of components and whether the one gets through to the other. */
export interface Connection {
  readonly from: string;
  readonly to: string;
  readonly ok: boolean;
  /** What was seen, in words. */
  readonly seen: string;
}

/** What is asked of the masters' processes, and as whom. */
export interface ConnectivityInput {
  /** Of all masters; each knows where its processes listen (`learn`). */
  readonly sights: ReadonlyMap<string, MasterSight>;
  /** Of the present phase: who everybody is, whom they trust, and which CA has issued what the servers show. */
  readonly pki: Pki;
  /** Since when everything is as it shall be, milliseconds since 1970: a lease that was renewed before proves nothing. */
  readonly since?: number;
  readonly signal: AbortSignal;
}

export type MasterSight = Pick<
  Sight,
  'node' | 'endpoints' | 'reach' | 'api' | 'apiServer' | 'controllerManager' | 'scheduler'
>;

/** Seconds that one answer may take. */
export const ANSWER_SECONDS = 10;

/** A way from one to another that is still to be tried. */
export interface Trial {
  readonly from: string;
  readonly to: string;
  /** What was seen where it worked. @throws ProbeError and the like where it did not */
  readonly act: () => Promise<string>;
}

/** Says in words why a trial did not come out well. */
export class Unproven extends Error {}

/** Tries it; never throws but where it was interrupted. */
export async function tried({ from, to, act }: Trial, signal: AbortSignal): Promise<Connection> {
  try {
    return { from, to, ok: true, seen: await act() };
  } catch (error) {
    if (signal.aborted) throw error;
    return { from, to, ok: false, seen: seenOf(error) };
  }
}

/** What was seen, without who. */
export function seenOf(error: unknown): string {
  if (error instanceof ProbeError) return error.seen;
  return error instanceof Error ? error.message : String(error);
}

/** @throws Unproven where the Pki has no such CA */
export function bundleOf(pki: Pki, name: AuthorityName): string {
  const bundle = pki.authorities.get(name)?.bundle;
  if (bundle === undefined) throw new Unproven(`there is no CA ${name}`);
  return bundle;
}

/** The certificate of a node, where it has one of that use. */
export function leafOf(pki: Pki, node: string, leaf: NodeLeaf): KeyPair | undefined {
  return pki.nodes.get(node)?.get(leaf);
}

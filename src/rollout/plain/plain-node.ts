import type { Transport } from '../../deliver/transport/transport.ts';
import type { Master } from '../apply/master.ts';
import { type Health, kubeletHealth } from '../probe/health.ts';

/** One host with a kubelet and nothing of the control plane: what it shall have, and the ways to it. */
export interface PlainNode extends Master {
  /** What its kubelet says of itself at this port of its loopback. Never throws. */
  kubeletHealth(port: number): Promise<Health>;
}

/** Asks a node's kubelet how it is, through the transport. */
export function kubeletThrough(transport: Transport, signal: AbortSignal): PlainNode['kubeletHealth'] {
  return async (port) => {
    try {
      const way = await transport.forward('127.0.0.1', port);
      return await kubeletHealth(`the kubelet of ${transport.node}`, way, { seconds: 5, signal });
    } catch (error) {
      return { ok: false, failing: [], seen: error instanceof Error ? error.message : String(error) };
    }
  };
}

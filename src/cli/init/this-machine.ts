import { createSocket } from 'node:dgram';
import { hostname, networkInterfaces } from 'node:os';
import type { NewNode } from './new-cluster.ts';

/**
 * This machine as a node: its host name and the address from which it would reach the rest of the world, which is
 * kubeadm's choice too (that of the default route). Without a route: the first address that is not loopback.
 * @returns undefined where it has no usable address
 */
export async function thisMachine(): Promise<NewNode | undefined> {
  const name = hostname().toLowerCase();
  const address = (await routedAddress()) ?? firstAddress();
  return address === undefined ? undefined : { name, addresses: [address] };
}

/** Connecting a UDP socket sends nothing; it only makes the kernel choose a source address. 192.0.2.0/24 is TEST-NET-1. */
function routedAddress(): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const done = (address?: string) => {
      socket.close();
      resolve(address && !address.startsWith('127.') && address !== '0.0.0.0' ? address : undefined);
    };
    socket.once('error', () => done());
    socket.connect(9, '192.0.2.1', () => done(socket.address().address));
  });
}

function firstAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return (
    all.find((a) => !a.internal && a.family === 'IPv4')?.address ??
    all.find((a) => !a.internal && !a.address.startsWith('fe80'))?.address
  );
}

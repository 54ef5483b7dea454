import { isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';

/**
 * An IP address in the one form in which it is compared and written into certificates, or undefined where the text is
 * not one. IPv4 in IPv6 (`::ffff:10.0.0.1`) is IPv4, as Go's net.ParseIP has it; zones are refused, as there.
 *
 * Not `net.isIPv6`: the first call compiles an expression for 4 ms, and every etcd certificate holds `::1`.
 */
export function canonicalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  if (!text.includes(':') || text.includes('%') || !ipaddr.IPv6.isValid(text)) return undefined;
  // ipaddr.js takes the long deprecated `::10.0.0.1` for `::ffff:10.0.0.1`; it is `::a00:1`.
  const address = ipaddr.process(text.replace(/^::(?=[0-9]+\.)/, '0::'));
  return address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString();
}

/** The 4 or 16 bytes of a canonical address. */
export function addressBytes(address: string): Buffer {
  return Buffer.from(ipaddr.parse(address).toByteArray());
}

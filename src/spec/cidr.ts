import ipaddr from 'ipaddr.js';
import { isAddress } from './names.ts';

export type Family = 4 | 6;

/** An IP network. `first` is the network address as a number. */
export interface Cidr {
  readonly text: string;
  readonly family: Family;
  readonly bits: number;
  readonly first: bigint;
  readonly last: bigint;
}

export function familyOf(address: string): Family {
  return address.includes(':') ? 6 : 4;
}

/** The address as a number; the caller has checked that it is one. */
function addressNumber(address: string): bigint {
  return ipaddr
    .parse(address)
    .toByteArray()
    .reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/** The text of an address of that family: IPv6 in its short RFC 5952 form. */
export function addressText(value: bigint, family: Family): string {
  const length = family === 4 ? 4 : 16;
  const bytes = Array.from({ length }, (_, i) => Number((value >> BigInt(8 * (length - 1 - i))) & 255n));
  const parsed = ipaddr.fromByteArray(bytes);
  return parsed instanceof ipaddr.IPv6 ? parsed.toRFC5952String() : parsed.toString();
}

/** Reads one `address/bits`. */
export function parseCidr(text: string): Cidr | { readonly error: string } {
  const show = JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
  const match = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text);
  const address = match?.[1] ?? '';
  if (!match || !isAddress(address)) return { error: `${show} is not an IP network such as 10.96.0.0/12` };
  const family = familyOf(address);
  const width = family === 4 ? 32 : 128;
  const bits = Number(match[2]);
  if (bits > width) return { error: `${show}: /${bits} is more than the ${width} bits of an IPv${family} address` };
  const size = 1n << BigInt(width - bits);
  const first = (addressNumber(address) / size) * size;
  return { text, family, bits, first, last: first + size - 1n };
}

/** Reads one network, or two of different families with a comma between them. */
export function parseCidrList(text: string): readonly Cidr[] | { readonly error: string } {
  const out: Cidr[] = [];
  for (const part of text.split(',')) {
    const cidr = parseCidr(part.trim());
    if ('error' in cidr) return cidr;
    out.push(cidr);
  }
  if (out.length > 2)
    return { error: `${JSON.stringify(text)} holds ${out.length} networks; at most one of each family` };
  if (out.length === 2 && out[0]?.family === out[1]?.family) {
    return {
      error: `${JSON.stringify(text)} holds two IPv${out[0]?.family} networks; dual stack takes one of each family`,
    };
  }
  return out;
}

export function overlaps(a: Cidr, b: Cidr): boolean {
  return a.family === b.family && a.first <= b.last && b.first <= a.last;
}

export function contains(cidr: Cidr, address: string): boolean {
  const value = addressNumber(address);
  return familyOf(address) === cidr.family && value >= cidr.first && value <= cidr.last;
}

/** The `index`-th address of a network, e.g. 1 for the API service and 10 for cluster DNS. */
export function nthAddress(cidr: Cidr, index: number): string {
  return addressText(cidr.first + BigInt(index), cidr.family);
}

const UNUSABLE: Readonly<Record<string, string>> = {
  unspecified: 'the wildcard address',
  loopback: 'a loopback address',
  multicast: 'a multicast address',
  broadcast: 'the broadcast address',
  linkLocal: 'a link-local address',
  ipv4Mapped: 'an IPv4 address in IPv6 form',
};

/** Why other machines cannot reach this address (Go: IsGlobalUnicast); undefined where they can. */
export function unusableAddress(address: string): string | undefined {
  return UNUSABLE[ipaddr.parse(address).range()];
}

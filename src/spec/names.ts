import { isIP } from 'node:net';

/** An RFC 1123 label: lower-case letters, digits and "-", at most 63. */
export function isDnsLabel(text: string): boolean {
  return text.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(text);
}

/** An RFC 1123 subdomain as Kubernetes takes it for names of objects. */
export function isSubdomain(text: string): boolean {
  return text.length <= 253 && text.split('.').every(isDnsLabel);
}

/** An IP address without a zone; `010.0.0.1` and the like are refused, as Go refuses them. */
export function isAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes('%');
}

/** An RFC 1123 DNS name that is not an IP address written wrongly (`10.0.0.999`). */
export function isDnsName(text: string): boolean {
  return isSubdomain(text) && !/^[0-9.]+$/.test(text);
}

/** Where the private key lies for which a certificate was requested from a CA kept elsewhere; relative to `pki/`. */
export function pendingKey(path: string): string {
  return `pending/${path}.key`;
}

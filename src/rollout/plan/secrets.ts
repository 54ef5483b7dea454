/**
 * What gives away a key, a token or a password in a text. Files that were ours are known to be open; but what lies in
 * their place may be somebody else's: kubeadm's controller-manager.conf embeds a private key.
 */
const TELLTALE =
  /PRIVATE KEY-----|Bearer [\w.-]|(?:^|[\s{,-])["']?(?:[\w-]*-key-data|(?:[\w-]*-)?token|password|secret|staticPodURLHeader)["']?\s*:/m;

/** The start of `-----BEGIN` in base64, up to the end of what is encoded. */
const ENCODED_PEM = /LS0tLS1CRUdJTi[A-Za-z0-9+/=]+/g;

/** Whether a text may hold something that must never be shown. */
export function mayHoldSecret(content: Buffer | undefined): boolean {
  if (!content) return false;
  const text = content.toString('latin1');
  if (TELLTALE.test(text)) return true;
  return (text.match(ENCODED_PEM) ?? []).some((base64) =>
    Buffer.from(base64, 'base64').toString('latin1').includes('PRIVATE KEY'),
  );
}

import type { Pem } from '../../base/pem.ts';
import { type Certificate, publicKeyOf, readCertificates } from '../../pki/certificate.ts';
import { PemError, pemBlocks } from '../../pki/pem-blocks.ts';

/**
 * The CA that is given up, outgoing in words, and the one that takes its place; each as PEM, normally one certificate. On
 * the way back of a rotation it is the new one that is given up.
 */
export interface CaPair {
  readonly old: Pem;
  readonly fresh: Pem;
}

export type Trust = 'both' | 'old' | 'fresh' | 'neither';

/**
 * Which of two CAs a bundle trusts. A CA is known by its name and key: another certificate of the same CA verifies the
 * same leaves.
 * @param bundle PEM as somebody else wrote it; what in it is no certificate counts for nothing, as Go has it
 */
export function trustIn(bundle: string, { old, fresh }: CaPair): Trust {
  const held = certificatesOf(bundle);
  const holds = (pem: Pem) => certificatesOf(pem).some((ca) => held.some((one) => sameCa(one, ca)));
  const [hasOld, hasFresh] = [holds(old), holds(fresh)];
  if (hasOld && hasFresh) return 'both';
  return hasOld ? 'old' : hasFresh ? 'fresh' : 'neither';
}

/** Whether a bundle trusts all of these CAs; with `exactly`, and no other one. */
export function trustsAll(bundle: string, wanted: Pem, how: 'at-least' | 'exactly'): boolean {
  const [held, all] = [certificatesOf(bundle), certificatesOf(wanted)];
  const isThere = (ca: Certificate, some: readonly Certificate[]) => some.some((one) => sameCa(one, ca));
  const hasAll = all.every((ca) => isThere(ca, held));
  return hasAll && (how === 'at-least' || held.every((ca) => isThere(ca, all)));
}

/** Whether one of these CAs has signed a certificate. By the signature: old and new CA bear the same name. */
export function comesFrom(leaf: Certificate, ca: Pem): boolean {
  return certificatesOf(ca).some((issuer) => {
    if (!leaf.issuer.equals(issuer.subject)) return false;
    try {
      return leaf.x509().verify(publicKeyOf(issuer));
    } catch (error) {
      if (!(error instanceof PemError)) throw error;
      return false;
    }
  });
}

/** The certificates of a text that was written by others; what is none, or is damaged, is passed over. */
export function certificatesOf(text: string): readonly Certificate[] {
  return blocksOf(text).flatMap(({ label, pem }) => {
    if (label !== 'CERTIFICATE') return [];
    try {
      return readCertificates(pem);
    } catch (error) {
      if (!(error instanceof PemError)) throw error;
      return [];
    }
  });
}

function blocksOf(text: string): ReturnType<typeof pemBlocks> {
  try {
    return pemBlocks(text);
  } catch (error) {
    if (!(error instanceof PemError)) throw error;
    return [];
  }
}

function sameCa(a: Certificate, b: Certificate): boolean {
  return a.subject.equals(b.subject) && a.publicKey.equals(b.publicKey);
}

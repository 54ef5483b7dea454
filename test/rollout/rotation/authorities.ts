import { randomBytes } from 'node:crypto';
import type { Pem, SecretPem } from '../../../src/base/pem.ts';
import { readCertificate } from '../../../src/pki/certificate.ts';
import type { Subject } from '../../../src/pki/inventory.ts';
import { generateKey, privateKey } from '../../../src/pki/keys.ts';
import type { AuthorityName, KeyPair } from '../../../src/pki/pki.ts';
import { issueAuthority, issueLeaf } from '../../../src/pki/x509.ts';

const DAY = 86_400_000;
const issuing = (days: number) => ({ serial: randomBytes(16), now: new Date(), validity: days * DAY });

/** A CA of the cluster, as `init` makes it. */
export interface MadeAuthority {
  readonly name: AuthorityName;
  readonly certificate: Pem;
  readonly key: SecretPem;
  issue(subject: Subject, more?: { readonly addresses?: readonly string[]; readonly days?: number }): Promise<KeyPair>;
}

const NAMES = { kubernetes: 'kubernetes', etcd: 'etcd-ca', 'front-proxy': 'front-proxy-ca' } as const;

/** @param given the same CA again, with another certificate, where it is its key */
export async function madeAuthority(name: AuthorityName = 'kubernetes', given?: SecretPem): Promise<MadeAuthority> {
  const key = given ?? (await generateKey('ECDSA-P256'));
  const entry = { name, path: 'ca', subject: { commonName: NAMES[name] } };
  const certificate = await issueAuthority(entry, key, issuing(1000));
  const signer = { certificate: readCertificate(certificate), key: privateKey(key) };
  return {
    name,
    certificate,
    key,
    issue: async (subject, { addresses = [], days = 30 } = {}) => {
      const own = await generateKey('ECDSA-P256');
      const leaf = {
        use: { kind: 'admin' },
        path: 'x',
        authority: name,
        subject,
        usages: ['serverAuth', 'clientAuth'],
        dnsNames: [],
        addresses,
      } as const;
      return { certificate: await issueLeaf(leaf, own, signer, issuing(days)), key: own };
    },
  };
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

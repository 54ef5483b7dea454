import { randomBytes } from 'node:crypto';
import type { SecretPem } from '../../src/base/pem.ts';
import { readCertificate } from '../../src/pki/certificate.ts';
import { generateKey, privateKey } from '../../src/pki/keys.ts';
import { issueAuthority, issueLeaf } from '../../src/pki/x509.ts';

const DAY = 86_400_000;

/** A CA to make servers and clients of. */
export interface TestAuthority {
  readonly ca: string;
  issue(options?: LeafOptions): Promise<{ readonly certificate: string; readonly key: SecretPem }>;
}

interface LeafOptions {
  readonly dnsNames?: readonly string[];
  readonly addresses?: readonly string[];
  /** Days from now. */
  readonly made?: number;
  readonly validity?: number;
}

export async function testAuthority(commonName = 'kubernetes'): Promise<TestAuthority> {
  const caKey = await generateKey('ECDSA-P256');
  const subject = { commonName };
  const issuing = (made: number, validity: number) => ({
    now: new Date(Date.now() + made * DAY),
    serial: randomBytes(16),
    validity: validity * DAY,
  });
  const ca = await issueAuthority({ name: 'kubernetes', path: 'ca', subject }, caKey, issuing(-100, 1000));
  return {
    ca,
    issue: async ({ dnsNames = ['kubernetes'], addresses = ['10.0.0.11'], made = 0, validity = 30 } = {}) => {
      const key = await generateKey('ECDSA-P256');
      const certificate = await issueLeaf(
        {
          use: { kind: 'admin' },
          path: 'x',
          authority: 'kubernetes',
          subject: { commonName: 'kube-apiserver' },
          usages: ['serverAuth', 'clientAuth'],
          dnsNames,
          addresses,
        },
        key,
        { certificate: readCertificate(ca), key: privateKey(caKey) },
        issuing(made, validity),
      );
      return { certificate, key };
    },
  };
}

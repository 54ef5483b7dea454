import { errorAt, type Fault } from '../../base/fault.ts';
import { SecretPem } from '../../base/pem.ts';
import { type Certificate, readCertificate } from '../certificate.ts';
import { PemError, pemBlocks, unlessDamaged } from '../pem-blocks.ts';

/** A file that somebody hands in. */
export interface GivenFile {
  /** How to call it. */
  readonly name: string;
  readonly text: string;
  /** It was named itself; otherwise it was found in a directory, and may be none of our business. */
  readonly named: boolean;
}

export interface GivenCertificate {
  readonly file: GivenFile;
  readonly certificate: Certificate;
  /** That of a CA, and not of what it has signed. */
  readonly isAuthority: boolean;
}

export interface GivenKey {
  readonly file: GivenFile;
  readonly key: SecretPem;
}

/** What is in the files that were handed in. */
export interface Given {
  readonly certificates: readonly GivenCertificate[];
  readonly keys: readonly GivenKey[];
  /** Files that were named and hold nothing of use, or are damaged. */
  readonly faults: readonly Fault[];
}

/** Takes the certificates and private keys out of PEM files, several in one where there are. Requests are skipped. */
export function readGiven(files: readonly GivenFile[]): Given {
  const certificates: GivenCertificate[] = [];
  const keys: GivenKey[] = [];
  const faults: Fault[] = [];
  for (const file of files) {
    const before = certificates.length + keys.length;
    const damaged = ({ message, hint }: PemError) => faults.push(errorAt(undefined, `${file.name}: ${message}`, hint));
    unlessDamaged(() => {
      const blocks = pemBlocks(file.text);
      for (const { label, pem } of blocks) {
        if (label === 'CERTIFICATE') certificates.push(certificateIn(file, pem));
        else if (label.endsWith('PRIVATE KEY')) keys.push({ file, key: new SecretPem(pem) });
      }
      if (file.named && certificates.length + keys.length === before) throw nothingOfUse(blocks);
    }, damaged);
  }
  return { certificates, keys, faults };
}

function certificateIn(file: GivenFile, pem: string): GivenCertificate {
  const certificate = readCertificate(pem);
  return { file, certificate, isAuthority: certificate.x509().ca };
}

function nothingOfUse(blocks: readonly { readonly label: string }[]): PemError {
  if (blocks.some(({ label }) => label.endsWith('CERTIFICATE REQUEST')))
    return new PemError('is a request, not what a CA has made of it');
  return new PemError('holds no certificate in PEM form', 'openssl x509 -inform DER -in FILE makes PEM of DER');
}

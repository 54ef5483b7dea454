import { execFile } from 'node:child_process';
import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { certificatesIn } from '../authorities.ts';
import { type Json, listAt, textAt } from '../json.ts';

export interface SigningPair {
  readonly certificate: string;
  readonly key: string;
}

const KUBELET_SIGNER = 'kubernetes.io/kube-apiserver-client-kubelet';
const DAY_MS = 86_400_000;
const LONGEST_DAYS = 365;
const EXTENSIONS = `keyUsage=critical,digitalSignature
extendedKeyUsage=clientAuth
basicConstraints=critical,CA:FALSE
`;

/** @throws Error in kube-controller-manager's words where it is not exactly one certificate and its key */
export function signingPair(certFile: string, keyFile: string): SigningPair {
  const [certificate, key] = [readFileSync(certFile, 'utf8'), readFileSync(keyFile, 'utf8')];
  const found = certificatesIn(certificate).length;
  if (found !== 1) throw new Error(`error reading CA cert file "${certFile}": expected 1 certificate, found ${found}`);
  if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key)))
    throw new Error(`error reading CA cert file "${certFile}": tls: private key does not match public key`);
  return { certificate, key };
}

/** A kubelet asks for itself (pkg/controller/certificates/approver: isSelfNodeClientCert); nobody has denied it. */
export const mayBeSigned = (request: Json): boolean =>
  textAt(request, 'spec', 'signerName') === KUBELET_SIGNER &&
  textAt(request, 'spec', 'username').startsWith('system:node:') &&
  !listAt(request, 'status', 'conditions').some((each) => textAt(each, 'type') === 'Denied');

/** A client certificate for a request in PEM, for a year or as long as the CA's lasts. */
export async function signed(csr: string, { certificate, key }: SigningPair): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'bootstrap-world-signing-'));
  try {
    const file = (name: string, text: string): string => {
      writeFileSync(join(dir, name), text, { mode: 0o600 });
      return join(dir, name);
    };
    const left = Date.parse(new X509Certificate(certificate).validTo) - Date.now();
    const days = Math.max(1, Math.min(LONGEST_DAYS, Math.floor(left / DAY_MS)));
    const pair = ['-CA', file('ca.crt', certificate), '-CAkey', file('ca.key', key)];
    const serial = ['-set_serial', `0x40${randomBytes(15).toString('hex')}`, '-days', String(days), '-sha256'];
    const args = ['x509', '-req', '-in', file('csr', csr), ...pair, ...serial, '-extfile', file('ext', EXTENSIONS)];
    return (await promisify(execFile)('openssl', args)).stdout;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

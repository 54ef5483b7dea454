import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { ApiClient } from '../api-client.ts';
import { textAt } from '../json.ts';
import type { Pair } from './kubelet-identity.ts';
import type { MachineSettings } from './settings.ts';

const PATH = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const WAIT_MS = 15_000;

/**
 * Asks the API for a client certificate of this node and waits until it is signed
 * (client-go/util/certificate/certificate_manager.go: rotateCerts).
 * @throws Error where it does not get one
 */
export async function requestCertificate(api: ApiClient, settings: MachineSettings, node: string): Promise<Pair> {
  const dir = mkdtempSync(join(settings.state, 'request-'));
  try {
    const [keyFile, csrFile] = [join(dir, 'key'), join(dir, 'csr')];
    const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile];
    const subject = ['-subj', `/O=system:nodes/CN=system:node:${node}`];
    await promisify(execFile)('openssl', ['req', '-new', ...newKey, ...subject, '-out', csrFile]);
    const key = readFileSync(keyFile, 'utf8');
    const name = `csr-${randomBytes(4).toString('hex')}`;
    const { status, text } = await api.request(PATH, {
      method: 'POST',
      body: {
        apiVersion: 'certificates.k8s.io/v1',
        kind: 'CertificateSigningRequest',
        metadata: { name },
        spec: {
          request: readFileSync(csrFile).toString('base64'),
          signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
          usages: ['digital signature', 'client auth'],
        },
      },
    });
    if (status >= 300) throw new Error(`cannot create certificate signing request: ${text}`);
    for (const end = Date.now() + WAIT_MS; Date.now() < end; await delay(500)) {
      const { body } = await api.request(`${PATH}/${name}`);
      const certificate = Buffer.from(textAt(body, 'status', 'certificate'), 'base64').toString('utf8');
      if (certificate) return { cert: certificate, key };
    }
    throw new Error(`certificate request ${name} was not signed in time`);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

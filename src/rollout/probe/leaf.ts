import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Reach } from '../../deliver/transport/transport.ts';
import { type ClientTls, connectTo, rawBytes, tlsSettings } from './connect.ts';
import { failureOf } from './failure.ts';
import { ProbeError } from './probe-error.ts';

/** The certificate that a server shows, as it says of itself; nothing of it is verified. */
export interface ServedLeaf {
  /** Hex, lower case. */
  readonly serial: string;
  /** SHA-256 of the DER, hex, lower case. */
  readonly fingerprint: string;
  /** One line: `O=system:nodes, CN=system:node:cp1`. */
  readonly subject: string;
  readonly issuer: string;
  /** `DNS:localhost`, `IP:10.0.0.11`. */
  readonly sans: readonly string[];
  /** ISO 8601. */
  readonly notBefore: string;
  readonly notAfter: string;
}

export interface LeafOptions {
  readonly reach: Reach;
  /** Sent as server name where it is one: a server may have several certificates. */
  readonly name?: string;
  /** For servers that show theirs only to those who have one. */
  readonly client?: ClientTls['client'];
  readonly seconds?: number;
  readonly signal?: AbortSignal;
}

/** What {@link servedCertificate} gives, in words. */
export async function servedLeaf(what: string, options: LeafOptions): Promise<ServedLeaf> {
  return leafOf(await servedCertificate(what, options));
}

/**
 * Shakes hands once and gives the certificate that is served just then; no trust is needed for that, none is implied.
 * @param what how messages call the server
 * @throws ProbeError; the signal's reason where aborted
 */
export function servedCertificate(what: string, options: LeafOptions): Promise<X509Certificate> {
  const { reach, name = '', client, seconds = 5, signal } = options;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    let socket: Socket | undefined;
    const end = (give: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      give();
      socket?.destroy();
    };
    const onAbort = () => end(() => reject(signal?.reason));
    const timer = setTimeout(
      () => end(() => reject(new ProbeError(what, 'timeout', `no TLS handshake within ${seconds} s`))),
      seconds * 1000,
    );
    const onFailure = (error: unknown) => {
      const bytesRead = socket ? rawBytes(socket) : 0;
      const { problem, seen } = failureOf(error, { reach, identity: undefined, ready: false, bytesRead });
      end(() => reject(new ProbeError(what, problem, seen)));
    };
    signal?.addEventListener('abort', onAbort);
    try {
      socket = connectTo(reach, tlsSettings(what, { server: undefined, ...(client && { client }) }, name));
    } catch (error) {
      end(() => reject(error));
      return;
    }
    socket.on('error', onFailure);
    socket.on('close', () => onFailure(Object.assign(new Error('closed'), { code: 'ECONNRESET' })));
    socket.on('secureConnect', () => {
      const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
      end(() =>
        certificate
          ? resolve(certificate)
          : reject(new ProbeError(what, 'tls', 'it shows no certificate in the TLS handshake')),
      );
    });
  });
}

function leafOf(certificate: X509Certificate): ServedLeaf {
  const oneLine = (name: string | undefined) => (name ?? '').replaceAll('\n', ', ');
  return {
    serial: certificate.serialNumber.toLowerCase(),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    sans: (certificate.subjectAltName?.split(', ') ?? []).map((san) => san.replace(/^IP Address:/, 'IP:')),
    notBefore: new Date(certificate.validFrom).toISOString(),
    notAfter: new Date(certificate.validTo).toISOString(),
  };
}

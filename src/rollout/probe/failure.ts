import type { Reach } from '../../deliver/transport/transport.ts';
import type { ProbeProblem } from './probe-error.ts';

/** How far a connection got before it failed. */
export interface Progress {
  readonly reach: Reach;
  /** The name or address that the server had to prove. */
  readonly identity: string | undefined;
  /** The TLS handshake was done; with plain HTTP, the connection stood. */
  readonly ready: boolean;
  /** Bytes that came from the other side. */
  readonly bytesRead: number;
}

interface Failure {
  readonly problem: ProbeProblem;
  readonly seen: string;
}

const EXPIRED = 'CERT_HAS_EXPIRED';
const OURS_EXPIRED = 'it finds our client certificate expired';

/** OpenSSL's X509_V_ERR_… as Node names them; the code stays in the sentence, to be looked up. */
const CERTIFICATE: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; is this clock right?',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is of an unknown CA',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate is of an unknown CA',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is of an unknown CA',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is of an unknown CA',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed, not of this cluster’s CA',
  CERT_SIGNATURE_FAILURE: 'its certificate is of another CA with the same name',
  INVALID_CA: 'its certificate is of something that is no CA',
  INVALID_PURPOSE: 'its certificate is not for servers',
  CERT_REVOKED: 'its certificate is revoked',
};

/** What the other side says of our certificate before it hangs up: TLS alerts, RFC 8446 section 6. */
const ALERTS: readonly (readonly [RegExp, string])[] = [
  [/ALERT_UNKNOWN_CA|unknown ca/i, 'it does not know the CA of our client certificate'],
  [/ALERT_(BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE)|bad certificate/i, 'it refuses our client certificate'],
  [/ALERT_CERTIFICATE_EXPIRED|certificate expired/i, OURS_EXPIRED],
  [/ALERT_(CERTIFICATE_UNKNOWN|ACCESS_DENIED)|certificate unknown/i, 'it refuses our client certificate'],
  [/CERTIFICATE_REQUIRED|certificate required/i, 'it wants a client certificate'],
  [/WRONG_VERSION_NUMBER|wrong version number|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST/i, 'it does not speak TLS'],
  [/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/i, 'it speaks no version of TLS that is safe'],
  [/HANDSHAKE_FAILURE|handshake failure/i, 'no TLS settings that both sides take'],
];

const NO_WAY = new Set(['EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENOTFOUND', 'EAI_AGAIN', 'EADDRNOTAVAIL']);

/** What an error of a socket or of TLS means. */
export function failureOf(error: unknown, progress: Progress): Failure {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  const message = error instanceof Error ? error.message : '';
  const isForwarded = 'path' in progress.reach;
  if (code === 'ECONNREFUSED' && !isForwarded) return { problem: 'refused', seen: 'nobody listens there' };
  if (isForwarded && (code === 'ECONNREFUSED' || code === 'ENOENT')) {
    return { problem: 'unreachable', seen: 'the connection to the node is gone' };
  }
  if (code === 'ETIMEDOUT') return { problem: 'timeout', seen: 'no answer to the attempt to connect' };
  if (NO_WAY.has(code)) return { problem: 'unreachable', seen: `no way there (${code})` };
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return { problem: 'tls', seen: wrongName(error, progress) };
  const certificate = CERTIFICATE[code];
  if (certificate) return { problem: code === EXPIRED ? 'expired' : 'tls', seen: `${certificate} (${code})` };
  if (code.startsWith('ERR_SSL_') || code === 'EPROTO' || code.startsWith('ERR_TLS_')) {
    const [, words = 'the TLS handshake failed'] = ALERTS.find(([p]) => p.test(code) || p.test(message)) ?? [];
    const problem = words === OURS_EXPIRED ? 'expired' : 'tls';
    return { problem, seen: `${words} (${code === 'EPROTO' ? reasonOf(message) : code})` };
  }
  if (code.startsWith('HPE_')) return { problem: 'answer', seen: `what it answers is not HTTP (${code})` };
  return hungUp(code, message, progress);
}

function hungUp(code: string, message: string, { ready, bytesRead }: Progress): Failure {
  const isReset =
    code === 'ECONNRESET' || code === 'EPIPE' || code === 'ECONNABORTED' || /socket hang up/.test(message);
  if (!isReset) return { problem: 'broken', seen: `the connection failed (${code || 'no reason given'})` };
  if (!ready && !bytesRead) return { problem: 'hung-up', seen: 'nobody listens there (it hangs up at once)' };
  return { problem: 'broken', seen: 'the connection broke off' };
}

function wrongName(error: unknown, { identity }: Progress): string {
  const names = error instanceof Error && 'cert' in error ? namesOf(error.cert) : '';
  return `its certificate is not for ${identity ?? 'that name'}${names && ` but for ${names}`}`;
}

function namesOf(certificate: unknown): string {
  const names =
    typeof certificate === 'object' && certificate !== null && 'subjectaltname' in certificate
      ? certificate.subjectaltname
      : undefined;
  return typeof names === 'string' ? names.replace(/(DNS|IP Address):/g, '') : '';
}

/** OpenSSL's own words out of `error:0A00010B:SSL routines:ssl3_get_record:wrong version number:…/ssl3_record.c:355:`. */
function reasonOf(message: string): string {
  return /:SSL routines:[^:]*:([^:]+):/.exec(message)?.[1] ?? 'EPROTO';
}

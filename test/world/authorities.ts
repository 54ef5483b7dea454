import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { onChange } from './watched.ts';

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

/** The certificates of a bundle, each as it stands there. */
export const certificatesIn = (text: string): readonly string[] =>
  text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];

export interface Authorities {
  /** Whether a client with this certificate is to be believed now: by issuer, time and use. */
  vouchesFor(certificate: X509Certificate): boolean;
  /** The bundle. */
  pem(): string;
}

/**
 * A file of CAs, read again when it changes; it counts for the next request on an open connection too. One that is empty or
 * damaged changes nothing (apiserver/pkg/server/dynamiccertificates/dynamic_cafile_content.go).
 */
export function authoritiesIn(file: string, log: (line: string) => void = console.error) {
  let text = '';
  let all: readonly X509Certificate[] = [];
  // certificate → the CAs that have issued it, of those in `all`; begun anew with these
  let issuers = new WeakMap<X509Certificate, readonly X509Certificate[]>();
  const read = (): void => {
    const now = readFileSync(file, 'utf8');
    const found = certificatesIn(now).map((pem) => new X509Certificate(pem));
    if (!found.length) throw new Error(`missing content for CA bundle "${file}"`);
    text = now;
    all = found;
    issuers = new WeakMap();
  };
  read();
  const stop = onChange([file], () => {
    try {
      read();
    } catch (error) {
      log(`E dynamic_cafile_content.go:230] ${String(error)}`);
    }
  });
  const issuersOf = (certificate: X509Certificate): readonly X509Certificate[] => {
    const known = issuers.get(certificate);
    if (known) return known;
    const found = all.filter((ca) => certificate.checkIssued(ca) && certificate.verify(ca.publicKey));
    issuers.set(certificate, found);
    return found;
  };
  return {
    vouchesFor: (certificate: X509Certificate): boolean => {
      const { keyUsage } = certificate as { keyUsage?: readonly string[] };
      if (keyUsage && !keyUsage.includes(CLIENT_AUTH)) return false;
      return isCurrent(certificate) && issuersOf(certificate).some(isCurrent);
    },
    pem: () => text,
    stop,
  } satisfies Authorities & { stop(): void };
}

const lives = new WeakMap<X509Certificate, readonly [from: number, to: number]>();

export function isCurrent(certificate: X509Certificate): boolean {
  // asked at each request: the dates are read once
  const life = lives.get(certificate) ?? [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  lives.set(certificate, life);
  const now = Date.now();
  return life[0] <= now && now <= life[1];
}

const peers = new WeakMap<object, X509Certificate>();

/** The client's certificate of a request's connection, whoever has issued it; undefined where it has shown none. */
export function clientCertificate({ socket }: IncomingMessage): X509Certificate | undefined {
  const known = peers.get(socket);
  if (known) return known;
  const found = (socket as TLSSocket).getPeerX509Certificate();
  if (found) peers.set(socket, found);
  return found;
}

/** Values of a field of its subject: `CN`, `O`. */
export const subjectOf = ({ subject }: X509Certificate, field: string): readonly string[] =>
  subject.split('\n').flatMap((part) => (part.startsWith(`${field}=`) ? [part.slice(field.length + 1)] : []));

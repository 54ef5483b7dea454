import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { Reach } from '../../deliver/transport/transport.ts';
import { readCertificates } from '../../pki/certificate.ts';
import type { CallOptions } from './api-client.ts';
import type { ClientTls } from './connect.ts';
import { servedCertificate } from './leaf.ts';
import { ProbeError } from './probe-error.ts';

/**
 * What is wrong with a server's certificate besides its time. OpenSSL goes on after each thing that it finds and tells of
 * the last one, which is the leaf's time (crypto/x509/x509_vfy.c, internal_verify): an expired server of another cluster
 * looks just like one of ours.
 * @returns in words; undefined where it is of one of the trusted CAs, for the name that was asked for, and expired
 * @throws the signal's reason where aborted
 */
export async function besidesExpired(
  what: string,
  reach: Reach,
  tls: ClientTls | undefined,
  options: CallOptions,
): Promise<string | undefined> {
  const { server, client } = tls ?? {};
  if (!server) return undefined;
  const name = isIP(server.identity) ? {} : { name: server.identity };
  try {
    const leaf = await servedCertificate(what, { reach, ...name, ...(client && { client }), ...options });
    return wrongBesidesTime(leaf, server, Date.now());
  } catch (error) {
    // that it is gone now, or says no more, changes nothing in what was seen before
    if (error instanceof ProbeError) return undefined;
    throw error;
  }
}

function wrongBesidesTime(
  leaf: X509Certificate,
  { ca, identity }: NonNullable<ClientTls['server']>,
  now: number,
): string | undefined {
  const issuer = readCertificates(ca)
    .map((certificate) => certificate.x509())
    .find((each) => each.ca && leaf.checkIssued(each) && leaf.verify(each.publicKey));
  if (!issuer) return 'its certificate is of an unknown CA, and has expired';
  const isForIt = isIP(identity) ? leaf.checkIP(identity) : leaf.checkHost(identity);
  if (isForIt === undefined) return `its certificate is not for ${identity}, and has expired`;
  return Date.parse(leaf.validTo) > now ? 'the CA of its certificate has expired' : undefined;
}

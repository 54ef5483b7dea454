import { connect as connectRaw, isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls, createSecureContext, type SecureContext } from 'node:tls';
import type { SecretPem } from '../../base/pem.ts';
import type { Reach } from '../../deliver/transport/transport.ts';
import { ProbeError } from './probe-error.ts';

export interface ClientTls {
  /**
   * The PEM certificates that are trusted, and the IP address or DNS name that the server's certificate must hold.
   * Undefined = any certificate will do: only where nothing secret is sent and a lie does no harm.
   */
  readonly server: { readonly ca: string; readonly identity: string } | undefined;
  /** Shown to a server that asks for it. */
  readonly client?: { readonly certificate: string; readonly key: SecretPem };
}

/** What node:tls is given for each connection. */
interface TlsSettings {
  readonly secureContext: SecureContext;
  readonly rejectUnauthorized: boolean;
  readonly servername: string;
  readonly checkServerIdentity: typeof checkServerIdentity;
}

/** @throws ProbeError `tls` where our own certificate, key or CA cannot be used */
export function tlsSettings(what: string, { server, client }: ClientTls, name = server?.identity ?? ''): TlsSettings {
  return {
    secureContext: secureContext(what, server?.ca, client),
    rejectUnauthorized: server !== undefined,
    // RFC 6066 section 3: an IP address is no server name
    servername: isIP(name) ? '' : name,
    // not by the host of the connection, which is this machine's end of a forwarded port
    checkServerIdentity: (_host, certificate) => checkServerIdentity(server?.identity ?? '', certificate),
  };
}

function secureContext(what: string, ca: string | undefined, client: ClientTls['client']): SecureContext {
  try {
    return createSecureContext({
      minVersion: 'TLSv1.2',
      ...(ca !== undefined && { ca }),
      ...(client && { cert: client.certificate, key: client.key.reveal() }),
    });
  } catch {
    // OpenSSL's error is left out: nothing that has seen the key goes into a message
    throw new ProbeError(what, 'tls', 'our own certificate, its key or the CA cannot be used');
  }
}

/** The connection below one with TLS. */
const raw = new WeakMap<Socket, Socket>();

/**
 * Connects. No session is ever resumed: a server that was restarted has to show its certificate again.
 * @param tls undefined = no TLS
 */
export function connectTo(reach: Reach, tls: TlsSettings | undefined): Socket {
  const socket = connectRaw({ ...reach });
  if (!tls) return socket;
  const secured = connectTls({ ...tls, socket });
  raw.set(secured, socket);
  socket.on('error', (error) => secured.destroy(error));
  return secured;
}

/** Bytes that came over the wire; with TLS, `bytesRead` counts only what was in it. */
export function rawBytes(socket: Socket): number {
  return (raw.get(socket) ?? socket).bytesRead;
}

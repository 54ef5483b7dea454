import type { Transport } from '../../deliver/transport/transport.ts';

/**
 * Whether anybody on the node listens on a TCP port, at whatever address, as its kernel has it; undefined where that
 * cannot be read. A forwarded port does not say it: sshd closes it both where nobody listens and where it may not forward.
 * @throws BootstrapError `unreachable`
 */
export async function listens(transport: Transport, port: number, signal?: AbortSignal): Promise<boolean | undefined> {
  // one that is not there (a kernel without IPv6) makes `cat` fail, with the other one printed all the same
  const argv = ['cat', '/proc/net/tcp', '/proc/net/tcp6'];
  const { stdout } = await transport.run(argv, { seconds: 10, ...(signal && { signal }) });
  return listensIn(stdout.toString('latin1'), port);
}

/** TCP_LISTEN (include/net/tcp_states.h). */
const LISTEN = '0A';

/** Reads /proc/net/tcp: `sl local_address rem_address st …`, addresses as `0100007F:094B`. */
export function listensIn(table: string, port: number): boolean | undefined {
  if (!/^\s*sl\s+local_address/m.test(table)) return undefined;
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return new RegExp(`^\\s*\\d+: [0-9A-F]+:${hex} [0-9A-F]+:[0-9A-F]+ ${LISTEN} `, 'm').test(table);
}

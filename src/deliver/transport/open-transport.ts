import type { ClusterNode } from '../../spec/cluster.ts';
import { LocalTransport } from './local.ts';
import { removeRunDirsNow } from './run-dir.ts';
import { endOnNodesNow } from './run-on.ts';
import { endProgramsNow } from './run-program.ts';
import { closeSshNow, SshTransport } from './ssh.ts';
import type { Transport } from './transport.ts';

/** What one has to know of a node in order to reach it. */
type Reached = Pick<ClusterNode, 'name' | 'transport' | 'ssh'>;

/**
 * The way to a node that its cluster file names. Nothing is connected before the first `run` or `forward`.
 * @param runDir for the connections' sockets; from `makeRunDir`, and to be removed when all are closed
 */
export function openTransport(node: Reached, runDir: string): Transport {
  return node.transport === 'local' ? new LocalTransport(node.name) : new SshTransport(node, runDir);
}

/**
 * Ends all connections, what runs through them on the nodes as far as that can be reached, and removes the run
 * directories, before it returns. For a signal handler that ends the program; `close` is better where there is time.
 */
export function closeAllNow(): void {
  endOnNodesNow();
  closeSshNow();
  endProgramsNow();
  removeRunDirsNow();
}

import type { NodeAgent } from './agent.ts';

/** One line for each thing that is done to put a revision in place (templates/node/node.sh). */
const PATH = '/var/lib/bootstrap/transaction/changes';

/** '' where nothing is under way on the node. */
export async function transactionJournal(agent: Pick<NodeAgent, 'read'>): Promise<string> {
  return (await agent.read([PATH])).get(PATH)?.toString() ?? '';
}

import { errorAt, type Fault, warningAt } from '../../base/fault.ts';
import { type Listener, overlapping } from '../listeners.ts';

/** No two processes of one node listen on the same port: all of them are in the host's network. */
export function checkPorts(listeners: readonly Listener[]): readonly Fault[] {
  const faults: Fault[] = [];
  for (const [i, second] of listeners.entries()) {
    for (const first of listeners.slice(0, i)) {
      if (first.port !== second.port || !overlapping(first.address, second.address)) continue;
      // The same URL twice in one flag is no clash; told at the one that somebody decided, if any.
      if (first.who === second.who && first.address === second.address) continue;
      const [mine, other] = first.isChosen && !second.isChosen ? [first, second] : [second, first];
      const message = `${mine.who}: port ${mine.port} is taken by ${other.who} on the same node`;
      // kube-proxy may well not be there: some network plugins do its work
      const isCertain = mine.component !== 'kube-proxy' && other.component !== 'kube-proxy';
      faults.push(isCertain ? errorAt(mine.at, message) : warningAt(mine.at, message));
    }
  }
  return faults;
}

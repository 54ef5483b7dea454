import type { ApplyEvent, Tell } from '../../rollout/apply/events.ts';
import { count } from '../format.ts';
import type { Io } from '../io.ts';
import { cutLine, worthALine } from './waiting-line.ts';

/** Turns what `apply` tells into lines, each beginning with the node it is about; what is waited for goes on one line that is written over. */
export function applyProgress(io: Io, nodes: readonly string[]): Tell {
  const width = Math.max(...nodes.map((name) => name.length));
  const waiting = new Map<string, string>();
  const show = () => io.progress(cutLine(io, [...waiting].map(([node, text]) => `${node}: ${text}`).join('   ')));
  const line = (node: string, text: string) => {
    io.progress('');
    io.note(`${io.color.bold(node.padEnd(width))}  ${text}`);
    show();
  };
  const isWorthIt = worthALine(io);
  const wait = (node: string, why: string, unmet: readonly string[]) => {
    const text = `${why} ${unmet[0] ?? ''}${unmet.length > 1 ? ` (+${unmet.length - 1})` : ''}`;
    waiting.set(node, text);
    if (isWorthIt(node)) line(node, text);
    else show();
  };
  return (event: ApplyEvent) => {
    if (event.kind === 'object') {
      io.note(`${event.object} ${event.what}`);
      return;
    }
    if (event.kind === 'order') {
      if (event.nodes.length > 1)
        io.note(
          event.together ? `All together: ${event.nodes.join(', ')}` : `One at a time: ${event.nodes.join(', ')}`,
        );
      return;
    }
    if (event.kind === 'plain-order') {
      const [first, ...others] = event.nodes;
      if (others.length) io.note(`${first} first, then ${others.join(', ')}, up to ${event.atOnce} at a time`);
      return;
    }
    const { node } = event;
    switch (event.kind) {
      case 'staged':
        return line(node, `revision ${event.revision} is on the node`);
      case 'gate':
        return wait(node, 'not yet safe:', event.unmet);
      case 'leader-moved':
        return line(node, `${event.to} leads etcd now`);
      case 'activated':
        waiting.delete(node);
        return line(node, `${count(event.files, 'file')} in place${KUBELET[event.kubelet] ?? ''}`);
      case 'proof':
        return wait(node, 'waits for', event.unmet);
      case 'unproven':
        for (const what of event.what) line(node, `${io.color.yellow('not proven:')} ${what}`);
        return;
      case 'committed':
        waiting.delete(node);
        return line(node, `${io.color.green('✓')} revision ${event.revision} works (${event.seconds.toFixed(1)} s)`);
      case 'reverting':
        waiting.delete(node);
        return line(node, `${io.color.red('✗')} ${event.why.join('; ')}: taking it back`);
      case 'reverted':
        return line(node, event.well ? 'is back at what it had, and well' : 'is back at what it had, but not well yet');
    }
  };
}

const KUBELET: Readonly<Record<string, string>> = {
  restart: ', kubelet restarted',
  reload: ', kubelet restarted with its new unit',
  start: ', kubelet started',
};

import type { NodeObservation } from './observe.ts';
import type { ClockSkew, Problem } from './status.ts';
import { timeInWords } from './words.ts';

/** etcd warns beyond it: "the clock difference against peer … is too high" (rafthttp, probing_status.go). */
const LIMIT = 1000;

/** Certificates are dated back by so much: a node further behind refuses new ones. */
const BACKDATED = 5 * 60_000;

/**
 * How far the node's clock is from this machine's. It was read at some moment between sending and receiving, so the
 * middle is the best guess and half the round trip is how wrong that can be.
 */
export function clockSkew({ contact }: NodeObservation): ClockSkew | undefined {
  if (contact.kind === 'unreachable') return undefined;
  const { sent, received } = contact.clock;
  // a small negative number is rounded to -0, which JSON does not know
  const milliseconds = Math.round(contact.facts.clock - (sent + received) / 2) + 0;
  const uncertainty = Math.ceil(Math.abs(received - sent) / 2);
  const isOff = Math.abs(milliseconds) - uncertainty > LIMIT;
  return { milliseconds, uncertainty, isOff, perhapsOff: !isOff && Math.abs(milliseconds) > LIMIT };
}

interface NodeClock {
  readonly node: string;
  readonly clock: ClockSkew;
}

/** `1.4 s ahead (± 0.2 s)`, `3 s behind this machine's`. */
export function skewInWords({ milliseconds, uncertainty }: ClockSkew, whose?: string): string {
  if (Math.abs(milliseconds) < 50 && uncertainty < 100 && whose === undefined) return 'right';
  const side = milliseconds < 0 ? 'behind' : whose === undefined ? 'ahead' : 'ahead of';
  const words = [timeInWords(milliseconds), side, ...(whose === undefined ? [] : [whose])].join(' ');
  return uncertainty >= 100 ? `${words} (± ${timeInWords(uncertainty)})` : words;
}

/** Clocks that are off for certain. Where all nodes agree with each other it is this machine's that is. */
export function clockProblems(clocks: readonly NodeClock[]): readonly Problem[] {
  const off = clocks.filter(({ clock }) => clock.isOff);
  const first = off[0];
  if (!first) return [];
  const skews = off.map(({ clock }) => clock.milliseconds);
  const spread = Math.max(...skews) - Math.min(...skews);
  const slack = 2 * Math.max(...off.map(({ clock }) => clock.uncertainty));
  if (off.length > 1 && off.length === clocks.length && spread - slack <= LIMIT) {
    const skew = { ...first.clock, milliseconds: -first.clock.milliseconds };
    const what = `the clock of this machine is ${skewInWords(skew, 'those of all nodes')}`;
    const hint = 'set it right: certificates issued here are dated by it';
    return [{ severity: 'warning', code: 'clock', node: undefined, component: undefined, what, hint }];
  }
  return off.map(({ node, clock }) => ({
    severity: Math.abs(clock.milliseconds) - clock.uncertainty > BACKDATED ? 'error' : 'warning',
    code: 'clock',
    node,
    component: undefined,
    what: `its clock is ${skewInWords(clock, "this machine's")}: etcd's leases and the lives of certificates go by it`,
    hint: `set it right and keep it so with chrony or systemd-timesyncd; \`timedatectl status\` on ${node} shows which one runs`,
  }));
}

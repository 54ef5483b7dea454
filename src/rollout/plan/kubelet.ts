import type { NodeFacts } from '../node-facts.ts';
import type { FileChange, KubeletAction } from '../plan.ts';
import type { Expired } from './expired.ts';

/** What `systemctl is-enabled` says of a unit that comes up at boot, or whose coming up is not its own business. */
const COMES_UP = new Set(['enabled', 'static', 'alias', 'generated', 'indirect', 'unknown']);
/** `unknown` is a node without systemd: nothing can be said of it, so nothing is done because of it. */
const RUNS = new Set(['active', 'reloading', 'unknown']);

/** What has to happen to the kubelet, and why. A file whose mode or owner alone changes is no reason. */
export function kubeletAction(
  { kubelet: { active, enabled }, current }: NodeFacts,
  changes: readonly FileChange[],
  expired: Expired['kubelet'],
): { readonly kubelet: KubeletAction; readonly kubeletWhy: readonly string[] } {
  const rewritten = changes.filter((change) => change.rewritten);
  const units = rewritten.filter(({ effect }) => effect.kind === 'kubelet-unit');
  const read = rewritten.filter(
    ({ effect }) => effect.kind === 'kubelet' || (effect.kind === 'pods' && effect.kubelet === true),
  );
  const start = [
    ...(current === undefined ? ['first delivery'] : []),
    ...(RUNS.has(active) ? [] : [active === 'absent' ? 'it is not there yet' : `it is ${active}`]),
    // that it is disabled goes without saying where it has never been delivered
    ...(COMES_UP.has(enabled) || current === undefined
      ? []
      : [`it does not come up at boot (${enabled || 'no unit'})`]),
  ];
  const files = [...units, ...read].map(({ kind, path }) => `${path} ${VERB[kind]}`);
  // it reads the certificate that it logs in with at its start (client-go, util/certificate: the store's current one)
  const why = [...(expired === undefined ? [] : ['its client certificate has expired']), ...files];
  if (start.length) return { kubelet: 'start', kubeletWhy: current === undefined ? start : [...start, ...why] };
  return { kubelet: units.length ? 'reload' : why.length ? 'restart' : 'none', kubeletWhy: why };
}

const VERB = { create: 'is new', change: 'changes', remove: 'goes' } as const;

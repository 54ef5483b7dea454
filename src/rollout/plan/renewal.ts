import { BootstrapError } from '../../base/errors.ts';
import { PKI } from '../../render/layout.ts';
import type { NodePlan } from '../plan.ts';
import type { Expired } from './expired.ts';

interface ExpiredNode {
  readonly node: string;
  readonly expired: Expired;
}

/** What a plan does besides bringing files that their readers read anew by themselves, in words that begin with the node. */
export function beyondRenewal({ node, changes, pods, kubelet }: NodePlan): readonly string[] {
  const read = changes.filter(({ rewritten, effect }) => rewritten && effect.kind !== 'none');
  const files = read.map(({ path }) => path);
  const manifests = new Set(read.flatMap(({ effect }) => (effect.kind === 'manifest' ? [effect.pod] : [])));
  const restarts = pods.filter(({ pod }) => !manifests.has(pod)).map(({ pod }) => pod);
  const units = kubelet === 'reload' && !files.length ? ['the unit of the kubelet'] : [];
  return [...files, ...restarts, ...units].map((what) => `${node}: ${what}`);
}

/** `etcd/server`. */
export function certificateName(path: string): string {
  return path.replace(`${PKI}/`, '').replace(/\.crt$/, '');
}

/** While they are expired a pod of etcd that restarts finds none of the others any more, and takes its part of the quorum along. */
export function onlyRenewalHelps(nodes: readonly ExpiredNode[], more: readonly string[]): BootstrapError {
  return new BootstrapError('refused', `${expiredText(nodes)}, and more than they would change: ${few(more)}`, {
    hint: 'renew them first, with the cluster file as it was when it was applied last: that restarts no pod; then make the change',
  });
}

export function stillExpired(nodes: readonly ExpiredNode[]): BootstrapError {
  const lines = nodes
    .filter(({ expired }) => expired.wanted.length)
    .map(({ node, expired }) => `${node} (${few(expired.wanted.map(certificateName))})`);
  return new BootstrapError(
    'refused',
    `${expiredText(nodes)}, and what they shall have has expired as well: ${few(lines)}`,
    {
      hint: '`bootstrap certs renew` issues them again; where a CA is kept elsewhere, `bootstrap certs csr` and `certs import`',
    },
  );
}

function expiredText(nodes: readonly ExpiredNode[]): string {
  const paths = nodes.flatMap(({ expired }) => expired.certificates.map(({ path }) => certificateName(path)));
  // those of etcd first: for them it is done in this way
  const names = [...new Set(paths)].sort((a, b) => Number(b.startsWith('etcd/')) - Number(a.startsWith('etcd/')));
  return `certificates of ${nodes.map(({ node }) => node).join(', ')} have expired (${few(names)})`;
}

const SHOWN = 3;

function few(items: readonly string[]): string {
  const rest = items.length - SHOWN;
  return rest > 1 ? `${items.slice(0, SHOWN).join(', ')} and ${rest} more` : items.join(', ');
}

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { BootstrapError } from '../base/errors.ts';
import { errorAt } from '../base/fault.ts';
import { wasRendered } from '../deliver/directory.ts';
import type { Inventory } from '../pki/inventory.ts';
import { JOURNAL } from '../pki/rotation/journal.ts';
import type { PkiStore } from '../pki/store.ts';
import type { Cluster } from '../spec/cluster.ts';
import type { Workspace } from './workspace.ts';

/**
 * Keeps a directory whose `pki/` was lost from being given another one, which would replace the last copies of the keys
 * that a living cluster runs with.
 * @param founding whether CAs may be made at all: only `init` founds a cluster
 * @throws BootstrapError `refused`, or `usage` where there is no PKI yet and this command makes none
 */
export function guardPki(
  space: Workspace,
  cluster: Cluster,
  inventory: Inventory,
  store: PkiStore,
  founding: boolean,
): void {
  const nodes = join(space.dir, 'nodes');
  const isRendered = wasRendered(nodes);
  const all = [...inventory.authorities.map((authority) => authority.path), 'sa'];
  // the first masters of a cluster bring their CAs with them: without masters there is one CA alone
  const grows = isRendered && store.read('ca.crt') !== undefined && !holdsMaster(nodes);
  const roots = grows ? all.filter((path) => path === 'ca' || path === 'sa') : all;
  const absent = roots.filter(
    (path) => !store.read(`${path}.key`) && !store.read(`${path}.crt`) && !store.read(`${path}.pub`),
  );
  const copies = (file: string) =>
    cluster.nodes.map((node) => join(nodes, node.name, 'etc/kubernetes/pki', file)).filter((path) => existsSync(path));
  if (absent.length && isRendered) {
    const missing = absent.map((path) => `pki/${path}${path === 'sa' ? '.key' : '.crt'}`).join(', ');
    const saved = [...copies('ca.key'), ...copies('sa.key')].map(space.show);
    throw new BootstrapError(
      'refused',
      `${missing} ${absent.length > 1 ? 'are' : 'is'} missing, but ${space.show(nodes)} was rendered with it`,
      {
        hint: `put pki/ back from your copy of it, or take it over with \`bootstrap init --pki DIR\`${saved.length ? `; ${saved.join(', ')} hold some of its keys` : ''}. To found a new cluster here, remove nodes/ too`,
      },
    );
  }
  if (absent.length && !founding) {
    throw new BootstrapError('usage', `${space.show(join(space.dir, 'pki'))} holds no PKI of this cluster yet`, {
      hint: '`bootstrap init` makes it, or puts back what `--pki DIR` holds',
    });
  }
  const [copy] = copies('ca.key');
  // in the middle of a rotation to a CA that is kept elsewhere the masters may still have the key of the old one
  if (store.read(JOURNAL)) return;
  if (copy && store.read('ca.crt') && !store.read('ca.key')) {
    const message = `${space.show(store.shown('ca.key'))} is missing, but ${space.show(copy)} is still there`;
    throw new BootstrapError('refused', message, {
      hint: 'copy it back; or, where that key is meant to be kept elsewhere, remove it from nodes/ too',
    });
  }
}

/** Whether a master is, or was, among the nodes whose files were rendered. */
function holdsMaster(nodes: string): boolean {
  return readdirSync(nodes).some((name) => existsSync(join(nodes, name, 'etc/kubernetes/pki/ca.crt')));
}

/** @throws BootstrapError `refused` where files that no run has written stand in the way */
export function refuseForeign(paths: readonly string[]): void {
  if (!paths.length) return;
  throw new BootstrapError(
    'refused',
    `${paths.length === 1 ? 'a file that bootstrap has not written is' : 'files that bootstrap has not written are'} in the way`,
    {
      faults: paths.map((path) => errorAt(undefined, `${path} would be overwritten`)),
      hint: 'move them away, or choose another directory with --dir',
    },
  );
}

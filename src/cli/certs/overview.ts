import { join } from 'node:path';
import { BootstrapError } from '../../base/errors.ts';
import { pkiInventory } from '../../pki/inventory.ts';
import { availablePki } from '../../pki/list/available.ts';
import { knownIssuers, listPki } from '../../pki/list/list-pki.ts';
import type { ListedKeys, ListedPki } from '../../pki/list/listed.ts';
import { openPkiStore } from '../../pki/store.ts';
import { planCluster } from '../../render/plan-cluster.ts';
import { type LiveView, liveView } from '../../rollout/certificates/live.ts';
import { type OnChange, onChange } from '../../rollout/certificates/on-change.ts';
import { placementOf, SERVICE_ACCOUNT_PLACE } from '../../rollout/certificates/placed.ts';
import { type CertificateRow, certificateRows } from '../../rollout/certificates/rows.ts';
import { fileUses } from '../../rollout/certificates/uses.ts';
import { allNodes } from '../../spec/all-nodes.ts';
import type { Cluster } from '../../spec/cluster.ts';
import type { Io } from '../io.ts';
import { loadChecked } from '../load.ts';
import { chosenNodes } from '../nodes.ts';
import type { CommonOptions } from '../options.ts';
import { type Workspace, workspace } from '../workspace.ts';
import { withCopies } from './copies.ts';

export interface OverviewOptions extends CommonOptions {
  readonly node?: readonly string[];
  readonly live?: boolean;
}

/** The service-account key, with what its replacement restarts. */
export interface KeysRow extends ListedKeys {
  readonly change: OnChange | undefined;
}

/** All certificates of a cluster, and with `--live` what its nodes have. */
export interface Overview {
  readonly space: Workspace;
  readonly cluster: Cluster;
  /** Of the chosen nodes, and what belongs to the cluster itself. */
  readonly rows: readonly CertificateRow[];
  readonly keys: KeysRow;
  readonly now: Date;
  readonly live: LiveView | undefined;
}

/**
 * Reads everything and changes nothing; neither missing nor expired certificates stop it, nor nodes that cannot be
 * reached.
 * @param within milliseconds: what counts as ending; where nothing is said what `render` would issue again
 * @throws BootstrapError `usage` where there is no PKI at all, `cluster-file`
 */
export async function overview(options: OverviewOptions, io: Io, within?: number): Promise<Overview> {
  const space = workspace(options);
  const { cluster, context } = await loadChecked(space, options);
  const chosen = chosenNodes(cluster, options.node);
  const inventory = pkiInventory(cluster);
  const store = openPkiStore(space.dir);
  const now = new Date();
  const listed = listPki(inventory, store, { now, within });
  refuseNothing(listed, space);

  const signs = store.read('ca.key') !== undefined;
  const plans = planCluster(cluster, context, signs);
  const placement = placementOf(cluster, inventory, context, signs);
  const uses = new Map(plans.map((plan) => [plan.input.node.name, fileUses(plan)]));
  const certificates = listed.certificates
    .filter(({ node }) => node === undefined || chosen.has(node))
    .map((row) => withCopies(row, cluster, space));
  const rows = certificateRows(certificates, plans, placement);
  // the same on every master, and on no other node
  const anyMaster = cluster.nodes[0]?.name ?? '';
  const keyFiles = placement.get(anyMaster)?.get(SERVICE_ACCOUNT_PLACE) ?? [];
  const keys = { ...listed.serviceAccount, change: onChange(keyFiles, uses.get(anyMaster) ?? []) };
  const common = { space, cluster, rows, keys, now };
  if (!options.live) return { ...common, live: undefined };

  const nodes = allNodes(cluster)
    .map(({ name }) => name)
    .filter((name) => chosen.has(name));
  const identities = availablePki(inventory, store);
  const { lookLive } = await import('./look-live.ts');
  const seen = await lookLive({ space, cluster, context, identities, plans, placement, nodes }, io);
  const issuerOf = knownIssuers(inventory, store);
  return { ...common, live: liveView({ rows, nodes, uses, placement, issuerOf, now: now.getTime(), within, ...seen }) };
}

/** Whether nodes were looked at, and none could be. */
export function noneReached({ live }: Overview): boolean {
  return live?.nodes.every(({ why }) => why !== undefined) ?? false;
}

function refuseNothing({ certificates, serviceAccount }: ListedPki, { show, dir }: Workspace): void {
  if (serviceAccount.hasKey || certificates.some(({ state }) => state !== 'missing')) return;
  throw new BootstrapError('usage', `${show(join(dir, 'pki'))} holds no PKI of this cluster yet`, {
    hint: '`bootstrap init` makes it, or puts back what `--pki DIR` holds',
  });
}

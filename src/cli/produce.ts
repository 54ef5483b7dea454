import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type AtomicFile, removeStaleTemps, writeFilesAtomic } from '../base/atomic-file.ts';
import { BootstrapError } from '../base/errors.ts';
import { type Fault, warningAt } from '../base/fault.ts';
import type { Bundle } from '../bundle/bundle.ts';
import { type DirectoryPlan, planDirectory, wasRendered, writeDirectory } from '../deliver/directory.ts';
import { ensurePki, type PkiChange } from '../pki/ensure.ts';
import { importPki } from '../pki/import.ts';
import { pkiInventory } from '../pki/inventory.ts';
import { generateKey } from '../pki/keys.ts';
import type { Pki } from '../pki/pki.ts';
import type { Renewal } from '../pki/renewal.ts';
import { inMemory, openPkiStore, type PkiStore } from '../pki/store.ts';
import { clusterKubeconfigs, renderCluster } from '../render/render.ts';
import type { ServedNode } from '../render/served.ts';
import { allNodes } from '../spec/all-nodes.ts';
import type { Cluster } from '../spec/cluster.ts';
import type { Json } from '../spec/tree.ts';
import type { CheckedCluster } from './load.ts';
import { guardPki, refuseForeign } from './pki-guard.ts';
import type { Workspace } from './workspace.ts';

export interface ProduceOptions {
  /** Milliseconds; by default 30 days, or a third of a certificate's life where that is less. */
  readonly renewBefore: number | undefined;
  readonly dryRun: boolean;
  /** What is issued again although it still fits. */
  readonly renewal?: Renewal;
  /** CAs may be made where there are none. */
  readonly founding: boolean;
  /** A directory whose CAs and service-account key are taken over first. */
  readonly importFrom?: string | undefined;
  /** Only these nodes are written; all by default. */
  readonly nodes?: ReadonlySet<string>;
  /** Is told how many keys have been made: RSA ones take a while. */
  readonly onKey?: (made: number) => void;
}

/** What a run has made, or with `dryRun` would make. */
export interface Produced {
  readonly bundles: readonly Bundle[];
  /** What `bootstrap serve` is to give out; nothing here publishes it. */
  readonly served: readonly ServedNode[];
  readonly pki: readonly PkiChange[];
  /** Certificates that were to be renewed, and whose CA's key is kept elsewhere. */
  readonly elsewhere: readonly string[];
  /** All certificates and keys, as they are (or would be) then. */
  readonly identities: Pki;
  readonly imported: readonly string[];
  /** What the user should know about what was taken over. */
  readonly notes: readonly string[];
  readonly nodes: DirectoryPlan;
  /** `admin.conf` and `super-admin.conf`, where they changed. */
  readonly kubeconfigs: readonly string[];
  readonly warnings: readonly Fault[];
}

const THIRTY_DAYS = 30 * 864e5;

/**
 * From Cluster to files: PKI, rendering, `nodes/` and the kubeconfigs of the cluster directory, in this order. Nothing
 * is written before the whole cluster has been checked. The caller holds the directory's lock.
 * @param beforeWriting is called when all checks have passed
 * @throws BootstrapError with all faults of the cluster, or saying what could not be read or written
 */
export async function produce(
  space: Workspace,
  { cluster, context }: CheckedCluster,
  options: ProduceOptions,
  beforeWriting?: () => Promise<void>,
): Promise<Produced> {
  const { dryRun } = options;
  const inventory = pkiInventory(cluster);
  if (options.renewBefore !== undefined && options.renewBefore >= inventory.certValidity) {
    throw new BootstrapError(
      'usage',
      '--renew-before is not shorter than certificates are valid (spec.pki.certValidity)',
      {
        hint: 'every run would issue all of them again',
      },
    );
  }
  const onDisk = openPkiStore(space.dir);
  const store = dryRun ? inMemory(onDisk) : onDisk;
  const importInto = async (target: PkiStore) =>
    options.importFrom === undefined
      ? undefined
      : importPki(resolve(options.importFrom), inventory, target, { now: new Date() });
  // tried out first: a PKI that cannot be taken over must not leave a cluster file behind, for the next run to found anew
  const trial = inMemory(onDisk);
  await importInto(trial);
  guardPki(space, cluster, inventory, trial, options.founding);
  const root = join(space.dir, 'nodes');
  const owns = wasRendered(root);
  if (!dryRun) await beforeWriting?.();
  const imported = await importInto(store);
  const renewBefore = options.renewBefore ?? Math.min(THIRTY_DAYS, inventory.certValidity / 3);
  let made = 0;
  const counted: typeof generateKey = async (algorithm) => {
    const key = await generateKey(algorithm);
    options.onKey?.(++made);
    return key;
  };
  const ensured = await ensurePki(inventory, store, {
    now: new Date(),
    randomBytes,
    generateKey: counted,
    renewBefore,
    renewal: options.renewal,
  });
  const rendered = renderCluster(cluster, ensured.pki, context);

  const chosen = options.nodes ?? new Set(allNodes(cluster).map((node) => node.name));
  const nodes = planDirectory(root, rendered.bundles, chosen);
  const kubeconfigs = clusterKubeconfigs(cluster, ensured.pki, context);
  const written = changedFiles(
    kubeconfigs.map(({ name, content }) => ({ path: join(space.dir, name), content, mode: 0o600 })),
  );
  refuseForeign([
    ...nodes.foreign.map((path) => space.show(join(root, path))),
    ...(owns ? [] : written.filter(isForeign).map(({ path }) => space.show(path))),
  ]);
  if (!dryRun) {
    removeStaleTemps(space.dir);
    await writeDirectory(
      root,
      rendered.bundles.filter((bundle) => chosen.has(bundle.node)),
      nodes,
    );
    await writeFilesAtomic(written, { durable: false });
  }
  return {
    bundles: rendered.bundles,
    served: rendered.served,
    pki: ensured.changes,
    elsewhere: ensured.elsewhere,
    identities: ensured.pki,
    imported: imported?.written ?? [],
    nodes,
    kubeconfigs: written.map(({ path }) => space.show(path)),
    notes: imported?.notes ?? [],
    warnings: [...ensured.warnings, ...rendered.warnings, ...leftBehind(space, cluster)],
  };
}

/** Certificates and keys of nodes that have left are never removed unasked, but they should not lie about for ever. */
function leftBehind(space: Workspace, cluster: Cluster): readonly Fault[] {
  const root = join(space.dir, 'pki/nodes');
  const names = new Set(allNodes(cluster).map((node) => node.name));
  const found = existsSync(root) ? readdirSync(root) : [];
  return found
    .filter((name) => !names.has(name) && !name.startsWith('.'))
    .map((name) =>
      warningAt(
        undefined,
        `${space.show(join(root, name))} holds keys of a node that has left the cluster`,
        'remove it once that machine is gone',
      ),
    );
}

/** Those that are not on disk with this very content and mode. */
function changedFiles(files: readonly AtomicFile[]): readonly AtomicFile[] {
  return files.filter(({ path, content, mode }) => {
    const stat = statSync(path, { throwIfNoEntry: false });
    return !stat || (stat.mode & 0o7777) !== mode || readFileSync(path, 'utf8') !== content.toString();
  });
}

/** A kubeconfig of another cluster, told by its CA. */
function isForeign({ path, content }: AtomicFile): boolean {
  const authority = /certificate-authority-data: \S+/.exec(content.toString())?.[0] ?? '';
  return existsSync(path) && !readFileSync(path, 'utf8').includes(authority);
}

/** A run's result as data for `-o json`; never a content. */
export function producedData({ pki, imported, nodes, kubeconfigs }: Produced): { readonly [key: string]: Json } {
  return {
    imported,
    certificates: pki.map(({ kind, path, reasons }) => ({ kind, path, reasons })),
    files: nodes.changes.map(({ kind, path, edited }) => ({ kind, path: `nodes/${path}`, edited })),
    kubeconfigs,
    strays: nodes.strays.map((path) => `nodes/${path}`),
    unchanged: nodes.unchanged,
  };
}

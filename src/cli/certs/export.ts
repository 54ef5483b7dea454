import { join, resolve } from 'node:path';
import { removeFiles } from '../../base/atomic-file.ts';
import { BootstrapError } from '../../base/errors.ts';
import { didYouMean } from '../../base/suggest.ts';
import { type ExportedAuthority, exportAuthorities, renderedKeys } from '../../pki/external/export.ts';
import { type Inventory, pkiInventory } from '../../pki/inventory.ts';
import type { AuthorityName } from '../../pki/pki.ts';
import { JOURNAL } from '../../pki/rotation/journal.ts';
import { openPkiStore } from '../../pki/store.ts';
import { printResult } from '../format.ts';
import { processIo } from '../io.ts';
import { loadChecked } from '../load.ts';
import type { CommonOptions } from '../options.ts';
import { produce } from '../produce.ts';
import { reportFaults } from '../report.ts';
import { confirm } from '../rollout/confirm.ts';
import { sameCluster } from '../same-cluster.ts';
import { withLock } from '../with-lock.ts';
import { type Workspace, workspace } from '../workspace.ts';
import { wrap } from '../wrap.ts';

export interface ExportOptions extends CommonOptions {
  readonly out?: string;
  readonly removeKey?: boolean;
  readonly yes?: boolean;
}

/** `certs export`: certificate and key of CAs, to be kept elsewhere; with `--remove-key` no longer here. */
export async function certsExport(options: ExportOptions, ...names: readonly string[]): Promise<number> {
  const io = processIo(options);
  const space = workspace(options);
  const loaded = await loadChecked(space, options);
  const inventory = pkiInventory(loaded.cluster);
  const chosen = authorityNames(inventory, names);
  if (options.out === undefined) throw new BootstrapError('usage', '--out is missing: where shall the copy go?');
  const out = resolve(options.out);
  const removes = options.removeKey === true;
  const work = async () => {
    const store = openPkiStore(space.dir);
    if (store.read(JOURNAL)) {
      throw new BootstrapError('refused', 'a rotation is under way: no CA is exported meanwhile', {
        hint: '`bootstrap certs rotate-ca --status` says how far it is',
      });
    }
    const exported = await exportAuthorities(inventory, store, chosen, out);
    if (!removes) return { exported, warnings: [] };
    io.note(removalText(exported, space, io.columns));
    await confirm(io, 'Remove it here?', options.yes);
    // the rendered copies first: a key that is only there would be taken for one that was lost
    const nodes = loaded.cluster.nodes.map(({ name }) => name);
    for (const { entry } of exported) {
      await removeFiles(renderedKeys(join(space.dir, 'nodes'), nodes, entry));
      await store.remove([`${entry.path}.key`]);
    }
    const { warnings } = await produce(space, loaded, { renewBefore: undefined, dryRun: false, founding: false });
    return { exported, warnings };
  };
  const { exported, warnings } = await withLock(space.dir, 'bootstrap certs export', io, work);
  reportFaults([...loaded.warnings, ...warnings], io);
  const data = {
    directory: space.show(out),
    authorities: exported.map(({ entry, written }) => ({
      name: entry.name,
      certificate: space.show(join(out, `${entry.path}.crt`)),
      key: space.show(join(out, `${entry.path}.key`)),
      wasThere: written.length === 0,
      removed: removes,
    })),
  };
  printResult(io, options.output, data, () => exportedText(exported, { space, out, removes, columns: io.columns }));
  return 0;
}

function authorityNames({ authorities }: Inventory, names: readonly string[]): readonly AuthorityName[] {
  const all = authorities.map(({ name }) => name);
  if (names.includes('all')) return all;
  for (const name of names) {
    if (all.some((each) => each === name)) continue;
    throw new BootstrapError('usage', `there is no CA ${JSON.stringify(name)}`, {
      hint: didYouMean(name, all) ?? `CAs: ${all.join(', ')}, or all`,
    });
  }
  return all.filter((name) => names.includes(name));
}

function removalText(exported: readonly ExportedAuthority[], { dir, show }: Workspace, columns: number): string {
  const files = exported.map(({ entry }) => show(join(dir, 'pki', `${entry.path}.key`))).join(', ');
  return [
    ...wrap(
      `${files} will be removed; what these CAs sign goes through \`bootstrap certs csr\` and \`certs import\` from then on.`,
      columns,
    ),
    ...(exported.some(({ entry }) => entry.name === 'kubernetes')
      ? wrap(
          'With the next `bootstrap apply` the masters lose the key of the cluster CA too: the controller-manager signs no certificates of kubelets any more, so no worker can join, and those that are there need another signer before theirs end.',
          columns,
        )
      : []),
  ].join('\n');
}

interface Shown {
  readonly space: Workspace;
  readonly out: string;
  readonly removes: boolean;
  readonly columns: number;
}

function exportedText(exported: readonly ExportedAuthority[], { space, out, removes, columns }: Shown): string {
  const lines = exported.map(({ entry, written }) => {
    const copy = space.show(join(out, entry.path));
    return `${entry.name}: ${copy}.crt and ${copy}.key${written.length ? '' : ' were there already'}`;
  });
  if (!removes) return lines.join('\n');
  const gone = exported.map(({ entry }) => space.show(join(space.dir, 'pki', `${entry.path}.key`))).join(', ');
  return [
    ...lines,
    `removed ${gone}`,
    ...wrap(`\`bootstrap certs import ${space.show(out)}${sameCluster(space)}\` brings it back.`, columns),
    ...(exported.some(({ entry }) => entry.name === 'kubernetes')
      ? ['', 'Next', `  bootstrap apply${sameCluster(space)}    takes it from the masters too`]
      : []),
  ].join('\n');
}

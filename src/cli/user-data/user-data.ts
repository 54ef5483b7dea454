import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BootstrapError } from '../../base/errors.ts';
import { systemErrorReason } from '../../base/system-error.ts';
import { readInstallScripts } from '../../deliver/user-data/install-script.ts';
import { type Own, readOwn } from '../../deliver/user-data/merge.ts';
import { checkUrl } from '../../deliver/user-data/seal.ts';
import { type UserData, userDataOf } from '../../deliver/user-data/user-data.ts';
import { PKI } from '../../render/layout.ts';
import { allNodes } from '../../spec/all-nodes.ts';
import { printResult } from '../format.ts';
import { processIo } from '../io.ts';
import { loadChecked } from '../load.ts';
import { chosenNodes } from '../nodes.ts';
import { produce } from '../produce.ts';
import { producedLines } from '../produced-lines.ts';
import { reportFaults } from '../report.ts';
import { keyProgress, withLock } from '../with-lock.ts';
import { workspace } from '../workspace.ts';
import { type UserDataOptions, wishOf } from './options.ts';
import { adviceText, userDataData, userDataText } from './text.ts';
import { type Written, writeUserData } from './write.ts';

const TO_STDOUT = '-';

/** `user-data`: renders as `apply` does, and writes what each machine is given at its first boot. */
export async function userData(options: UserDataOptions): Promise<number> {
  const io = processIo(options);
  const space = workspace(options);
  const wish = wishOf(options, options.merge === undefined ? undefined : readOwnFile(options.merge));
  const loaded = await loadChecked(space, options);
  const { cluster } = loaded;
  const chosen = chosenNodes(cluster, options.node);
  if (wish.secrets.kind === 'fetch') checkUrl(wish.secrets.url, [...chosen]);
  const isPiped = options.out === TO_STDOUT;
  if (isPiped && chosen.size > 1) {
    throw new BootstrapError('usage', `--out -: one file at a time, and these are ${chosen.size} nodes`, {
      hint: `add --node ${[...chosen][0]}`,
    });
  }
  const scripts = readInstallScripts(space.packageDir);
  const out = options.out === undefined ? join(space.dir, 'user-data') : resolve(options.out);
  const work = async () => {
    const settings = { renewBefore: undefined, dryRun: false, founding: false, onKey: keyProgress(io) };
    const produced = await produce(space, loaded, settings);
    io.progress('');
    const isChanged = produced.pki.length || produced.nodes.changes.length || produced.kubeconfigs.length;
    if (isChanged) for (const line of producedLines(produced, { dryRun: false, summary: false })) io.note(line);
    const made: UserData[] = [];
    for (const node of allNodes(cluster).filter(({ name }) => chosen.has(name))) {
      const bundle = produced.bundles.find((each) => each.node === node.name);
      if (bundle) made.push(await userDataOf(cluster, node, bundle, wish, scripts));
    }
    const written: readonly Written[] = isPiped
      ? []
      : await writeUserData(out, made, { ...wish, cluster: cluster.name, iso: options.iso === true }, space.show);
    const files = produced.bundles.filter(({ node }) => chosen.has(node)).flatMap((bundle) => bundle.files);
    return {
      made,
      written,
      warnings: produced.warnings,
      holds: {
        masters: cluster.nodes.some(({ name }) => chosen.has(name)),
        secrets: files.some(({ sensitive }) => sensitive),
        authority: files.some(({ path }) => path === `${PKI}/ca.key`),
      },
    };
  };
  const { made, written, warnings, holds } = await withLock(space.dir, 'bootstrap user-data', io, work);
  reportFaults([...loaded.warnings, ...warnings, ...(wish.own?.warnings ?? [])], io);
  if (isPiped) {
    process.stdout.write(made[0]?.document.content ?? '');
  } else {
    const shown = { made, written, wish };
    printResult(io, options.output, userDataData(shown), () => userDataText(shown));
  }
  for (const line of adviceText({ made, written, wish, holds, columns: io.columns })) io.note(line);
  return 0;
}

/** @throws BootstrapError `usage` where it cannot be read */
function readOwnFile(file: string): Own {
  try {
    return readOwn(file, readFileSync(file));
  } catch (error) {
    if (error instanceof BootstrapError) throw error;
    throw new BootstrapError('usage', `--merge ${file}: ${systemErrorReason(error)}`);
  }
}

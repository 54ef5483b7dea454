import { afterEach, beforeAll, expect, test } from 'vitest';
import { ignitionConfig } from '../../../src/deliver/user-data/ignition.ts';
import type { Machine } from '../../../src/deliver/user-data/machine.ts';
import { packPayload } from '../../../src/deliver/user-data/payload.ts';
import { revisionDirectories, revisionFiles } from '../../../src/deliver/user-data/record.ts';
import { apply, type Box, facts, makeBox } from '../../node/node-box.ts';
import { bootIgnition } from './ignition-machine.ts';
import { cp1, leftByInstall } from './left-by-install.ts';
import { filesOf, realBundles, SCRIPTS, SINGLE, treeOf } from './scratch.ts';

let machine: Machine;
let other: Machine;
const boxes: Box[] = [];
beforeAll(async () => {
  [machine, other] = [cp1(await realBundles(SINGLE)), cp1(await realBundles(SINGLE))];
});
afterEach(() => {
  for (const box of boxes.splice(0)) box.remove();
});

/** A machine right after its first boot, as the admin's side sees it. */
function bootedNode(): Box {
  const box = makeBox();
  boxes.push(box);
  const payload = packPayload(machine.bundle);
  bootIgnition(
    ignitionConfig({ machine, secrets: { kind: 'inline' }, scripts: SCRIPTS, payload, compress: true }),
    box.root,
  );
  return box;
}

test('the record is the one that the script of the first boot writes, but for the time', () => {
  const left = Object.entries(leftByInstall(machine)).filter(([path]) => path.startsWith('/var/lib/bootstrap'));
  const files = revisionFiles(machine).map(({ path, mode, content }) => [
    path,
    `file ${mode.toString(8)} ${content.toString('latin1')}`,
  ]);
  const directories = revisionDirectories(machine).map(({ path, mode }) => [path, `dir ${mode.toString(8)}`]);
  expect(Object.fromEntries([...directories, ...files])).toEqual(Object.fromEntries(left));
});

test('the node knows its revision, and that everything is as it says', async () => {
  const seen = await facts(bootedNode().agent(), machine.bundle);
  expect(seen).toMatchObject({ current: 1, transaction: undefined, reverted: undefined });
  expect(seen.revisions).toEqual([{ number: 1, digest: machine.digest, at: '-', by: 'user-data' }]);
  expect(seen.index).toHaveLength(machine.bundle.files.length);
  for (const { path, sha256, mode } of seen.index) expect(seen.files.get(path)).toMatchObject({ sha256, mode });
});

test('what is applied later is revision 2, and rolling back puts every byte of the first back', async () => {
  const box = bootedNode();
  const agent = box.agent();
  expect(await apply(agent, other.bundle)).toBe(2);
  expect(treeOf(box.root)).toMatchObject(filesOf(other.bundle));
  await agent.lock('bootstrap rollback by ann@desk (process 1)');
  await agent.activate(1, { kubelet: 'none', confirmSeconds: 0 });
  await agent.commit(1);
  expect(treeOf(box.root)).toMatchObject(filesOf(machine.bundle));
  expect(await facts(agent)).toMatchObject({ current: 1 });
});

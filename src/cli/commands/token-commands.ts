import { closeAllNow } from '../../deliver/transport/open-transport.ts';
import { processIo } from '../io.ts';
import { loadChecked } from '../load.ts';
import type { CommonOptions } from '../options.ts';
import { produce } from '../produce.ts';
import { readyApi, withCrew } from '../rollout/crew.ts';
import { interruptible } from '../rollout/interruptible.ts';
import { workspace } from '../workspace.ts';
import { type ConnectedCluster, type TokenCreateOptions, tokenCreate, tokenDelete, tokenList } from './token.ts';

/** `token create` */
export const create = (options: TokenCreateOptions): Promise<number> =>
  connected(options, (cluster) => tokenCreate(cluster, options));

/** `token list` */
export const list = (options: CommonOptions): Promise<number> =>
  connected(options, (cluster) => tokenList(cluster, options));

/** `token delete` */
export const remove = (options: CommonOptions, token = ''): Promise<number> =>
  connected(options, (cluster) => tokenDelete(cluster, options, token));

/** Works with the API of the cluster, through the first master whose apiserver is ready. */
async function connected(
  options: CommonOptions,
  work: (cluster: ConnectedCluster) => Promise<number>,
): Promise<number> {
  const io = processIo(options);
  const space = workspace(options);
  const loaded = await loadChecked(space, options);
  const { cluster } = loaded;
  const produced = await produce(space, loaded, { renewBefore: undefined, dryRun: true, founding: false });
  return interruptible(io, { saying: 'stopping', abandon: closeAllNow }, (signal) =>
    withCrew({ space, cluster, produced, needed: new Set(), signal }, async (crew) => {
      await Promise.all(crew.masters.map((master) => crew.observer.refresh(master)));
      return work({ api: await readyApi(crew), cluster, pki: produced.identities });
    }),
  );
}

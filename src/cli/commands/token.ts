import { randomBytes } from 'node:crypto';
import type { Pki } from '../../pki/pki.ts';
import { authorityOf } from '../../render/kubeconfig.ts';
import type { ObjectApi } from '../../rollout/objects/object-api.ts';
import { caHashes, createToken, deleteToken, joinCommand, listTokens } from '../../rollout/token.ts';
import type { Cluster } from '../../spec/cluster.ts';
import { parseTime, printResult, table } from '../format.ts';
import { processIo } from '../io.ts';
import type { CommonOptions } from '../options.ts';

/** A cluster whose API answers. */
export interface ConnectedCluster {
  readonly api: ObjectApi;
  readonly cluster: Cluster;
  readonly pki: Pick<Pki, 'authorities'>;
}

export interface TokenCreateOptions extends CommonOptions {
  /** `24h`, `7d`; `0` = for ever. Default: 24h. */
  readonly ttl?: string;
  readonly description?: string;
}

/** `token create`: makes a bootstrap token and prints the command with which a worker joins. */
export async function tokenCreate(
  { api, cluster, pki }: ConnectedCluster,
  options: TokenCreateOptions,
): Promise<number> {
  const io = processIo(options);
  const created = await createToken(api, {
    ttl: parseTime('--ttl', options.ttl ?? '24h') / 1000,
    ...(options.description !== undefined && { description: options.description }),
    now: new Date(),
    random: randomBytes,
  });
  const hashes = caHashes(authorityOf(pki, 'kubernetes').bundle);
  const command = joinCommand(cluster, created.token, hashes);
  const { id, token, expires = null } = created;
  printResult(io, options.output, { id, token, expires, caCertHashes: hashes, command }, () => command);
  return 0;
}

/** `token list`: every bootstrap token, without its secret. */
export async function tokenList({ api }: Pick<ConnectedCluster, 'api'>, options: CommonOptions): Promise<number> {
  const tokens = await listTokens(api);
  const data = tokens.map(({ expires = null, ...token }) => ({ ...token, expires }));
  printResult(processIo(options), options.output, data, () =>
    table(
      ['ID', 'EXPIRES', 'USAGES', 'GROUPS', 'DESCRIPTION'],
      tokens.map(({ id, expires = 'never', usages, groups, description }) => [
        id,
        expires,
        usages.join(',') || '-',
        groups.join(',') || '-',
        description || '-',
      ]),
    ),
  );
  return 0;
}

/** `token delete ID`: ends a bootstrap token; the whole token will do, too. */
export async function tokenDelete(
  { api }: Pick<ConnectedCluster, 'api'>,
  options: CommonOptions,
  token: string,
): Promise<number> {
  const id = await deleteToken(api, token);
  printResult(processIo(options), options.output, { deleted: id }, () => `Deleted the bootstrap token ${id}`);
  return 0;
}

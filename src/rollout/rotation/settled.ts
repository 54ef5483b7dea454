import type { Pem } from '../../base/pem.ts';
import type { JsonMap } from '../../render/json.ts';
import { type Seen, waitFor } from '../apply/wait-for.ts';
import type { ApiClient } from '../probe/api-client.ts';
import { ProbeError } from '../probe/probe-error.ts';
import { counted, listed } from '../status/words.ts';
import { isStaying, ROOT_CA } from './bundle-findings.ts';
import { trustsAll } from './cas.ts';
import { nameOf, textAt } from './object-text.ts';

export interface SettleOptions {
  readonly seconds: number;
  readonly signal: AbortSignal;
  /** Is told what is waited for, whenever that has changed. */
  readonly onUnmet?: (unmet: readonly string[]) => void;
  /** Milliseconds between two looks; default 1000. */
  readonly pauseMs?: number;
}

/**
 * Waits until the ConfigMap by which pods know the apiserver trusts these CAs and no others, in every namespace. The
 * controller-manager that leads writes them, and reads its --root-ca-file only at its start.
 * @returns what has not come about in time, in words; empty where all is well
 * @throws BootstrapError `failed` where it was interrupted
 */
export function waitForRootCas(api: ApiClient, wanted: Pem, options: SettleOptions): Promise<readonly string[]> {
  return polled(options, async (call) => {
    const [namespaces, configMaps] = await Promise.all([
      api.list('/api/v1/namespaces', call),
      api.list('/api/v1/configmaps', { ...call, query: { fieldSelector: `metadata.name=${ROOT_CA}` } }),
    ]);
    return unsettledRootCas(namespaces, configMaps, wanted);
  });
}

/** What is not yet as it shall be. */
function unsettledRootCas(
  namespaces: readonly JsonMap[],
  configMaps: readonly JsonMap[],
  wanted: Pem,
): readonly string[] {
  const good = new Set(
    configMaps
      .filter((one) => trustsAll(textAt(one, 'data', 'ca.crt'), wanted, 'exactly'))
      .map((one) => textAt(one, 'metadata', 'namespace')),
  );
  const bad = namespaces
    .filter(isStaying)
    .map(nameOf)
    .filter((name) => !good.has(name))
    .sort();
  if (!bad.length) return [];
  return [`${ROOT_CA} does not trust what it shall in ${counted(bad.length, 'namespace')}: ${listed(bad)}`];
}

/** What aggregated apiservers are told of whom to trust; undefined = that CA does not matter here. */
export interface WantedAuthentication {
  readonly clients: Pem | undefined;
  readonly frontProxy: Pem | undefined;
}

export const AUTHENTICATION_PATH = '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication';

/**
 * Waits until aggregated apiservers are told to trust these CAs.
 * @returns what has not come about in time, in words; empty where all is well
 * @throws BootstrapError `failed` where it was interrupted
 */
export function waitForAuthentication(
  api: ApiClient,
  wanted: WantedAuthentication,
  how: 'at-least' | 'exactly',
  options: SettleOptions,
): Promise<readonly string[]> {
  return polled(options, async (call) =>
    unsettledAuthentication(await api.get(AUTHENTICATION_PATH, call), wanted, how),
  );
}

/** What is not yet as it shall be. */
function unsettledAuthentication(
  configMap: JsonMap | undefined,
  { clients, frontProxy }: WantedAuthentication,
  how: 'at-least' | 'exactly',
): readonly string[] {
  const name = 'extension-apiserver-authentication';
  if (!configMap) return [`${name} is not there`];
  const fields = [
    ['client-ca-file', clients],
    ['requestheader-client-ca-file', frontProxy],
  ] as const;
  return fields.flatMap(([field, wanted]) => {
    if (wanted === undefined || trustsAll(textAt(configMap, 'data', field), wanted, how)) return [];
    const missing = !trustsAll(textAt(configMap, 'data', field), wanted, 'at-least');
    return [`${field} of ${name} ${missing ? 'lacks a CA that it shall hold' : 'still holds another CA'}`];
  });
}

/**
 * Has aggregated apiservers forget the old CA: the apiservers merge what they trust into that ConfigMap and never take
 * an unexpired CA out of it (measured with 1.36.2; pkg/controlplane/controller/clusterauthenticationtrust), so it is
 * deleted, and made again within a minute by the first of them that looks. An apiserver that still trusts the old CA
 * would put it back: they must all have been told before.
 * @returns what has not come about in time, in words; empty where all is well
 * @throws BootstrapError `failed` where it was interrupted; ProbeError where it cannot be deleted
 */
export async function forgetOldAuthentication(
  api: ApiClient,
  wanted: WantedAuthentication,
  options: SettleOptions,
): Promise<readonly string[]> {
  const call = { signal: options.signal };
  if (!unsettledAuthentication(await api.get(AUTHENTICATION_PATH, call), wanted, 'exactly').length) return [];
  await api.delete(AUTHENTICATION_PATH, call);
  return waitForAuthentication(api, wanted, 'exactly', options);
}

type Call = { readonly seconds: number; readonly signal: AbortSignal };

/** An apiserver that does not answer just then has not shown anything yet. */
function polled(options: SettleOptions, look: (call: Call) => Promise<readonly string[]>): Promise<readonly string[]> {
  const { seconds, signal, pauseMs = 1000, onUnmet } = options;
  const seen = async (): Promise<Seen> => {
    try {
      const unmet = await look({ seconds: 15, signal });
      return unmet.length ? { kind: 'not-yet', unmet } : { kind: 'good' };
    } catch (error) {
      if (!(error instanceof ProbeError)) throw error;
      return { kind: 'not-yet', unmet: [error.message] };
    }
  };
  return waitFor(seen, { seconds, pauseMs, signal, ...(onUnmet && { onUnmet }) });
}

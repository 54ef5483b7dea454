import { expect, test } from 'vitest';
import type { Pem } from '../../../src/base/pem.ts';
import {
  AUTHENTICATION_PATH,
  forgetOldAuthentication,
  waitForAuthentication,
  waitForRootCas,
} from '../../../src/rollout/rotation/settled.ts';
import { listsServer, object } from './api-lists.ts';
import { madeAuthority } from './authorities.ts';

const [old, fresh, proxy] = await Promise.all([madeAuthority(), madeAuthority(), madeAuthority('front-proxy')]);
const both = `${old.certificate}${fresh.certificate}` as Pem;
const signal = new AbortController().signal;
const patience = (onUnmet: (unmet: readonly string[]) => void = () => undefined, seconds = 10) => ({
  seconds,
  pauseMs: 5,
  signal,
  onUnmet,
});
const rootCa = (namespace: string, bundle: string) =>
  object('kube-root-ca.crt', { data: { 'ca.crt': bundle } }, namespace);
const authentication = (clients: string) =>
  object('extension-apiserver-authentication', {
    data: { 'client-ca-file': clients, 'requestheader-client-ca-file': proxy.certificate },
  });

test('every namespace must have the CAs, and what is waited for is told', async () => {
  const server = await listsServer();
  const going = object('going', { status: { phase: 'Terminating' } });
  server.list({
    namespaces: [object('a'), object('b'), going],
    configmaps: [rootCa('a', both), rootCa('b', old.certificate)],
  });
  const told: string[] = [];
  const late = await waitForRootCas(
    server.api,
    both,
    patience((unmet) => {
      told.push(...unmet);
      server.list({ configmaps: [rootCa('a', both), rootCa('b', both)] });
    }),
  );
  expect(late).toEqual([]);
  expect(told).toEqual(['kube-root-ca.crt does not trust what it shall in 1 namespace: b']);
  // one CA too many is as wrong as one too few
  expect(await waitForRootCas(server.api, fresh.certificate, patience(undefined, 0))).toEqual([
    'kube-root-ca.crt does not trust what it shall in 2 namespaces: a and b',
  ]);
});

test('an apiserver that does not answer for a moment is waited for', async () => {
  const server = await listsServer();
  server.list({ namespaces: [object('a')], configmaps: [rootCa('a', both)] });
  server.mishaps.push('cut', 503, 503);
  expect(await waitForRootCas(server.api, both, patience())).toEqual([]);
});

test('aggregated apiservers may be told of more CAs, or of exactly these', async () => {
  const server = await listsServer();
  const wanted = { clients: fresh.certificate, frontProxy: proxy.certificate };
  expect(await waitForAuthentication(server.api, wanted, 'at-least', patience(undefined, 0))).toEqual([
    'extension-apiserver-authentication is not there',
  ]);
  server.put(AUTHENTICATION_PATH, authentication(both));
  expect(await waitForAuthentication(server.api, wanted, 'at-least', patience())).toEqual([]);
  expect(await waitForAuthentication(server.api, wanted, 'exactly', patience(undefined, 0))).toEqual([
    'client-ca-file of extension-apiserver-authentication still holds another CA',
  ]);
});

test('the old CA is forgotten by making that ConfigMap anew, and only where it is in it', async () => {
  const server = await listsServer();
  const wanted = { clients: fresh.certificate, frontProxy: undefined };
  server.put(AUTHENTICATION_PATH, authentication(both));
  const forgotten = await forgetOldAuthentication(
    server.api,
    wanted,
    patience(() => server.put(AUTHENTICATION_PATH, authentication(fresh.certificate))),
  );
  expect(forgotten).toEqual([]);
  expect(server.requests.filter((line) => line.startsWith('DELETE'))).toHaveLength(1);
  expect(await forgetOldAuthentication(server.api, wanted, patience())).toEqual([]);
  expect(server.requests.filter((line) => line.startsWith('DELETE'))).toHaveLength(1);
});

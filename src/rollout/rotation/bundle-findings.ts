import { parse } from 'yaml';
import { below, type JsonMap } from '../../render/json.ts';
import { listAt } from '../../render/overlay.ts';
import type { Json } from '../../spec/tree.ts';
import { listed } from '../status/words.ts';
import { type CaPair, trustIn } from './cas.ts';
import type { Finding } from './finding.ts';
import { decodedAt, fullName, nameOf, textAt } from './object-text.ts';

export const ROOT_CA = 'kube-root-ca.crt';

/** A namespace that is on its way out gets no ConfigMaps any more. */
export function isStaying(namespace: JsonMap): boolean {
  return textAt(namespace, 'status', 'phase') !== 'Terminating';
}

/** What pods verify the apiserver by: a ConfigMap that the controller-manager keeps in every namespace. */
export function rootCaFindings(
  namespaces: readonly JsonMap[],
  configMaps: readonly JsonMap[],
  pair: CaPair,
): readonly Finding[] {
  const byNamespace = new Map(configMaps.map((one) => [textAt(one, 'metadata', 'namespace'), one]));
  return namespaces.filter(isStaying).flatMap((namespace): readonly Finding[] => {
    const name = nameOf(namespace);
    const found = byNamespace.get(name);
    const base = { kind: 'kube-root-ca.crt', object: `ConfigMap ${name}/${ROOT_CA}`, severity: 'blocks' } as const;
    if (!found) {
      return [
        {
          ...base,
          what: 'is not there',
          remedy: 'the controller-manager makes it: `bootstrap status` shows whether it is well',
        },
      ];
    }
    if (trustIn(textAt(found, 'data', 'ca.crt'), pair) !== 'old') return [];
    const remedy = `the controller-manager writes it anew: \`kubectl delete configmap ${ROOT_CA} -n ${name}\``;
    return [{ ...base, what: 'trusts the outgoing CA alone', remedy }];
  });
}

/** What machines that join find the cluster by; undefined where there is none. */
export function clusterInfoFindings(configMap: JsonMap | undefined, pair: CaPair): readonly Finding[] {
  const bundles = listAt(yaml(textAt(configMap, 'data', 'kubeconfig')), 'clusters').map((cluster) =>
    decodedAt(cluster, 'cluster', 'certificate-authority-data'),
  );
  if (!bundles.some((bundle) => trustIn(bundle, pair) === 'old')) return [];
  return [
    {
      kind: 'cluster-info',
      object: 'ConfigMap kube-public/cluster-info',
      what: 'trusts the outgoing CA alone: machines that join would not know the apiservers',
      remedy: '`bootstrap apply` writes it anew',
      severity: 'blocks',
    },
  ];
}

function yaml(text: string): Json | undefined {
  try {
    return parse(text) as Json;
  } catch {
    return undefined;
  }
}

const AUTHENTICATION = 'ConfigMap kube-system/extension-apiserver-authentication';

/** By what apiservers behind the apiserver (metrics-server, …) know its requests and its clients. */
export function authenticationFindings(
  configMap: JsonMap | undefined,
  pairs: { readonly kubernetes: CaPair | undefined; readonly frontProxy: CaPair | undefined },
): readonly Finding[] {
  const of = (field: string, pair: CaPair | undefined, whom: string): readonly Finding[] => {
    if (!pair || trustIn(textAt(configMap, 'data', field), pair) !== 'old') return [];
    return [
      {
        kind: 'extension-apiserver-authentication',
        object: AUTHENTICATION,
        what: `trusts the outgoing CA alone in ${field}: aggregated apiservers would refuse ${whom}`,
        remedy: 'the apiservers write it within a minute; where it stays so, `bootstrap status` shows why',
        severity: 'blocks',
      },
    ];
  };
  return [
    ...of('client-ca-file', pairs.kubernetes, 'client certificates'),
    ...of('requestheader-client-ca-file', pairs.frontProxy, 'the apiserver'),
  ];
}

/** @param secrets of type kubernetes.io/service-account-token; of what is in them nothing but the trust comes out */
export function tokenSecretFindings(secrets: readonly JsonMap[], pair: CaPair): readonly Finding[] {
  return secrets.flatMap((secret): readonly Finding[] => {
    if (trustIn(decodedAt(secret, 'data', 'ca.crt'), pair) !== 'old') return [];
    return [
      {
        kind: 'token-secret',
        object: `Secret ${fullName(secret)}`,
        what: 'trusts the outgoing CA alone in ca.crt; what was copied from it elsewhere does so too',
        remedy: `the controller-manager writes it anew: \`kubectl annotate secret ${nameOf(secret)} -n ${textAt(secret, 'metadata', 'namespace')} bootstrap/looked-at=\`, then copy it to where it is used`,
        severity: 'blocks',
      },
    ];
  });
}

const ON_RENEWAL = 'which goes wrong once its server gets a certificate of the other CA';

/** @param kind `ValidatingWebhookConfiguration` or `MutatingWebhookConfiguration` */
export function webhookFindings(kind: string, objects: readonly JsonMap[], pair: CaPair): readonly Finding[] {
  return objects.flatMap((object): readonly Finding[] => {
    const old = listAt(object, 'webhooks').filter(
      (webhook) => trustIn(decodedAt(webhook, 'clientConfig', 'caBundle'), pair) === 'old',
    );
    if (!old.length) return [];
    const names = listed(old.map((webhook) => textAt(webhook, 'name')));
    return [
      {
        kind: 'webhook',
        object: `${kind} ${nameOf(object)}`,
        what: `trusts the outgoing CA alone in the caBundle of ${names}, ${ON_RENEWAL}`,
        remedy: bothInto(`${kind.toLowerCase()} ${nameOf(object)}`),
        severity: 'tells',
      },
    ];
  });
}

export function apiServiceFindings(objects: readonly JsonMap[], pair: CaPair): readonly Finding[] {
  return single(objects, pair, 'api-service', 'APIService', ['spec', 'caBundle']);
}

export function crdFindings(objects: readonly JsonMap[], pair: CaPair): readonly Finding[] {
  const place = ['spec', 'conversion', 'webhook', 'clientConfig', 'caBundle'];
  return single(objects, pair, 'crd', 'CustomResourceDefinition', place);
}

function single(
  objects: readonly JsonMap[],
  pair: CaPair,
  kind: 'api-service' | 'crd',
  called: string,
  place: readonly string[],
): readonly Finding[] {
  return objects.flatMap((object): readonly Finding[] => {
    if (below(object, ...place) === undefined || trustIn(decodedAt(object, ...place), pair) !== 'old') return [];
    return [
      {
        kind,
        object: `${called} ${nameOf(object)}`,
        what: `trusts the outgoing CA alone in ${place.slice(1).join('.')}, ${ON_RENEWAL}`,
        remedy: bothInto(`${called.toLowerCase()} ${nameOf(object)}`),
        severity: 'tells',
      },
    ];
  });
}

function bothInto(object: string): string {
  return `put both CAs into it (\`kubectl get configmap ${ROOT_CA} -o jsonpath='{.data.ca\\.crt}'\` shows them), where nobody else writes it: \`kubectl edit ${object}\``;
}

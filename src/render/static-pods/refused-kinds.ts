import { didYouMean } from '../../base/suggest.ts';
import { quote } from './show.ts';

const KINDS: Readonly<Record<string, readonly [what: string, instead: string]>> = {
  CronJob: ['runs by a clock, which no kubelet has', 'take a systemd timer on the node, or a pod that waits by itself'],
  ConfigMap: [
    'is an object of the API, which a static pod cannot read',
    'put the files on the node (spec.files) and mount them by hostPath',
  ],
  Secret: [
    'is an object of the API, which a static pod cannot read',
    'put the files on the node (spec.files, sensitive: true) and mount them by hostPath',
  ],
  Service: ['needs an API server and a kube-proxy', 'take hostNetwork or a hostPort'],
  ServiceAccount: ['is an object of the API, and a static pod may not use one', 'take it out'],
  Namespace: ['is an object of the API', 'a static pod needs none; its mirror pod appears once the namespace is there'],
  PersistentVolumeClaim: ['is an object of the API, which a static pod cannot claim', 'take a hostPath volume'],
  PersistentVolume: ['is an object of the API, which a static pod cannot claim', 'take a hostPath volume'],
};

/** Why an object of that kind cannot be a static pod, and what to do instead. */
export function refusedKind(
  kind: string,
  known: readonly string[],
): { readonly message: string; readonly hint: string | undefined } {
  const entry = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (entry) return { message: `a ${kind} cannot be a static pod: it ${entry[0]}`, hint: entry[1] };
  const hint = didYouMean(kind, known) ?? `a kubelet runs Pods by itself; these can be split: ${known.join(', ')}`;
  return { message: `${quote(kind)} is nothing that a kubelet can run by itself`, hint };
}

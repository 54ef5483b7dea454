import type { Component } from './component.ts';

/**
 * Within how many seconds a process notices by itself that a certificate or key has changed that this flag names, as long
 * as it reloads it at all (`readsFileOnlyAtStart` says that); 0 = with its next connection. At most, from
 * shared/reference/rotation.md "Who reloads what": files that are watched as well are looked at again every minute,
 * client-go looks every five.
 * @param flag without dashes; `kubeconfig` also for the files that a kubeconfig names
 */
export function reloadSeconds(component: Component, flag: string): number {
  if (component === 'etcd' || flag === 'etcd-certfile' || flag === 'etcd-keyfile') return 0;
  return /^(kubelet-client-(certificate|key)|kubelet-certificate-authority|.*kubeconfig)$/.test(flag) ? 300 : 60;
}

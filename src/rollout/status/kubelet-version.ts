import type { Problem } from './status.ts';
import { oneLine } from './words.ts';

const VERSION = /^v?1\.(\d+)\./;

/** A kubelet may be up to three minors older than its apiserver, and never newer (Kubernetes version skew policy). */
export function kubeletVersionProblem(node: string, kubelet: string, cluster: string): readonly Problem[] {
  const [theirs, ours] = [VERSION.exec(kubelet)?.[1], VERSION.exec(cluster)?.[1]];
  if (theirs === undefined || ours === undefined) return [];
  const behind = Number(ours) - Number(theirs);
  if (behind >= 0 && behind <= 3) return [];
  const why = behind < 0 ? 'it must not be newer' : 'it may be three minors older at most';
  return [
    {
      severity: 'warning',
      code: 'kubelet-version',
      node,
      component: 'kubelet',
      what: `it is ${oneLine(kubelet, 40)} and the cluster ${oneLine(cluster, 40)}: ${why}`,
      hint: `install a kubelet of ${oneLine(cluster, 40)} on ${node}, then \`systemctl restart kubelet\` there`,
    },
  ];
}

import type { Finding } from './finding.ts';

/** What the metrics of a kubelet say, which the apiserver passes on. */
export interface KubeletLook {
  readonly node: string;
  /** Why they cannot be had. */
  readonly problem: string | undefined;
  /** Milliseconds since 1970, by the clock of the node. */
  readonly startedAt: number | undefined;
  /** When its client certificate ends; undefined where it does not say. */
  readonly certificateEnds: number | undefined;
}

/** The problem of one that takes the apiserver for nobody. */
export const REFUSED = 'refused';

/** @param now milliseconds since 1970, when they were asked for */
export function kubeletLook(node: string, metrics: string, now: number): KubeletLook {
  const value = (name: string): number | undefined => {
    const text = new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1];
    const number = Number(text);
    return text !== undefined && Number.isFinite(number) ? number : undefined;
  };
  const started = value('process_start_time_seconds');
  // the kubelet's certificate manager (pkg/kubelet/certificate): +Inf where it has none
  const left = value('kubelet_certificate_manager_client_ttl_seconds');
  return {
    node,
    problem: undefined,
    startedAt: started === undefined ? undefined : started * 1000,
    certificateEnds: left === undefined ? undefined : now + left * 1000,
  };
}

/**
 * Kubelets of nodes that this program does not care for. What one trusts cannot be read; it reads it at its start alone.
 */
export function kubeletTrustFindings(looks: readonly KubeletLook[], trustedSince: number): readonly Finding[] {
  return looks.flatMap(({ node, problem, startedAt }): readonly Finding[] => {
    if (startedAt !== undefined && startedAt >= trustedSince) return [];
    const base = { kind: 'kubelet', object: `Node ${node}`, severity: 'blocks' } as const;
    if (problem === REFUSED) {
      const what = 'its kubelet refuses the apiserver’s client certificate: it does not trust the other CA';
      return [{ ...base, what, remedy: giveBoth(node) }];
    }
    if (startedAt === undefined) {
      const what = `its kubelet does not say since when it runs (${problem ?? 'its metrics lack it'}), so that it may trust the outgoing CA alone`;
      return [{ ...base, what, remedy: `bring it up, or \`kubectl delete node ${node}\` where it is gone for good` }];
    }
    const what = `its kubelet has been running since ${iso(startedAt)}, before both CAs were trusted; it reads whom it trusts only at its start`;
    return [{ ...base, what, remedy: giveBoth(node) }];
  });
}

/** Puts both CAs where kubeadm has them on a node that has joined: as trusted clients, and in the kubelet's kubeconfig. */
function giveBoth(node: string): string {
  const place = [
    'cat > /etc/kubernetes/pki/ca.crt',
    'sed -i "s|certificate-authority-data: .*|certificate-authority-data: $(base64 -w0 /etc/kubernetes/pki/ca.crt)|" /etc/kubernetes/kubelet.conf',
    'systemctl restart kubelet',
  ].join(' && ');
  return `\`kubectl get configmap kube-root-ca.crt -n kube-public -o jsonpath='{.data.ca\\.crt}' | ssh root@${node} '${place}'\``;
}

export interface SigningTime {
  /** Since when the controller-manager signs with the new CA, milliseconds since 1970. */
  readonly since: number;
  /** For how long it signs certificates (--cluster-signing-duration), milliseconds. */
  readonly duration: number;
}

/** How far its certificates are dated back, beginning and end (measured with 1.36.2: --cluster-signing-duration less 5 minutes). */
const BACKDATED = 5 * 60_000;
/** How far the clocks of two machines may be apart. */
const SLACK = 60_000;

/**
 * Nodes whose kubelet still has a client certificate of the old CA, going by when it ends: what the new CA has signed
 * lasts for the whole duration from a moment after it began to.
 * @param renewed nodes of which a certificate of the new CA has been seen
 */
export function kubeletCertificateFindings(
  looks: readonly KubeletLook[],
  { since, duration }: SigningTime,
  renewed: ReadonlySet<string>,
  now: number,
): readonly Finding[] {
  return looks.flatMap(({ node, certificateEnds: ends, startedAt }): readonly Finding[] => {
    // one that does not answer is told of as such
    if (renewed.has(node) || startedAt === undefined) return [];
    const base = { kind: 'kubelet', object: `Node ${node}`, severity: 'blocks' } as const;
    if (ends === undefined) {
      const what =
        'its kubelet does not say when its client certificate ends, so that it may come from the outgoing CA';
      return [{ ...base, what, remedy: takeInAgain(node) }];
    }
    const isOfNew = ends >= since + duration - BACKDATED - SLACK && ends <= now + duration + SLACK;
    if (isOfNew) return [];
    const what = `its kubelet’s client certificate, which ends on ${iso(ends)}, comes from the outgoing CA`;
    return [{ ...base, what, remedy: takeInAgain(node) }];
  });
}

function takeInAgain(node: string): string {
  const steps = [
    `\`kubectl drain ${node} --ignore-daemonsets\``,
    'there `kubeadm reset`',
    `\`kubectl delete node ${node}\``,
  ];
  return `let it join again: ${steps.join(', ')}, and there what \`bootstrap token create\` prints`;
}

function iso(moment: number): string {
  return new Date(moment).toISOString().replace(/\.\d+Z$/, 'Z');
}

import type { JsonMap } from '../../render/json.ts';
import { listAt } from '../../render/overlay.ts';
import { type CaPair, certificatesOf, comesFrom } from './cas.ts';
import type { Finding } from './finding.ts';
import { decodedAt, nameOf, textAt } from './object-text.ts';

const KUBELET_SIGNER = 'kubernetes.io/kube-apiserver-client-kubelet';
const NODE = 'system:node:';

interface Issued {
  readonly request: string;
  readonly signer: string;
  /** The common name. */
  readonly user: string;
  readonly isClient: boolean;
  readonly isOld: boolean;
  readonly notAfter: number;
  readonly created: string;
}

/** The last certificate that each user has got from each signer, as far as the requests are still listed. */
function lastIssued(requests: readonly JsonMap[], pair: CaPair, now: number): readonly Issued[] {
  const last = new Map<string, Issued>();
  for (const request of requests) {
    const [leaf] = certificatesOf(decodedAt(request, 'status', 'certificate'));
    if (!leaf || leaf.notAfter <= now) continue;
    const [isOld, isFresh] = [comesFrom(leaf, pair.old), comesFrom(leaf, pair.fresh)];
    if (!isOld && !isFresh) continue;
    const issued: Issued = {
      request: nameOf(request),
      signer: textAt(request, 'spec', 'signerName'),
      user: commonName(leaf.x509().subject ?? ''),
      isClient: listAt(request, 'spec', 'usages').includes('client auth'),
      isOld,
      notAfter: leaf.notAfter,
      created: textAt(request, 'metadata', 'creationTimestamp'),
    };
    const key = `${issued.signer} ${issued.user}`;
    const before = last.get(key);
    if (!before || before.created < issued.created || (before.created === issued.created && before.isOld))
      last.set(key, issued);
  }
  return [...last.values()];
}

/** The nodes whose kubelet is known to have got a client certificate of the new CA. */
export function renewedNodes(requests: readonly JsonMap[], pair: CaPair, now: number): ReadonlySet<string> {
  return new Set(
    lastIssued(requests, pair, now)
      .filter(({ signer, isOld, user }) => signer === KUBELET_SIGNER && !isOld && user.startsWith(NODE))
      .map(({ user }) => user.slice(NODE.length)),
  );
}

/**
 * Certificates that the cluster has signed with the old CA, as far as their requests are still listed (an hour after
 * they were approved they are not). Those of kubelets are left to what is seen of the kubelets themselves.
 */
export function requestFindings(requests: readonly JsonMap[], pair: CaPair, now: number): readonly Finding[] {
  return lastIssued(requests, pair, now).flatMap(
    ({ request, signer, user, isClient, isOld, notAfter }): readonly Finding[] => {
      if (!isOld || signer === KUBELET_SIGNER) return [];
      const end = new Date(notAfter).toISOString().slice(0, 10);
      const base = { kind: 'certificate-request', object: `CertificateSigningRequest ${request}` } as const;
      if (isClient) {
        const what = `the outgoing CA has signed its client certificate for ${user}, good until ${end}: it would be refused`;
        const remedy = `ask for a new one, then \`kubectl delete csr ${request}\``;
        return [{ ...base, what, remedy, severity: 'blocks' }];
      }
      const what = `the outgoing CA has signed its server certificate for ${user}, good until ${end}; who trusts the other CA alone refuses it`;
      const remedy = `let ${user} ask for a new one, then \`kubectl delete csr ${request}\``;
      return [{ ...base, what, remedy, severity: 'tells' }];
    },
  );
}

/** @param identities node → the certificates by which its kubelet says who it is, as PEM; '' where it has none yet */
export function masterKubeletFindings(identities: ReadonlyMap<string, string>, pair: CaPair): readonly Finding[] {
  return [...identities].flatMap(([node, pem]): readonly Finding[] => {
    const [leaf] = certificatesOf(pem);
    if (!leaf || !comesFrom(leaf, pair.old)) return [];
    return [
      {
        kind: 'kubelet',
        object: `Node ${node}`,
        what: 'its kubelet’s client certificate comes from the outgoing CA',
        remedy: `on ${node}: \`rm /var/lib/kubelet/pki/kubelet-client-current.pem && systemctl restart kubelet\``,
        severity: 'blocks',
      },
    ];
  });
}

function commonName(subject: string): string {
  return (
    subject
      .split('\n')
      .find((line) => line.startsWith('CN='))
      ?.slice(3) ?? ''
  );
}

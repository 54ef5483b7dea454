/** In the order in which they are told. */
const KINDS = [
  'kube-root-ca.crt',
  'cluster-info',
  'extension-apiserver-authentication',
  'token-secret',
  'webhook',
  'api-service',
  'crd',
  'kubelet',
  'certificate-request',
  'pods',
] as const;

type FindingKind = (typeof KINDS)[number];

/** Something that a rotation cannot change by itself and that would be cut off, or might be. */
export interface Finding {
  readonly kind: FindingKind;
  /** `ConfigMap default/kube-root-ca.crt`, `Node worker1`. */
  readonly object: string;
  /** In words that follow the object's name: `trusts the outgoing CA alone`. */
  readonly what: string;
  /** What to do about it; a command stands in backquotes. */
  readonly remedy: string;
  /** `blocks`: it stops working when the rotation goes on. `tells`: somebody should know. */
  readonly severity: 'blocks' | 'tells';
  /** What would be restarted to be rid of it. */
  readonly workload?: Workload;
}

/** What makes pods and can be told to make them anew. */
export interface Workload {
  readonly kind: 'Deployment' | 'DaemonSet' | 'StatefulSet';
  readonly namespace: string;
  readonly name: string;
}

/** By kind, then by object; always the same way. */
export function sorted(findings: readonly Finding[]): readonly Finding[] {
  const rank = ({ kind }: Finding) => KINDS.indexOf(kind);
  const text = ({ object, what }: Finding) => `${object} ${what}`;
  return [...findings].sort((a, b) => rank(a) - rank(b) || (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0));
}

/** The workloads of some findings, each once. */
export function workloadsOf(findings: readonly Finding[]): readonly Workload[] {
  const all = findings.flatMap(({ workload }) => (workload ? [workload] : []));
  const key = ({ kind, namespace, name }: Workload) => `${kind} ${namespace}/${name}`;
  return all.filter((one, i) => all.findIndex((other) => key(other) === key(one)) === i);
}

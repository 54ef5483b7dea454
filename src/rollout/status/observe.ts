import type { PodComponent } from '../../render/layout.ts';
import type { NodeFacts } from '../node-facts.ts';
import type { Drift } from '../plan.ts';

/** Everything that runs on a master, in the order in which it is shown. */
export type NodeComponent = 'kubelet' | PodComponent;

/** All that `status` looked at, once. Whatever could not be seen is said to be so; nothing of it is an exception. */
export interface ClusterObservation {
  readonly name: string;
  /** E.g. `v1.36.2`. */
  readonly kubernetesVersion: string;
  /** `host:port` where clients reach the API; undefined where the only node itself is meant. */
  readonly endpoint: string | undefined;
  /** Those that were asked for, in the order of the cluster file. */
  readonly nodes: readonly NodeObservation[];
  /** Names of all masters of the cluster file, also of those that were not asked for. */
  readonly members: readonly string[];
  readonly etcd: EtcdObservation;
}

export type EtcdObservation =
  | { readonly kind: 'external' }
  /** No master was looked at, or there is none: nothing is said of etcd. */
  | { readonly kind: 'none' }
  /** No member answered. */
  | { readonly kind: 'silent'; readonly why: string }
  | { readonly kind: 'seen'; readonly view: EtcdSeen };

/** What was gathered of one node, by its own machine and by what runs on it. */
export interface NodeObservation {
  readonly node: string;
  /** A host without a control plane: of its components only the kubelet counts. */
  readonly isPlain?: boolean;
  readonly contact: Contact;
  /** By component; undefined where no apiserver could be asked. */
  readonly pods: ReadonlyMap<PodComponent, PodSeen> | undefined;
  /** What the components' own health endpoints said; those that were not asked are left out. */
  readonly health: Readonly<Partial<Record<Exclude<NodeComponent, 'etcd'>, HealthSeen>>>;
  /** What the manifests on the node say their pods must carry. */
  readonly manifests: ReadonlyMap<PodComponent, PodDigests>;
  /** The last lines that a component's container wrote, of those that are not well. */
  readonly logs: ReadonlyMap<NodeComponent, string>;
  /** In the node's files that are no secrets. */
  readonly certificates: readonly CertificateSeen[];
  /** Shown in TLS handshakes; only those that a client verifies. */
  readonly served: readonly CertificateServed[];
  readonly drift: readonly Drift[];
  /** Paths of files in the manifests directory that are nobody's. */
  readonly strays: readonly string[];
  /** What the Node object says, e.g. `v1.36.2`; undefined where it could not be asked for. */
  readonly kubeletVersion: string | undefined;
}

type Contact =
  | { readonly kind: 'reached'; readonly facts: NodeFacts; readonly clock: ClockReading }
  | {
      readonly kind: 'unreachable';
      readonly why: string;
      /** What to do about it, where that is known. */
      readonly hint?: string | undefined;
    };

/** This machine's clock around the call that read the node's; milliseconds since the epoch. */
interface ClockReading {
  readonly sent: number;
  readonly received: number;
}

/** A static pod as the API shows it. */
export interface PodSeen {
  readonly uid: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly ready: boolean;
  /** `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`. */
  readonly phase: string;
  readonly restarts: number;
  /** Why its container waits, e.g. `CrashLoopBackOff`. */
  readonly waitingReason: string | undefined;
  readonly waitingMessage: string | undefined;
  readonly lastTermination: Termination | undefined;
  /** When its container started, ISO 8601 by the node's clock. */
  readonly startedAt: string | undefined;
}

interface Termination {
  readonly exitCode: number;
  /** E.g. `Error`, `OOMKilled`. */
  readonly reason: string | undefined;
  readonly message: string | undefined;
}

/** The answer of `/readyz` or `/healthz`. */
export interface HealthSeen {
  readonly ok: boolean;
  /** Names of the checks that fail. */
  readonly failing: readonly string[];
  /** One phrase: `ok`, `not ready: etcd`, `nobody listens there`. */
  readonly seen: string;
}

export interface PodDigests {
  /** `bootstrap/inputs-digest` and `bootstrap/manifest-digest`. */
  readonly inputs: string | undefined;
  readonly manifest: string | undefined;
}

export interface EtcdSeen {
  readonly members: readonly MemberSeen[];
  /** Voters that must be up for writes. */
  readonly needed: number;
  readonly healthyVoters: number;
  /** Name of the member that leads. */
  readonly leader: string | undefined;
  /** What the members say differently of the same thing, in words. */
  readonly disagreements?: readonly string[];
}

export interface MemberSeen {
  /** '' for one that was added and has never started. */
  readonly name: string;
  /** Hex. */
  readonly id: string;
  readonly healthy: boolean;
  readonly voter: boolean;
  readonly learner: boolean;
  readonly leader: boolean;
  /** Raft entries that it has yet to apply; undefined where it does not answer. */
  readonly lag: number | undefined;
  /** Bytes. */
  readonly dbSize: number | undefined;
  /** E.g. `NOSPACE`, `CORRUPT`. */
  readonly alarms: readonly string[];
  /** Why it is not healthy. */
  readonly problem?: string | undefined;
}

export interface CertificateSeen {
  /** The file on the node. */
  readonly path: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** SHA-256 of the DER, hex. */
  readonly fingerprint: string;
}

export interface CertificateServed extends Omit<CertificateSeen, 'path'> {
  readonly component: NodeComponent;
  readonly port: number;
  /** The file that it is read from; undefined where its process makes it by itself. */
  readonly path: string | undefined;
}

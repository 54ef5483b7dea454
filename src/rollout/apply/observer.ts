import type { ManifestText } from '../probe/endpoints.ts';
import type { Master } from './master.ts';
import type { ProofInput } from './proofs.ts';

/** What the control plane says of itself just now. */
export interface ClusterView {
  /** Nodes whose apiserver is ready. */
  readonly readyApis: ReadonlySet<string>;
  readonly etcd: {
    /** Nodes whose member answers at all, those whose member is a healthy voter, and the leader's. */
    readonly answering: ReadonlySet<string>;
    /** Nodes on which certainly no member runs. */
    readonly dead: ReadonlySet<string>;
    readonly healthy: ReadonlySet<string>;
    readonly leader: string | undefined;
    /** Why the member of this node must stay up now; always empty with an external etcd. */
    mayNotLose(node: string): readonly string[];
  };
}

/** What a step does that `proofs` has to see, and no bundle says. */
export interface Beginning {
  /** Mirror pods that must go. */
  readonly stops: readonly string[];
  /**
   * Pods of the user's that must be proven, since the step starts or replaces them. Others may long be unwell: that is no
   * reason to take back what has nothing to do with them.
   */
  readonly changed: readonly string[];
  /** The kubelet is restarted: it must be seen to speak to the API afterwards. */
  readonly heartbeat: boolean;
}

/** Looks at the masters over their transports; whatever cannot be seen is reported as not well, never thrown. */
export interface Observer {
  /**
   * Reads anew off the node's manifests where its processes listen.
   * @param instead manifests of components that may still run though they have none there
   */
  refresh(master: Master, instead?: readonly ManifestText[]): Promise<void>;
  cluster(): Promise<ClusterView>;
  /** The same master with what lies in its manifests directory now in place of what it shall have. */
  asFound(master: Master): Promise<Master>;
  /** What proves, or does not yet, that the master does what its bundle says. */
  proofs(master: Master): Promise<ProofInput>;
  /** Remembers how often each pod of the node has been restarted, so that `proofs` tells what came since. */
  begin(master: Master, step: Beginning): Promise<void>;
  /** Makes another member the leader where this node's is it; the node that leads from then on. */
  moveLeader(node: string): Promise<string | undefined>;
}

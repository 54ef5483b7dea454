import type { Bundle } from '../bundle/bundle.ts';
import type { NodeFacts } from './node-facts.ts';
import type { KubeletAction } from './plan.ts';
import type { RuntimePods } from './runtime-pods.ts';

export interface FactsRequest {
  /** Absolute paths whose state is wanted besides those of the current revision. */
  readonly paths: readonly string[];
  readonly etcdDataDir: string;
  readonly manifestsDir: string;
}

/** Everything that is done on a node, each one run of `templates/node/node.sh` there. Throws BootstrapError. */
export interface NodeAgent {
  readonly node: string;
  facts(request: FactsRequest): Promise<NodeFacts>;
  /** Contents of those files that are there. Nothing sensitive is ever asked for. */
  read(paths: readonly string[]): Promise<ReadonlyMap<string, Buffer>>;
  /**
   * Takes the node's lock, for this run of the program; every later call of this agent renews it.
   * @param who e.g. `bootstrap apply by ann@desk (process 4711)`
   * @throws BootstrapError `locked` saying who holds it, from where, since when
   */
  lock(who: string): Promise<void>;
  unlock(): Promise<void>;
  /** Renews the lock; fails `locked` where it was lost. */
  keepLock(): Promise<void>;
  /** Brings a bundle to the node as its next revision, verified and out of anybody's way; gives its number. */
  stage(bundle: Bundle, digest: string, by: string): Promise<number>;
  /** Puts a revision in place. Repeating it after an interruption finishes it. */
  activate(
    revision: number,
    how: ActivateOptions,
  ): Promise<{ readonly placed: readonly string[]; readonly removed: readonly string[] }>;
  /** What was put in place is good: it is the current revision from now on, and nothing takes it back by itself any more. */
  commit(revision: number): Promise<void>;
  /** Takes back what was put in place and not committed; nothing where there is no such thing. */
  revert(why: string): Promise<void>;
  /** `systemctl is-active kubelet`. */
  kubelet(): Promise<string>;
  /**
   * The certificates that the kubelet has got by itself, as PEM, the client certificate it uses first; '' where it has none
   * and uses what was delivered.
   */
  kubeletIdentity(): Promise<string>;
  /**
   * Takes from the kubelet the client certificate that it has got by itself, and restarts it: it uses what was delivered
   * then. Its pods go on. Repeating it after an interruption finishes it.
   * @throws BootstrapError `refused` where nothing was delivered that it could use
   */
  renewKubelet(): Promise<void>;
  /** The static pods that have run there, as far as their logs are kept. */
  pods(): Promise<readonly PodRun[]>;
  /** All pods that its container runtime has, of the API's too, without asking the kubelet. */
  runtimePods(): Promise<RuntimePods>;
  /** The last lines that a container of this pod wrote, or the kubelet where `pod` is `kubelet`; '' where there are none. */
  logs(pod: string, lines: number): Promise<string>;
  /** What the containers of this pod have written, by name; none where it has not run there, or its logs are gone. */
  containerLogs(pod: string, options: ContainerLogsOptions): Promise<readonly ContainerLog[]>;
}

export interface ContainerLogsOptions {
  /** At most so many of the last lines of each. */
  readonly lines: number;
  /** Those of the run before the last restart. */
  readonly previous?: boolean;
  /** Only this one. */
  readonly container?: string | undefined;
  /** What was read before: everything since then is wanted, whatever `lines` says. */
  readonly after?: readonly ContainerLog[];
}

export interface ContainerLog {
  readonly container: string;
  /** Of its pod. */
  readonly uid: string;
  /** Restarts before. */
  readonly attempt: number;
  /** Bytes that its log had. */
  readonly size: number;
  readonly lines: readonly LogLine[];
}

export interface LogLine {
  /** As the container runtime wrote it, in RFC 3339. */
  readonly time: string;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

/** A pod as the node's own disk knows it, which also says it where no apiserver answers. */
export interface PodRun {
  /** What it is called, with the node's name: `etcd-cp1`, `default/static-web-cp1`. */
  readonly pod: string;
  /** Of a static pod: another one for every other manifest. */
  readonly uid: string;
  /** Of its container. */
  readonly restarts: number;
}

export interface ActivateOptions {
  readonly kubelet: KubeletAction;
  /** The kubelet is told only when the same revision is activated again without this; it cannot be committed before. */
  readonly later?: boolean;
  /** The node takes it back by itself where nobody has committed it after so many seconds; 0 = never. */
  readonly confirmSeconds: number;
}

import type { IndexEntry } from '../bundle/revision-index.ts';

/** What one node has and does, read in one go without changing anything there. */
export interface NodeFacts {
  readonly hostname: string;
  /** Milliseconds since the epoch, by the node's clock. */
  readonly clock: number;
  readonly uptimeSeconds: number;
  readonly kubelet: {
    /** `systemctl is-active`: active, inactive, failed, activating, …; `absent` without a unit, `unknown` without systemd. */
    readonly active: string;
    /** `systemctl is-enabled`. */
    readonly enabled: string;
  };
  /** Where revisions are kept: free bytes, and whether it can be written at all. */
  readonly disk: { readonly freeBytes: number; readonly writable: boolean };
  /** etcd has data there. */
  readonly hasEtcdData: boolean;
  /** Of the paths asked for and those of the current revision: what is there now; absent ones are left out. */
  readonly files: ReadonlyMap<string, FileFacts>;
  /** Names in the manifests directory that the kubelet would run: all that do not begin with a dot. */
  readonly manifests: readonly string[];
  /** Oldest first. */
  readonly revisions: readonly RevisionFacts[];
  /** Number of the revision that was committed last, and what it consists of. */
  readonly current: number | undefined;
  readonly index: readonly IndexEntry[];
  /** A revision that is being put in place or is not confirmed yet. */
  readonly transaction: TransactionFacts | undefined;
  readonly lock: LockFacts | undefined;
  /** The last revision that the node took back by itself, until another one is committed. */
  readonly reverted: { readonly revision: number; readonly at: string; readonly why: string } | undefined;
}

export interface FileFacts {
  /** Anything but a file (or a link to one) has no SHA-256. */
  readonly type: 'file' | 'other';
  /** Hex; '' for `other`. */
  readonly sha256: string;
  readonly mode: number;
  /** `user:group` by name. */
  readonly owner: string;
}

export interface RevisionFacts {
  readonly number: number;
  /** `bundleDigest` of what was applied. */
  readonly digest: string;
  /** ISO 8601. */
  readonly at: string;
  /** `user@host` that brought it. */
  readonly by: string;
  /** It did not prove itself, and was taken back: nobody wants to go back to it unasked. */
  readonly takenBack?: true;
}

export interface TransactionFacts {
  /** `preparing`: nothing was touched yet; `placing`: some files may be new; `placed`: all are, commit is awaited. */
  readonly state: 'preparing' | 'placing' | 'placed';
  readonly to: number;
  readonly digest: string;
  /** 0 = there was no revision before. */
  readonly from: number;
}

export interface LockFacts {
  readonly token: string;
  /** The command, who runs it and where: `bootstrap apply by ann@desk (process 4711)`. */
  readonly who: string;
  /** ISO 8601. */
  readonly since: string;
  /** Seconds until it counts as given up. */
  readonly secondsLeft: number;
}

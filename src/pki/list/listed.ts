import type { AuthorityName } from '../pki.ts';
import type { CertificateFacts } from './facts.ts';
import type { LifeState } from './life.ts';

/** How a certificate is; `misfit`: it is not what the cluster file asks for. */
export type ListedState = LifeState | 'misfit' | 'missing';

/** What a CA's certificate is there for; `prepared`: a rotation has made it, and nothing uses it yet. */
export type AuthorityRole = 'issues' | 'signs' | 'trusted' | 'prepared';

/** Which of two CAs of the same name, during a rotation. */
export type Age = 'old' | 'new';

/** One certificate that the cluster has, or has to have. */
export interface ListedCertificate {
  /** As `certs renew` and `certs rotate-ca` take it: `apiserver`, `etcd/server`, `super-admin`; of a CA `kubernetes`. */
  readonly name: string;
  readonly kind: 'authority' | 'leaf';
  /** Undefined where it belongs to the cluster and to no node of it. */
  readonly node: string | undefined;
  /** The CA that it is, or that has to have issued it. */
  readonly authority: AuthorityName;
  readonly age: Age | undefined;
  /** Of a CA; of anything else none. */
  readonly roles: readonly AuthorityRole[];
  /** Relative to the cluster directory, with slashes: `pki/nodes/cp1/apiserver.crt`. */
  readonly path: string;
  /** Whether its private key lies beside it. */
  readonly hasKey: boolean;
  readonly state: ListedState;
  /** Where it is in its time, misfit or not; undefined where it is missing or cannot be read. */
  readonly time: LifeState | undefined;
  /** What is wrong with it beyond its time, in words that follow its name. */
  readonly problems: readonly string[];
  /** Undefined where it is missing or cannot be read. */
  readonly facts: CertificateFacts | undefined;
}

/** The keys that service-account tokens are signed and checked with. */
export interface ListedKeys {
  /** Of the key that signs; undefined where it is not there or cannot be read. */
  readonly algorithm: string | undefined;
  readonly path: string;
  readonly hasKey: boolean;
  /** How many public keys are accepted. */
  readonly accepted: number;
  readonly problems: readonly string[];
}

export interface ListedPki {
  /** CAs first, then what belongs to the cluster, then each node's. */
  readonly certificates: readonly ListedCertificate[];
  readonly serviceAccount: ListedKeys;
}

import type { Component } from './component.ts';
import type { EtcdMinor } from './facts.ts';
import { error, type Finding } from './finding.ts';

/** A finding about several flags, told at one of them. */
export interface FlagFinding extends Finding {
  readonly flag: string;
}

type Flags = ReadonlyMap<string, readonly string[]>;

/** etcd 3.6 refuses an experimental flag beside its gate (embed.SetFeatureGatesFromExperimentalFlags). */
const ETCD_GATE_OF_FLAG: Readonly<Record<string, string>> = {
  'experimental-stop-grpc-service-on-defrag': 'StopGRPCServiceOnDefrag',
  'experimental-initial-corrupt-check': 'InitialCorruptCheck',
  'experimental-compact-hash-check-enabled': 'CompactHashCheck',
  'experimental-txn-mode-write-with-shared-buffer': 'TxnModeWriteWithSharedBuffer',
  'experimental-enable-lease-checkpoint': 'LeaseCheckpoint',
  'experimental-enable-lease-checkpoint-persist': 'LeaseCheckpointPersist',
};

/** Flags that each are right and together end the program; `flags` is everything that it is started with. */
export function checkTogether(component: Component, etcd: EtcdMinor, flags: Flags): readonly FlagFinding[] {
  if (component === 'kube-apiserver') return checkApiServer(flags);
  if (component === 'kube-controller-manager') return checkSigning(flags);
  if (component === 'etcd') return checkEtcd(etcd, flags);
  return [];
}

const given = (flags: Flags, name: string) => (flags.get(name) ?? []).some((value) => value !== '');
const named = (flags: Flags, pattern: RegExp) =>
  [...flags.keys()].filter((name) => pattern.test(name) && given(flags, name));
const clash = (flag: string, other: string): FlagFinding => ({
  ...error(`--${flag} and --${other} exclude each other`, `take one away: ${other}: null`),
  flag,
});

function checkApiServer(flags: Flags): readonly FlagFinding[] {
  const exclude = (flag: string, others: RegExp) =>
    given(flags, flag) ? named(flags, others).map((other) => clash(flag, other)) : [];
  return [
    ...exclude('authorization-config', /^authorization-(mode|policy-file|webhook-.*)$/),
    ...exclude('authentication-config', /^oidc-/),
    ...exclude('service-account-signing-endpoint', /^service-account-(signing-)?key-file$/),
  ];
}

/** One pair signs everything, or each signer has its own (validation of the CSR signing controller). */
function checkSigning(flags: Flags): readonly FlagFinding[] {
  const common = named(flags, /^cluster-signing-(cert|key)-file$/)[0];
  const own = named(flags, /^cluster-signing-(kube|kubelet|legacy).*-file$/)[0];
  return common && own ? [clash(own, common)] : [];
}

function checkEtcd(etcd: EtcdMinor, flags: Flags): readonly FlagFinding[] {
  const findings: FlagFinding[] = [];
  const gates = (flags.get('feature-gates') ?? []).join(',');
  for (const [flag, gate] of Object.entries(ETCD_GATE_OF_FLAG)) {
    if (etcd !== '3.6' || !flags.has(flag) || !gates.includes(gate)) continue;
    findings.push({
      ...error(`--${flag} and --feature-gates=${gate} exclude each other`, `set the gate alone: ${gate}=true or false`),
      flag,
    });
  }
  if (flags.get('tls-min-version')?.at(-1) === 'TLS1.3' && given(flags, 'cipher-suites')) {
    const message = 'etcd takes no --cipher-suites where --tls-min-version is TLS1.3';
    findings.push({ ...error(message, 'take it away: cipher-suites: null'), flag: 'cipher-suites' });
  }
  return findings;
}

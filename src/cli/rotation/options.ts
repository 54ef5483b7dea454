import { readFileSync } from 'node:fs';
import { BootstrapError } from '../../base/errors.ts';
import { didYouMean } from '../../base/suggest.ts';
import { systemErrorReason } from '../../base/system-error.ts';
import { readCertificate } from '../../pki/certificate.ts';
import { PemError } from '../../pki/pem-blocks.ts';
import { type Phase, phasesOf, type Subject } from '../../pki/rotation/journal.ts';
import type { GivenAuthority } from '../../pki/rotation/prepare.ts';
import { parseTime } from '../format.ts';
import { type RolloutOptions, type RolloutTimes, rolloutTimes } from '../rollout/options.ts';

export interface RotationOptions extends RolloutOptions {
  readonly apply?: boolean;
  readonly status?: boolean;
  readonly pauseBefore?: string;
  readonly rollback?: boolean;
  readonly settle?: string;
  readonly acceptLosses?: boolean;
  readonly newCa?: readonly string[];
  readonly restartWorkloads?: boolean;
  readonly tokensLast?: string;
}

export interface RotationSettings {
  readonly subjects: readonly Subject[];
  readonly pauseBefore: Phase | undefined;
  /** Milliseconds that processes may take to read new files by themselves. */
  readonly settle: number;
  /** Milliseconds for which tokens of the old key must go on working. */
  readonly tokensLast: number;
  readonly acceptLosses: boolean;
  readonly restartWorkloads: boolean;
  readonly given: readonly GivenAuthority[];
  readonly times: RolloutTimes;
}

/**
 * client-go looks at files every five minutes, at others every minute; etcd at each handshake (reference/rotation.md).
 * Milliseconds.
 */
const SETTLE: Readonly<Record<Subject, number>> = {
  kubernetes: 360_000,
  'front-proxy': 90_000,
  etcd: 5000,
  'service-account': 0,
};

/** @throws BootstrapError `usage` */
export function rotationSettings(subjects: readonly Subject[], options: RotationOptions): RotationSettings {
  return {
    subjects,
    pauseBefore: pausePhase(subjects, options.pauseBefore),
    settle:
      options.settle === undefined
        ? Math.max(...subjects.map((subject) => SETTLE[subject]))
        : parseTime('--settle', options.settle),
    tokensLast: parseTime('--tokens-last', options.tokensLast ?? '24h'),
    acceptLosses: options.acceptLosses === true,
    restartWorkloads: options.restartWorkloads === true,
    given: (options.newCa ?? []).map((text) => given(text, subjects)),
    times: rolloutTimes(options),
  };
}

function pausePhase(subjects: readonly Subject[], text: string | undefined): Phase | undefined {
  if (text === undefined) return undefined;
  const phases = phasesOf(subjects).slice(1);
  const phase = phases.find((each) => each === text);
  if (phase) return phase;
  throw new BootstrapError('usage', `--pause-before ${text}: there is no such phase`, {
    hint: didYouMean(text, phases) ?? `phases: ${phases.join(', ')}`,
  });
}

const CAS: readonly Subject[] = ['kubernetes', 'etcd', 'front-proxy'];

/** @throws BootstrapError `usage` where it names none. `hasOwnEtcd` false: there is no etcd CA of ours */
export function chosenAuthorities(which: string, hasOwnEtcd: boolean): readonly Subject[] {
  const there = CAS.filter((name) => name !== 'etcd' || hasOwnEtcd);
  if (which === 'all') return there;
  const found = there.find((name) => name === which);
  if (found) return [found];
  const why = which === 'etcd' ? 'etcd is not of this cluster: its CA is not kept here' : `there is no CA ${which}`;
  throw new BootstrapError('usage', why, {
    hint: didYouMean(which, [...there, 'all']) ?? `CAs: ${there.join(', ')}, or all`,
  });
}

/** `etcd=new-ca.crt` */
function given(text: string, subjects: readonly Subject[]): GivenAuthority {
  const [name = '', file = ''] = [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)];
  const subject = subjects.find((each) => each === name && each !== 'service-account');
  if (!subject || !file) {
    throw new BootstrapError('usage', `--new-ca ${text}: not NAME=FILE with a CA that is rotated`, {
      hint: `for example --new-ca ${subjects[0]}=new-ca.crt`,
    });
  }
  try {
    const certificate = readCertificate(readFileSync(file, 'utf8'));
    if (certificate.x509().ca) return { subject, certificate: certificate.pem };
    throw new BootstrapError('usage', `${file}: is not the certificate of a CA`);
  } catch (error) {
    if (error instanceof BootstrapError) throw error;
    const why = error instanceof PemError ? error.message : `cannot be read: ${systemErrorReason(error)}`;
    throw new BootstrapError('usage', `${file}: ${why}`);
  }
}

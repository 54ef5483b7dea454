import type { Phase, Subject } from '../../pki/rotation/journal.ts';

/** `the CA etcd`, `the CAs kubernetes and etcd`, `the service-account key`. */
export function subjectsText(subjects: readonly Subject[]): string {
  if (subjects.includes('service-account')) return 'the service-account key';
  const last = subjects.at(-1) ?? '';
  return subjects.length === 1 ? `the CA ${last}` : `the CAs ${subjects.slice(0, -1).join(', ')} and ${last}`;
}

/** The command that began it, and goes on with it. */
export function commandOf(subjects: readonly Subject[]): string {
  if (subjects.includes('service-account')) return 'bootstrap certs rotate-sa-key';
  return `bootstrap certs rotate-ca ${subjects.length > 1 ? 'all' : subjects[0]}`;
}

const OF_CAS: Readonly<Record<Phase, string>> = {
  prepare: 'new keys and CA certificates on disk; nothing uses them',
  trust: 'old and new CA are trusted everywhere',
  issue: 'all certificates come from the new CA',
  sign: 'the controller-manager signs with the new CA, kubelets change over',
  distrust: 'the new CA alone is trusted; from its beginning there is no way back',
};

const OF_KEY: Readonly<Record<Phase, string>> = {
  prepare: 'a new key on disk; nothing uses it',
  trust: 'tokens of the old and the new key are accepted',
  issue: '',
  sign: 'tokens are signed with the new key; those of the old one are still accepted',
  distrust: 'tokens of the old key are refused; from its beginning there is no way back',
};

/** What is so once a phase has been carried out. */
export function phaseText(phase: Phase, subjects: readonly Subject[]): string {
  return (subjects.includes('service-account') ? OF_KEY : OF_CAS)[phase];
}

import type { CertificateFacts, FileChange } from '../rollout/plan.ts';
import { count } from './format.ts';

type Certificates = NonNullable<FileChange['certificates']>;

/** What becomes of the certificates in a file, in words. */
export function certificateWords({ before, after }: Certificates): string {
  const [old, now] = [before[0], after[0]];
  if (old && now && before.length === 1 && after.length === 1) return changeWords(old, now);
  const added = after.filter((each) => !isAmong(before, each)).map((each) => `+ ${summary(each)}`);
  const gone = before.filter((each) => !isAmong(after, each)).map((each) => `- ${summary(each)}`);
  if (!before.length) return after.map(summary).join('; ');
  if (!after.length) return before.map(summary).join('; ');
  return [...added, ...gone].join('; ') || 'the same certificates in another order';
}

/** All that is known of them, a line each. */
export function certificateLines({ before, after }: Certificates): readonly string[] {
  return [
    ...before.flatMap((each) => [`- ${each.subject}`, ...facts(each).map((line) => `-   ${line}`)]),
    ...after.flatMap((each) => [`+ ${each.subject}`, ...facts(each).map((line) => `+   ${line}`)]),
  ];
}

function facts({ sans, issuer, notAfter, daysLeft, fingerprint }: CertificateFacts): readonly string[] {
  return [
    ...(sans.length ? [`for ${sans.join(', ')}`] : []),
    `issued by ${issuer}`,
    `valid to ${notAfter} (${days(daysLeft)})`,
    `SHA-256 ${fingerprint}`,
  ];
}

function changeWords(old: CertificateFacts, now: CertificateFacts): string {
  const added = now.sans.filter((name) => !old.sans.includes(name));
  const gone = old.sans.filter((name) => !now.sans.includes(name));
  const names = [...added.map((name) => `+${name}`), ...gone.map((name) => `-${name}`)];
  const words = [
    ...(old.subject === now.subject ? [] : [`${old.subject} → ${now.subject}`]),
    ...(names.length ? [`names ${names.join(' ')}`] : []),
    ...(old.issuer === now.issuer ? [] : [`issued by ${now.issuer}, before by ${old.issuer}`]),
    // to the day: the nodes' certificates are made one after the other
    ...(date(old) === date(now) ? [] : [`valid to ${validity(now)}, before to ${validity(old)}`]),
  ];
  return words.join('; ') || 'issued again, with another key or serial number';
}

function isAmong(list: readonly CertificateFacts[], { fingerprint }: CertificateFacts): boolean {
  return list.some((each) => each.fingerprint === fingerprint);
}

const summary = (certificate: CertificateFacts): string => `${certificate.subject}, valid to ${validity(certificate)}`;
const date = ({ notAfter }: CertificateFacts): string => notAfter.slice(0, 10);
const validity = (certificate: CertificateFacts): string => `${date(certificate)} (${days(certificate.daysLeft)})`;
const days = (left: number): string => (left < 0 ? `expired ${count(-left - 1, 'day')} ago` : count(left, 'day'));

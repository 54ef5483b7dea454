import { createHash } from 'node:crypto';
import { readCertificates } from '../../pki/certificate.ts';
import { PemError } from '../../pki/pem-blocks.ts';
import { PKI } from '../../render/layout.ts';
import type { CertificateSeen, NodeComponent, NodeObservation } from './observe.ts';
import type { CertificateStatus, Problem } from './status.ts';
import { isoTime, listed, oneLine, timeInWords } from './words.ts';

const DAY = 86_400_000;

/**
 * The certificates in files that were read from a node, bundles included; anything else is passed over.
 * @param files by path
 */
export function certificatesIn(files: ReadonlyMap<string, Buffer>): readonly CertificateSeen[] {
  return [...files].flatMap(([path, content]) => {
    try {
      return readCertificates(content.toString()).map(({ der, notBefore, notAfter }) => ({
        path,
        notBefore,
        notAfter,
        fingerprint: createHash('sha256').update(der).digest('hex'),
      }));
    } catch (error) {
      // a file that is damaged differs from what was delivered: that is drift, and shown as such
      if (error instanceof PemError) return [];
      throw error;
    }
  });
}

/** Less than 30 days, or than a third of its life where that is less: from then on `render` issues it again. */
function state({ notBefore, notAfter }: Omit<CertificateSeen, 'path'>, now: number): CertificateStatus['state'] {
  if (notAfter <= now) return 'expired';
  if (notBefore > now) return 'not-yet-valid';
  return notAfter - now < Math.min(30 * DAY, (notAfter - notBefore) / 3) ? 'ending' : 'ok';
}

/** All certificates of all nodes, each once however many nodes have it; the one that ends first comes first. */
export function certificateStatuses(nodes: readonly NodeObservation[], now: number): readonly CertificateStatus[] {
  const found = new Map<string, CertificateStatus>();
  const add = (node: string, seen: CertificateSeen, servedBy: CertificateStatus['servedBy'], name: string) => {
    // a bundle says no more than the authority's own file
    const key = `${seen.fingerprint} ${servedBy ?? ''}`;
    const before = found.get(key);
    found.set(key, {
      name: before?.name ?? name,
      path: before?.path ?? oneLine(seen.path),
      nodes: before?.nodes.includes(node) ? before.nodes : [...(before?.nodes ?? []), node],
      notAfter: isoTime(seen.notAfter),
      daysLeft: Math.trunc((seen.notAfter - now) / DAY) || 0,
      state: state(seen, now),
      servedBy,
    });
  };
  for (const { node, certificates, served } of nodes) {
    for (const seen of [...certificates].sort((a, b) => a.path.length - b.path.length)) {
      add(node, seen, undefined, nameOf(seen.path));
    }
    for (const { component, ...seen } of served) {
      if (certificates.some(({ fingerprint }) => fingerprint === seen.fingerprint)) continue;
      add(node, { ...seen, path: seen.path ?? '' }, component, `${component} on port ${seen.port}`);
    }
  }
  return [...found.values()].sort((a, b) => (a.notAfter < b.notAfter ? -1 : a.notAfter > b.notAfter ? 1 : 0));
}

/** `/etc/kubernetes/pki/etcd/server.crt` is `etcd/server`. */
function nameOf(path: string): string {
  return oneLine(path)
    .replace(`${PKI}/`, '')
    .replace('/var/lib/kubelet/pki/', '')
    .replace(/\.(crt|pem)$/, '');
}

const RENEW = '`bootstrap render` issues again what ends soon, `bootstrap apply` brings it to the nodes';

/** What is wrong with the certificates of one node, or of several where they share one. */
export function certificateProblems(
  statuses: readonly CertificateStatus[],
  nodes: readonly NodeObservation[],
  now: number,
): readonly Problem[] {
  const several = expiredOnSeveral(statuses, now);
  const shared = statuses.filter(({ nodes: on }) => on.length > 1);
  const groups: readonly { readonly node: string | undefined; readonly all: readonly CertificateStatus[] }[] = [
    { node: undefined, all: shared },
    ...nodes.map(({ node }) => ({ node, all: statuses.filter(({ nodes: on }) => on.length === 1 && on[0] === node) })),
  ];
  return [
    ...several,
    ...groups
      .flatMap(({ node, all }) => ofGroup(node, all, now))
      .filter(({ code }) => code !== 'certificate-expired' || !several.length),
    ...nodes.flatMap((node) => inMemory(node, now)),
  ];
}

/** What belongs to an authority ends with it: that is another matter than leaves which nobody has renewed. */
const isExpiredLeaf = (each: CertificateStatus): boolean =>
  each.state === 'expired' && !isAuthority(each) && (each.servedBy === undefined || each.path === '');

/** Nodes on which certificates have expired that were in need of nothing but somebody to renew them. */
export function nodesWithExpired(statuses: readonly CertificateStatus[]): ReadonlySet<string> {
  return new Set(statuses.filter(isExpiredLeaf).flatMap(({ nodes }) => nodes));
}

/** Where nobody has renewed anything for long it is one problem, not one of each node. */
function expiredOnSeveral(statuses: readonly CertificateStatus[], now: number): readonly Problem[] {
  const expired = statuses.filter(({ state: is, servedBy, path }) => is === 'expired' && (!servedBy || path === ''));
  const nodes = [...new Set(expired.flatMap(({ nodes: on }) => on))].sort();
  const [first] = expired;
  if (!first || nodes.length < 2 || !expired.every(isExpiredLeaf)) return [];
  const names = [...new Set(expired.map(({ name }) => name))].sort();
  return [
    {
      severity: 'error',
      code: 'certificate-expired',
      node: undefined,
      component: undefined,
      what: `certificates of ${listed(nodes, 5)} have expired, the first ${lifeInWords(now - Date.parse(first.notAfter))} ago: ${listed(names, 5)}`,
      hint: `nothing connects any more that needs them. ${RENEW_ALL}`,
    },
  ];
}

const RENEW_ALL =
  '`bootstrap apply` issues new ones and brings them to all masters together, which restarts no pod; change nothing else before';

function ofGroup(node: string | undefined, all: readonly CertificateStatus[], now: number): readonly Problem[] {
  const problem = (
    code: 'certificate-expired' | 'certificate-ending' | 'certificate-not-yet-valid',
    what: (some: readonly CertificateStatus[], left: string) => string,
  ): readonly Problem[] => {
    const wanted =
      code === 'certificate-expired' ? 'expired' : code === 'certificate-ending' ? 'ending' : 'not-yet-valid';
    // what is in memory only, instead of what is in its file, is told once, as such
    const some = all.filter(
      ({ state: is, servedBy, path }) => is === wanted && (servedBy === undefined || path === ''),
    );
    const [first] = some;
    if (!first) return [];
    const severity = code === 'certificate-ending' ? 'warning' : 'error';
    const hint = wanted === 'not-yet-valid' ? EARLY : some.some(isAuthority) ? AUTHORITY : RENEW;
    const text = what(some, lifeInWords(Date.parse(first.notAfter) - now));
    return [{ severity, code, node, component: undefined, what: text, hint }];
  };
  const names = (some: readonly CertificateStatus[]) => listed(some.map(({ name }) => name));
  return [
    ...problem('certificate-expired', (some, left) =>
      some.length === 1
        ? `the certificate ${names(some)} has expired ${left} ago`
        : `${some.length} certificates have expired: ${names(some)}, the first ${left} ago`,
    ),
    ...problem('certificate-ending', (some, left) =>
      some.length === 1
        ? `the certificate ${names(some)} ends in ${left}`
        : `${some.length} certificates end soon: ${names(some)}, the first in ${left}`,
    ),
    ...problem('certificate-not-yet-valid', (some) =>
      some.length === 1
        ? `the certificate ${names(some)} is not valid yet`
        : `${some.length} certificates are not valid yet: ${names(some)}`,
    ),
  ];
}

/** Whole days rounded down, so that it never sounds longer than it is. */
function lifeInWords(milliseconds: number): string {
  const days = Math.floor(Math.abs(milliseconds) / DAY);
  return days < 2 ? timeInWords(milliseconds) : `${days} days`;
}

const EARLY = 'is the clock of this machine right, and was that of the machine which issued it?';
const AUTHORITY = 'a CA is never replaced by `bootstrap apply`, and what it has signed ends with it: plan its rotation';

function isAuthority({ name }: CertificateStatus): boolean {
  return /(^|\/)(front-proxy-)?ca(-bundle)?$/.test(name);
}

/** A process that shows another certificate than the one in its file: renewed on disk, the old one still in memory. */
function inMemory({ node, certificates, served }: NodeObservation, now: number): readonly Problem[] {
  return served.flatMap(({ component, port, path, fingerprint, notAfter }) => {
    const onDisk = certificates.filter((each) => each.path === path);
    if (path === undefined || !onDisk.length || onDisk.some((each) => each.fingerprint === fingerprint)) return [];
    const over = notAfter <= now;
    const end = over ? `expired ${lifeInWords(now - notAfter)} ago` : `ends in ${lifeInWords(notAfter - now)}`;
    return [
      {
        severity: over ? 'error' : 'warning',
        code: 'certificate-in-memory',
        node,
        component,
        what: `on port ${port} it still shows an old certificate, which ${end}: ${oneLine(path)} holds another one`,
        hint: `it is read again within a minute; where it stays so, ${restart(component)} on ${node}`,
      } as const,
    ];
  });
}

function restart(component: NodeComponent): string {
  return component === 'kubelet'
    ? '`systemctl restart kubelet`'
    : `\`crictl stop $(crictl ps -q --name ${component})\` (the kubelet starts it anew)`;
}

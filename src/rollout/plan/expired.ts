import type { X509Certificate } from 'node:crypto';
import type { Bundle } from '../../bundle/bundle.ts';
import { readCertificates } from '../../pki/certificate.ts';
import { PemError } from '../../pki/pem-blocks.ts';
import { ETCD_PKI, KUBELET_CLIENT_CERTIFICATE } from '../../render/layout.ts';
import type { NodeFacts } from '../node-facts.ts';
import { stateOf } from './file-changes.ts';

interface ExpiredCertificate {
  /** The file on the node. */
  readonly path: string;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
}

/** What has expired on a node, by the node's own clock; nothing of a CA that is not the cluster's, or has itself expired. */
export interface Expired {
  /** The one that ended first comes first. */
  readonly certificates: readonly ExpiredCertificate[];
  /**
   * Members of etcd show each other one of them: no two can connect anew where either has such a one, whatever the other
   * has. So they are renewed on all masters together.
   */
  readonly etcd: boolean;
  /** What the kubelet logs in with: `own` it got by itself and prefers, `delivered` came with a revision. */
  readonly kubelet: 'own' | 'delivered' | undefined;
  /** Files that have expired in what the node shall have as well: with it nothing can be mended. */
  readonly wanted: readonly string[];
}

export const NONE_EXPIRED: Expired = { certificates: [], etcd: false, kubelet: undefined, wanted: [] };

export interface ExpiredInput {
  readonly bundle: Bundle;
  readonly facts: Pick<NodeFacts, 'files' | 'clock'>;
  /** Of the files of {@link certificatePaths}. */
  readonly contents: ReadonlyMap<string, Buffer>;
  /** PEM; '' where the kubelet has got none by itself. */
  readonly kubeletIdentity: string;
}

const PEERS = [`${ETCD_PKI}/server.crt`, `${ETCD_PKI}/peer.crt`];

/** Certificates that are others on the node than those it shall have: what is in them has to be read there. */
export function certificatePaths(bundle: Bundle, { files }: Pick<NodeFacts, 'files'>): readonly string[] {
  return bundle.files
    .filter((file) => isCertificate(file.path) && !file.sensitive)
    .filter((file) => files.get(file.path)?.type === 'file' && files.get(file.path)?.sha256 !== stateOf(file).sha256)
    .map(({ path }) => path);
}

const isCertificate = (path: string): boolean => path.endsWith('.crt');

export function expiredOn({ bundle, facts, contents, kubeletIdentity }: ExpiredInput): Expired {
  const now = facts.clock;
  const authorities = trusted(bundle, now);
  const over = (text: string) => firstExpired(text, authorities, now);
  const found: ExpiredCertificate[] = [];
  const wanted: string[] = [];
  for (const { path, content } of bundle.files.filter((file) => isCertificate(file.path) && !file.sensitive)) {
    if (over(content.toString()) !== undefined) wanted.push(path);
    const state = facts.files.get(path);
    if (state?.type !== 'file') continue;
    const notAfter = over((contents.get(path) ?? content).toString());
    if (notAfter !== undefined) found.push({ path, notAfter });
  }
  const isOver = ({ path }: ExpiredCertificate) => path === KUBELET_CLIENT_CERTIFICATE;
  const delivered = found.some(isOver) ? 'delivered' : undefined;
  return {
    certificates: found.sort((a, b) => a.notAfter - b.notAfter),
    etcd: found.some(({ path }) => PEERS.includes(path)),
    kubelet: kubeletIdentity ? (over(kubeletIdentity) === undefined ? undefined : 'own') : delivered,
    wanted,
  };
}

/** The CAs among the certificates of a bundle, as far as they are valid; read only where that is asked for. */
function trusted({ files }: Bundle, now: number): () => readonly X509Certificate[] {
  let found: readonly X509Certificate[] | undefined;
  return () => {
    found ??= files
      .filter(({ path, sensitive }) => isCertificate(path) && !sensitive)
      .flatMap(({ content }) => legible(() => readCertificates(content.toString())) ?? [])
      .filter(({ notBefore, notAfter }) => notBefore <= now && now < notAfter)
      .flatMap(({ x509 }) => legible(x509) ?? [])
      .filter(({ ca }) => ca);
    return found;
  };
}

/** When the first certificate of a text has expired; undefined where it has not, or is none of these CAs'. */
function firstExpired(text: string, authorities: () => readonly X509Certificate[], now: number): number | undefined {
  const [leaf] = legible(() => readCertificates(text)) ?? [];
  if (!leaf || leaf.notAfter > now) return undefined;
  const certificate = legible(leaf.x509);
  if (!certificate || certificate.ca) return undefined;
  const isOurs = authorities().some((ca) => certificate.checkIssued(ca) && certificate.verify(ca.publicKey));
  return isOurs ? leaf.notAfter : undefined;
}

/** A damaged certificate is drift, and put right as such. */
function legible<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof PemError) return undefined;
    throw error;
  }
}

import { X509Certificate } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { certificatesIn, isCurrent } from '../authorities.ts';
import { type MachineSettings, onNode } from './settings.ts';

const FOLDER = '/var/lib/kubelet/pki';
const CURRENT = 'kubelet-client-current.pem';
const UPDATED = 'kubelet-client-updated.pem';
/** Share of a certificate's life after which it is renewed; the kubelet takes one from 0.7 to 0.9. */
const RENEWED_AFTER = 0.8;

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export type KubeletIdentity = ReturnType<typeof kubeletIdentity>;

/**
 * The kubelet's client certificate (client-go/util/certificate/certificate_store.go): kubelet-client-current.pem where it is
 * there, else the files that the kubeconfig names; read at the start, from then on its own.
 * @throws Error where what is there cannot be read
 */
export function kubeletIdentity(settings: MachineSettings, files: { readonly cert: string; readonly key: string }) {
  const inFolder = (name: string) => onNode(settings, join(FOLDER, name));
  if (!existsSync(inFolder(CURRENT)) && isThere(inFolder(UPDATED))) {
    if (!isLink(inFolder(UPDATED)))
      throw new Error(`expected "${join(FOLDER, UPDATED)}" to be a symlink but it is a file`);
    renameSync(inFolder(UPDATED), inFolder(CURRENT));
  }
  const load = (): Pair => {
    if (!existsSync(inFolder(CURRENT))) {
      return {
        cert: readFileSync(onNode(settings, files.cert), 'utf8'),
        key: readFileSync(onNode(settings, files.key), 'utf8'),
      };
    }
    const text = readFileSync(inFolder(CURRENT), 'utf8');
    return { cert: text, key: text };
  };
  let pair = load();
  let certificate = leafOf(pair);

  return {
    /** undefined where it has expired: then the kubelet shows none. */
    current: (): Pair | undefined => (isCurrent(certificate) ? pair : undefined),
    isDue(): boolean {
      const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
      return Date.now() > from + (to - from) * RENEWED_AFTER;
    },
    /** @throws Error where kubelet-client-current.pem is a file: such a kubelet never gets a new certificate */
    update(next: Pair): void {
      mkdirSync(onNode(settings, FOLDER), { recursive: true });
      const name = `kubelet-client-${new Date().toISOString().slice(0, 19).replaceAll(/[T:]/g, '-')}.pem`;
      writeFileSync(inFolder(name), `${next.cert.trim()}\n${next.key}`, { mode: 0o600 });
      for (const each of [CURRENT, UPDATED]) {
        if (isThere(inFolder(each)) && !isLink(inFolder(each)))
          throw new Error(`expected "${join(FOLDER, each)}" to be a symlink but it is a file`);
      }
      rmSync(inFolder(UPDATED), { force: true });
      // relative: the node's / is not this machine's
      symlinkSync(name, inFolder(UPDATED));
      renameSync(inFolder(UPDATED), inFolder(CURRENT));
      pair = next;
      certificate = leafOf(pair);
    },
  };
}

function leafOf({ cert }: Pair): X509Certificate {
  const [leaf] = certificatesIn(cert);
  if (leaf === undefined) throw new Error('tls: failed to find any PEM data in certificate input');
  return new X509Certificate(leaf);
}

const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;
const isLink = (path: string): boolean => lstatSync(path).isSymbolicLink();

import { createHash } from 'node:crypto';
import { dirname } from 'node:path/posix';
import type { Cluster } from '../../spec/cluster.ts';
import { PKI, SSL_CERTS } from '../layout.ts';

/** A directory of the host that is mounted read-only at its own path. */
export interface HostDir {
  readonly name: string;
  readonly path: string;
}

/** Names that the templates give to their volumes. */
const TAKEN = ['ca-certs', 'k8s-certs', 'kubeconfig', 'flexvolume-dir'];

/** Directories with CA certificates, each once, named by their path as kubeadm does: `/etc/pki/tls` → `etc-pki-tls`. */
export function caCertDirs(cluster: Cluster): readonly HostDir[] {
  const paths = [...new Set(cluster.hostCACertDirs.map(normal))].filter((path) => path !== SSL_CERTS && path !== PKI);
  const names = new Set(TAKEN);
  return paths.map((path) => {
    const plain = path.slice(1).replaceAll('/', '-');
    const usable = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(plain) && !names.has(plain);
    const name = usable ? plain : `dir-${createHash('sha256').update(path).digest('hex').slice(0, 12)}`;
    names.add(name);
    return { name, path };
  });
}

/**
 * The directories with the certificates for an external etcd that are not mounted anyway; of nested ones only the outer
 * (kubeadm: getEtcdCertVolumes).
 */
export function etcdCertDirs(cluster: Cluster): readonly HostDir[] {
  if (cluster.etcd.kind === 'local') return [];
  const { caFile, certFile, keyFile } = cluster.etcd;
  const mounted = [SSL_CERTS, PKI, ...cluster.hostCACertDirs.map(normal)];
  const dirs = [...new Set([caFile, certFile, keyFile].filter(Boolean).map((file) => dirname(normal(file))))]
    .filter((dir) => !mounted.some((outer) => isWithin(dir, outer)))
    .sort();
  const outermost = dirs.filter((dir) => !dirs.some((outer) => outer !== dir && isWithin(dir, outer)));
  return outermost.map((path, i) => ({ name: `etcd-certs-${i}`, path }));
}

/** Whether `path` is `dir` or lies below it. */
export function isWithin(path: string, dir: string): boolean {
  return path === dir || path.startsWith(dir === '/' ? '/' : `${dir}/`);
}

function normal(path: string): string {
  return path.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '');
}

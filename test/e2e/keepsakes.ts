import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CAS } from './certificates.ts';
import { MASTERS, type MasterName } from './cluster.ts';
import { CLUSTER, HOME, KUBE_BIN } from './places.ts';
import { admin, type Ran, tryRig } from './rig.ts';

/** What somebody has kept from the time before: CAs with their keys, what they have signed, and admin.conf. */
export interface Keepsakes {
  /** admin.conf as it was. */
  readonly kubeconfig: string;
  /** Certificates and keys of the CAs, by path and ending. */
  readonly authorities: ReadonlyMap<string, string>;
  readonly dir: string;
}

/**
 * Copies the CAs of the cluster directory, and has openssl sign client certificates with them: one for system:masters,
 * one for etcd.
 */
export async function keepsakes(called: string): Promise<Keepsakes> {
  const dir = join(HOME, 'kept', called);
  const authorities = new Map<string, string>();
  for (const ca of CAS) {
    for (const ending of ['crt', 'key']) {
      const text = readFileSync(join(CLUSTER, 'pki', `${ca}.${ending}`), 'utf8');
      mkdirSync(dirname(join(dir, ca)), { recursive: true, mode: 0o700 });
      writeFileSync(join(dir, `${ca}.${ending}`), text, { mode: 0o600 });
      authorities.set(`${ca}.${ending}`, text);
    }
  }
  await sign(dir, 'ca', 'masters', '/O=system:masters/CN=kept');
  await sign(dir, 'etcd/ca', 'etcd-client', '/CN=kept');
  const kubeconfig = join(dir, 'admin.conf');
  writeFileSync(kubeconfig, readFileSync(join(CLUSTER, 'admin.conf')), { mode: 0o600 });
  return { kubeconfig, authorities, dir };
}

async function sign(dir: string, ca: string, name: string, subject: string): Promise<void> {
  const file = join(dir, name);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${file}.key`];
  await admin('openssl', 'req', '-new', ...key, '-subj', subject, '-out', `${file}.csr`);
  writeFileSync(`${file}.ext`, 'keyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n');
  const signer = ['-CA', join(dir, `${ca}.crt`), '-CAkey', join(dir, `${ca}.key`), '-CAcreateserial'];
  await admin(
    ...['openssl', 'x509', '-req', '-in', `${file}.csr`, ...signer, '-days', '30'],
    ...['-extfile', `${file}.ext`, '-out', `${file}.crt`],
  );
}

/** The status with which an apiserver answers who shows the kept client certificate; 403 and 200 mean that it is known. */
export async function masterAnswers(node: MasterName, { dir }: Keepsakes): Promise<string> {
  const pair = ['--cert', join(dir, 'masters.crt'), '--key', join(dir, 'masters.key')];
  const url = `https://${MASTERS[node]}:6443/api/v1/namespaces`;
  const bundle = join(CLUSTER, 'nodes/cp1/etc/kubernetes/pki/ca-bundle.crt');
  return admin(
    'curl',
    '-sS',
    '--max-time',
    '10',
    '-o',
    '/dev/null',
    '-w',
    '%{http_code}',
    '--cacert',
    bundle,
    ...pair,
    url,
  );
}

/** Asks a member of etcd with the kept client certificate. */
export function etcdAnswers(node: MasterName, { dir }: Keepsakes): Promise<Ran> {
  const bundle = join(CLUSTER, 'nodes/cp1/etc/kubernetes/pki/etcd/ca-bundle.crt');
  const pair = [`--cert=${join(dir, 'etcd-client.crt')}`, `--key=${join(dir, 'etcd-client.key')}`];
  const endpoint = `--endpoints=https://${MASTERS[node]}:2379`;
  const times = ['--dial-timeout=4s', '--command-timeout=6s'];
  return tryRig(
    ...['admin', join(KUBE_BIN, 'etcdctl'), endpoint, `--cacert=${bundle}`, ...pair, ...times, 'endpoint', 'status'],
  );
}

/** A kubectl of the time before. */
export const oldKubectl = ({ kubeconfig }: Keepsakes, ...args: readonly string[]): Promise<Ran> =>
  tryRig('admin', join(KUBE_BIN, 'kubectl'), '--kubeconfig', kubeconfig, '--request-timeout=15s', ...args);

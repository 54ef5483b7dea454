import { createPublicKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MASTERS, type MasterName, NAMES } from './cluster.ts';
import { CLUSTER } from './places.ts';
import { inHost, tryRig } from './rig.ts';

/** Relative to `pki/`, without ending. */
export const CAS = ['ca', 'etcd/ca', 'front-proxy-ca'] as const;

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Every certificate of a text, also of those that a kubeconfig holds in base64. */
function certificatesIn(text: string): readonly X509Certificate[] {
  const embedded = [...text.matchAll(/-data: (\S+)/g)].map(([, data = '']) => Buffer.from(data, 'base64').toString());
  return [text, ...embedded].flatMap((each) => each.match(BLOCK) ?? []).map((pem) => new X509Certificate(pem));
}

/** The leaf certificates of a node's control plane that were delivered to it, by path. */
export async function leavesOn(node: MasterName): Promise<ReadonlyMap<string, X509Certificate>> {
  const text = await inHost(
    node,
    'find /etc/kubernetes -type f \\( -name "*.crt" -o -name "*.conf" \\) -exec sh -c \'for it; do echo "== $it"; cat "$it"; done\' - {} +',
  );
  return new Map(
    text
      .split(/^== /m)
      .slice(1)
      .flatMap((part) => {
        const path = part.slice(0, part.indexOf('\n'));
        const leaf = certificatesIn(part).find(({ ca }) => !ca);
        return leaf ? [[path, leaf] as const] : [];
      }),
  );
}

/** What a server shows in a TLS handshake. */
export async function shown(node: MasterName, port: number): Promise<X509Certificate> {
  // it ends with 1 where the server then asks for a certificate of the client
  const { stdout } = await tryRig('admin', 'openssl', 's_client', '-connect', `${MASTERS[node]}:${port}`);
  const [pem] = stdout.match(BLOCK) ?? [];
  if (!pem) throw new Error(`${node}:${port} shows no certificate`);
  return new X509Certificate(pem);
}

/** The client certificate that a kubelet uses. */
export async function kubeletIdentity(node: MasterName): Promise<X509Certificate> {
  const own = '/var/lib/kubelet/pki/kubelet-client-current.pem';
  const text = await inHost(node, `cat ${own} 2>/dev/null || cat /etc/kubernetes/pki/kubelet/client.crt`);
  const [leaf] = certificatesIn(text);
  if (!leaf) throw new Error(`${node}: its kubelet has no client certificate`);
  return leaf;
}

/** Whether a CA has signed a certificate: by the signature, since an old and a new CA bear the same name. */
export function isFrom(leaf: X509Certificate, ca: string): boolean {
  return leaf.verify(createPublicKey(ca));
}

/** The certificates of the three CAs, or their keys, in the cluster directory, by path. */
export function authorities(under = 'pki', ending: 'crt' | 'key' = 'crt'): ReadonlyMap<string, string> {
  const files = CAS.map((name) => `${name}.${ending}`);
  return new Map(files.map((file) => [file, readFileSync(join(CLUSTER, under, file), 'utf8')]));
}

/** How many CAs each bundle on a node trusts, by path. */
export async function bundlesOn(node: MasterName): Promise<ReadonlyMap<string, readonly string[]>> {
  const paths = ['ca-bundle.crt', 'etcd/ca-bundle.crt', 'front-proxy-ca-bundle.crt'];
  const all = await Promise.all(paths.map((path) => inHost(node, `cat /etc/kubernetes/pki/${path}`)));
  return new Map(paths.map((path, i) => [path, certificatesIn(all[i] ?? '').map((ca) => ca.fingerprint256)]));
}

/**
 * Texts of which at least one stands in every file that holds this PEM block and not another one, as it is or in base64,
 * as kubeconfigs and Secrets hold it.
 * @param others PEM of the same kind, so that nothing is taken that stands in them as well
 */
export function marksOf(pem: string, others: readonly string[]): readonly string[] {
  const lines = pem.split('\n').filter((line) => line.length === 64);
  const line = lines.findLast((each) => others.every((other) => !other.includes(each)));
  if (!line) throw new Error('no line of it stands there alone');
  const inBase64 = [0, 1, 2].map((shift) => {
    const text = Buffer.from(`${'-'.repeat(shift)}${line}`).toString('base64');
    // its ends also depend on what stands before and after it
    return text.slice(shift ? 4 : 0, 80);
  });
  return [line, ...inBase64];
}

/** Files below these directories that hold one of the marks: `cp1 /etc/kubernetes/…`; those of a host, or of this machine. */
async function filesWith(marks: readonly string[], dirs: readonly string[], host?: string): Promise<readonly string[]> {
  const grep = ['grep', '-rlF', ...marks.flatMap((mark) => ['-e', mark]), ...dirs];
  const ran = await (host === undefined ? tryRig('admin', ...grep) : tryRig('exec', host, ...grep));
  // 1 = there is none; 2 = one went away meanwhile
  if (![0, 1, 2].includes(ran.status ?? -1)) throw new Error(`grep: status ${ran.status}\n${ran.stderr}`);
  return ran.stdout
    .split('\n')
    .filter(Boolean)
    .map((path) => `${host ?? 'cluster directory'} ${path}`);
}

/** Where a CA is still to be found: on the masters, in the cluster directory, in ConfigMaps and Secrets. */
export async function tracesOf(marks: readonly string[], objects: string, hosts: readonly string[] = NAMES) {
  const found = await Promise.all([
    filesWith(marks, [CLUSTER]),
    ...hosts.map((host) => filesWith(marks, ['/etc/kubernetes', '/var/lib/kubelet'], host)),
  ]);
  const isIn = (item: unknown) => marks.some((mark) => JSON.stringify(item).includes(mark));
  const kept: readonly KubeObject[] = JSON.parse(objects).items;
  return [
    ...found.flat(),
    ...kept.filter(isIn).map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`),
  ];
}

interface KubeObject {
  readonly kind: string;
  readonly metadata: { readonly namespace: string; readonly name: string };
}

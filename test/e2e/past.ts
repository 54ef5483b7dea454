import { X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { authorities, isFrom } from './certificates.ts';
import type { MasterName } from './cluster.ts';
import { CLUSTER, HOME } from './places.ts';
import { admin, inHost, rig } from './rig.ts';

const OPENSSL_CONF = (dir: string) => `[ca]
default_ca = past
[past]
database = ${dir}/index.txt
new_certs_dir = ${dir}
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copyall
unique_subject = no
[any]
organizationName = optional
commonName = supplied
`;

const DAY = 86_400_000;

/** A text in which some are to take the place of others. */
type Replacements = ReadonlyMap<string, string>;

/**
 * Signs every leaf certificate of the cluster directory anew with openssl and the same CA, for the same key, from a year
 * and a month ago until a month ago.
 * @returns what each was, and what takes its place
 */
export async function expiredLeaves(): Promise<Replacements> {
  mkdirSync(HOME, { recursive: true });
  const dir = mkdtempSync(join(HOME, 'past-'));
  writeFileSync(join(dir, 'ca.conf'), OPENSSL_CONF(dir));
  writeFileSync(join(dir, 'index.txt'), '');
  const pki = join(CLUSTER, 'pki');
  const files = readdirSync(pki, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.crt'));
  const replaced = new Map<string, string>();
  for (const file of files) {
    const pem = readFileSync(join(pki, file), 'utf8');
    if (new X509Certificate(pem).ca) continue;
    const [ca] = [...authorities()].find(([, text]) => isFrom(new X509Certificate(pem), text)) ?? [];
    if (!ca) throw new Error(`${file}: whose is it?`);
    replaced.set(pem, await signedForThePast(dir, join(pki, file), join(pki, ca)));
  }
  return replaced;
}

async function signedForThePast(dir: string, certificate: string, ca: string): Promise<string> {
  const key = (file: string) => file.replace(/crt$/, 'key');
  const [csr, out] = [join(dir, 'csr'), join(dir, 'out.crt')];
  const date = (days: number) => new Date(Date.now() - days * DAY).toISOString().replace(/[-:T]|\.\d+/g, '');
  await admin(
    ...['openssl', 'x509', '-x509toreq', '-in', certificate, '-signkey', key(certificate)],
    ...['-copy_extensions', 'copyall', '-out', csr],
  );
  await admin(
    ...['openssl', 'ca', '-batch', '-notext', '-preserveDN', '-config', join(dir, 'ca.conf')],
    ...['-cert', ca, '-keyfile', key(ca), '-in', csr, '-out', out],
    ...['-startdate', date(395), '-enddate', date(30)],
  );
  return readFileSync(out, 'utf8');
}

function replacedIn(text: string, replacements: Replacements): string {
  const inBase64 = (pem: string) => Buffer.from(pem).toString('base64');
  return [...replacements].reduce(
    (now, [was, is]) => now.replaceAll(was.trim(), is.trim()).replaceAll(inBase64(was), inBase64(is)),
    text,
  );
}

/** In the cluster directory, wherever they stand. */
export function putIntoDirectory(replacements: Replacements): void {
  for (const name of readdirSync(CLUSTER, { recursive: true, encoding: 'utf8' })) {
    const file = join(CLUSTER, name);
    if (!statSync(file).isFile()) continue;
    const text = readFileSync(file, 'latin1');
    const now = replacedIn(text, replacements);
    if (now !== text) writeFileSync(file, now, 'latin1');
  }
}

/** On a master, wherever they stand; each file keeps its mode. @returns the paths */
export async function putOnto(node: MasterName, replacements: Replacements): Promise<readonly string[]> {
  const paths = (await inHost(node, 'find /etc/kubernetes -type f \\( -name "*.crt" -o -name "*.conf" \\)')).trim();
  const changed: string[] = [];
  for (const path of paths.split('\n')) {
    const text = await inHost(node, `cat ${path}`);
    const now = replacedIn(text, replacements);
    if (now === text) continue;
    await overwrite(node, path, now, Number.parseInt(await inHost(node, `stat -c %a ${path}`), 8));
    changed.push(path);
  }
  return changed;
}

/** What a kubelet keeps that has once renewed its client certificate by itself, and could not for too long since. */
export async function expireOwn(node: MasterName): Promise<void> {
  const dir = '/var/lib/kubelet/pki';
  const pair = await inHost(node, 'cd /etc/kubernetes/pki/kubelet && cat client.crt client.key');
  await inHost(node, `rm -f ${dir}/kubelet-client-*.pem`);
  const name = 'kubelet-client-2025-10-24-12-00-00.pem';
  await overwrite(node, `${dir}/${name}`, pair, 0o600);
  await inHost(node, `ln -s ${dir}/${name} ${dir}/kubelet-client-current.pem`);
}

async function overwrite(node: MasterName, path: string, text: string, mode: number): Promise<void> {
  const file = join(HOME, 'pushed', node, path);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, text, { mode });
  await rig('push', node, file, path);
}

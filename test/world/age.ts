import { createHash, randomBytes } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SecretPem } from '../../src/base/pem.ts';
import { bundleDigest, makeBundle } from '../../src/bundle/bundle.ts';
import { readCertificate } from '../../src/pki/certificate.ts';
import { type LeafEntry, pkiInventory } from '../../src/pki/inventory.ts';
import { privateKey } from '../../src/pki/keys.ts';
import { openPkiStore } from '../../src/pki/store.ts';
import { issueLeaf, type Signer } from '../../src/pki/x509.ts';
import { clusterOf } from '../support/spec.ts';
import { certificatesIn } from './authorities.ts';

/** What was replaced → by what. */
type Replacements = Map<string, string>;

const YEAR_MS = 365 * 86_400_000;
/** Where certificates lie on a node, and the SHA-256 of files with certificates. */
const NODE_FOLDERS = ['etc/kubernetes', 'var/lib/kubelet', 'var/lib/bootstrap'];
const OWN_RENEWALS = 'var/lib/kubelet/pki';
const LARGEST = 1 << 20;

/**
 * See World.age.
 * @param dir the cluster directory
 * @param roots node → its `/`
 */
export async function ageCertificates(
  dir: string,
  roots: ReadonlyMap<string, string>,
  seconds: number,
  only: (path: string) => boolean,
): Promise<void> {
  const store = openPkiStore(dir);
  const inventory = pkiInventory(clusterOf(readFileSync(join(dir, 'cluster.yaml'), 'utf8')));
  const read = (path: string): string => store.read(path)?.text ?? '';
  const signers = new Map<string, Signer>(
    inventory.authorities.map(({ name, path }) => [
      name,
      { certificate: readCertificate(read(`${path}.crt`)), key: privateKey(new SecretPem(read(`${path}.key`))) },
    ]),
  );
  const issue = (entry: LeafEntry, key: string): Promise<string> => {
    const signer = signers.get(entry.authority);
    if (!signer) throw new Error(`there is no CA ${entry.authority}`);
    const now = new Date(Date.now() + seconds * 1000 - YEAR_MS);
    return issueLeaf(entry, new SecretPem(key), signer, { serial: randomBytes(16), now, validity: YEAR_MS });
  };

  const replaced: Replacements = new Map();
  const put = (old: string, aged: string): void => {
    replaced.set(old.trim(), aged.trim());
    replaced.set(base64(old), base64(aged));
  };
  for (const entry of inventory.leaves.filter(({ path }) => only(path))) {
    const old = read(`${entry.path}.crt`);
    if (old) put(old, await issue(entry, read(`${entry.path}.key`)));
    const { use } = entry;
    if (use.kind !== 'node' || use.leaf !== 'kubelet' || !only(`nodes/${use.node}/kubelet-client`)) continue;
    for (const text of ownRenewals(roots.get(use.node) ?? '')) {
      const [leaf = ''] = certificatesIn(text);
      put(leaf, await issue(entry, text.slice(text.lastIndexOf('-----BEGIN'))));
    }
  }
  const folders = [...roots.values()].flatMap((root) => NODE_FOLDERS.map((folder) => join(root, folder)));
  const files = [dir, ...folders].filter((folder) => existsSync(folder)).flatMap(filesBelow);
  const sums: Replacements = new Map();
  for (const file of files) replaceIn(file, replaced, sums);
  // the indexes of revisions
  for (const file of files.filter((path) => path.includes('/var/lib/bootstrap/'))) replaceIn(file, sums, new Map());
  for (const root of roots.values()) for (const revision of revisionsOf(root)) correctDigest(revision);
}

function revisionsOf(root: string): readonly string[] {
  const folder = join(root, 'var/lib/bootstrap/revisions');
  return existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => /^\d+$/.test(name))
        .map((name) => join(folder, name))
    : [];
}

/** Its `meta` begins with the digest of the bundle. */
function correctDigest(revision: string): void {
  const index = readFileSync(join(revision, 'index'), 'utf8')
    .split('\n')
    .map((line) => line.split('\t'));
  const files = index.flatMap(([type, , mode = '', owner = '', , path = '']) =>
    type === 'f'
      ? [{ path, mode: Number.parseInt(mode, 8), owner, content: readFileSync(join(revision, 'files', path)) }]
      : [],
  );
  const shared = { sensitive: false, effect: { kind: 'none' } } as const;
  const digest = bundleDigest(
    makeBundle(
      '',
      [],
      files.map((file) => ({ ...file, ...shared })),
    ),
  );
  const meta = join(revision, 'meta');
  writeFileSync(meta, readFileSync(meta, 'utf8').replace(/^[^\t]*/, digest));
}

/** Certificates with their keys that a kubelet has got by itself. */
function ownRenewals(root: string): readonly string[] {
  const folder = join(root, OWN_RENEWALS);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /^kubelet-client-.*\.pem$/.test(name) && lstatSync(join(folder, name)).isFile())
    .map((name) => readFileSync(join(folder, name), 'utf8'));
}

/** As by a rename; mode and time stay. @param sums SHA-256 of what a file held → of what it holds */
function replaceIn(file: string, replacements: Replacements, sums: Replacements): void {
  const { mode, atime, mtime } = lstatSync(file);
  const old = readFileSync(file, 'latin1');
  let text = old;
  for (const [from, to] of replacements) if (text.includes(from)) text = text.replaceAll(from, to);
  if (text === old) return;
  writeFileSync(`${file}.aged`, text, { mode, encoding: 'latin1' });
  utimesSync(`${file}.aged`, atime, mtime);
  renameSync(`${file}.aged`, file);
  sums.set(sha256(old), sha256(text));
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => lstatSync(path).size <= LARGEST);
}

const base64 = (text: string) => Buffer.from(text).toString('base64');
const sha256 = (text: string) => createHash('sha256').update(text, 'latin1').digest('hex');

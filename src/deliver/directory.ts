import {
  chmodSync,
  type Dirent,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type AtomicFile, isTemporaryName, removeStaleTemps, writeFilesAtomic } from '../base/atomic-file.ts';
import { sha256 } from '../base/sha256.ts';
import type { Bundle } from '../bundle/bundle.ts';

/** Which files were rendered, and with which content: only those are ever replaced or removed. */
const INDEX = '.rendered.json';

/** `cp1/etc/kubernetes/…` → SHA-256 of what was written there. */
type Index = Readonly<Record<string, string>>;

export interface DirectoryChange {
  readonly kind: 'create' | 'change' | 'remove';
  /** Relative to the directory: `cp1/etc/kubernetes/manifests/etcd.yaml`. */
  readonly path: string;
  readonly sensitive: boolean;
  readonly before?: Buffer;
  readonly after?: Buffer;
  /** What was there was not what the last run had written: somebody has edited it. */
  readonly edited: boolean;
}

export interface DirectoryPlan {
  readonly changes: readonly DirectoryChange[];
  /** Files below a node's directory that no run has written: they are left alone. */
  readonly strays: readonly string[];
  /** Files where others are to be written, that no run has written: somebody's own, which must not be lost. */
  readonly foreign: readonly string[];
  readonly unchanged: number;
}

/** Whether an earlier run has rendered into this directory. */
export function wasRendered(root: string): boolean {
  return existsSync(join(root, INDEX));
}

function readIndex(root: string): Index {
  try {
    return JSON.parse(readFileSync(join(root, INDEX), 'utf8')) as Index;
  } catch {
    return {};
  }
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/** All files below `root`, relative to it. */
function walk(root: string, below = ''): readonly string[] {
  let entries: readonly Dirent[];
  try {
    entries = readdirSync(join(root, below), { withFileTypes: true });
  } catch {
    return [];
  }
  return entries.flatMap((entry) => {
    const path = below ? `${below}/${entry.name}` : entry.name;
    return entry.isDirectory() ? walk(root, path) : [path];
  });
}

/**
 * What {@link writeDirectory} would do.
 * @param root the directory that holds one folder a node
 * @param all the bundles of the whole cluster; a node that is not among them has left it
 * @param chosen the nodes to write; others are left as they are
 */
export function planDirectory(root: string, all: readonly Bundle[], chosen: ReadonlySet<string>): DirectoryPlan {
  const index = readIndex(root);
  const changes: DirectoryChange[] = [];
  const wanted = new Set<string>();
  const foreign: string[] = [];
  let unchanged = 0;
  for (const bundle of all) {
    for (const file of bundle.files) {
      const path = bundle.node + file.path;
      wanted.add(path);
      if (!chosen.has(bundle.node)) continue;
      const before = readIfThere(join(root, path));
      if (before?.equals(file.content) && (lstatSync(join(root, path)).mode & 0o7777) === file.mode) {
        unchanged++;
        continue;
      }
      const edited = before !== undefined && index[path] !== undefined && index[path] !== sha256(before);
      if (before && index[path] === undefined && !before.equals(file.content)) foreign.push(path);
      const kind = before ? 'change' : 'create';
      changes.push({ kind, path, sensitive: file.sensitive, ...(before && { before }), after: file.content, edited });
    }
  }
  const members = new Set(all.map((bundle) => bundle.node));
  const strays: string[] = [];
  for (const path of walk(root)) {
    const node = path.split('/')[0] ?? '';
    if (
      path === INDEX ||
      wanted.has(path) ||
      (members.has(node) && !chosen.has(node)) ||
      isTemporaryName(basename(path))
    )
      continue;
    const before = readIfThere(join(root, path)) ?? Buffer.alloc(0);
    if (index[path] === sha256(before)) changes.push({ kind: 'remove', path, sensitive: true, before, edited: false });
    else strays.push(path);
  }
  return { changes, strays, foreign, unchanged };
}

/**
 * Brings the directory to what the bundles say: each file atomically, manifests after everything they need, files of
 * earlier runs that are wanted no more removed, anything else left alone. The caller holds the directory's lock.
 * Nothing is forced to the disk: all of it can be made again, and the next run mends what a power loss has spoilt.
 * @param bundles those of the chosen nodes
 * @throws BootstrapError where something cannot be written; a later run goes on from there
 */
export async function writeDirectory(root: string, bundles: readonly Bundle[], plan: DirectoryPlan): Promise<void> {
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const modes = new Map(bundles.flatMap((b) => b.files.map((file) => [b.node + file.path, file.mode] as const)));
  const writes: AtomicFile[] = plan.changes.flatMap(({ path, after }) =>
    after ? [{ path: join(root, path), content: after, mode: modes.get(path) ?? 0o600 }] : [],
  );
  const changed = new Set(plan.changes.map(({ path }) => path.split('/')[0]));
  for (const bundle of bundles) if (changed.has(bundle.node)) makeDirectories(root, bundle);
  // told before they are there: a killed run's files are known as ours to the next one
  const created = plan.changes
    .filter(({ kind }) => kind === 'create')
    .flatMap(({ path, after }) => (after ? [[path, sha256(after)] as const] : []));
  if (created.length) await writeIndex(root, { ...readIndex(root), ...Object.fromEntries(created) });
  await writeFilesAtomic(
    [...writes].sort((a, b) => Number(isManifest(a.path)) - Number(isManifest(b.path))),
    { durable: false },
  );
  for (const { kind, path } of plan.changes) if (kind === 'remove') rmSync(join(root, path), { force: true });
  for (const node of changed)
    if (!bundles.some((bundle) => bundle.node === node)) removeEmptyDirectories(join(root, node ?? ''));
  await writeIndex(root, nextIndex(readIndex(root), bundles, plan));
}

async function writeIndex(root: string, index: Index): Promise<void> {
  const path = join(root, INDEX);
  const content = `${JSON.stringify(index, Object.keys(index).sort(), 1)}\n`;
  if (readIfThere(path)?.toString() !== content)
    await writeFilesAtomic([{ path, content, mode: 0o600 }], { durable: false });
}

const isManifest = (path: string) => path.includes('/etc/kubernetes/manifests/');

function makeDirectories(root: string, bundle: Bundle): void {
  const modes = new Map(bundle.directories.map(({ path, mode }) => [path, mode]));
  const needed = new Map<string, number>([['', 0o700]]);
  for (const path of [...modes.keys(), ...bundle.files.map((file) => dirname(file.path))]) {
    for (let dir = path; dir !== '/'; dir = dirname(dir)) needed.set(dir, modes.get(dir) ?? 0o755);
  }
  for (const [path, mode] of [...needed].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const dir = join(root, bundle.node, path);
    mkdirSync(dir, { recursive: true, mode });
    if ((lstatSync(dir).mode & 0o7777) !== mode) chmodSync(dir, mode);
    removeStaleTemps(dir);
  }
}

/** Of a node that has left; what somebody has put there stays. */
function removeEmptyDirectories(dir: string): void {
  for (const entry of readdirSync(dir, { withFileTypes: true }))
    if (entry.isDirectory()) removeEmptyDirectories(join(dir, entry.name));
  if (!readdirSync(dir).length) rmdirSync(dir);
}

/** Entries of nodes that were not written stay. Taken from the bundles, so that a run after a killed one completes it. */
function nextIndex(index: Index, bundles: readonly Bundle[], plan: DirectoryPlan): Index {
  const next: Record<string, string> = { ...index };
  for (const { kind, path } of plan.changes) if (kind === 'remove') delete next[path];
  for (const bundle of bundles) for (const file of bundle.files) next[bundle.node + file.path] = sha256(file.content);
  return next;
}

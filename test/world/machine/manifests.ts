import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { canonical, isMap, type JsonMap, listAt, textAt } from '../json.ts';

/** A pod that a file asks for. */
export interface StaticPod {
  /** With the node's name at its end, as the mirror pod is called. */
  readonly name: string;
  readonly namespace: string;
  /** Changes with any data of the pod, its node and its file; not with comments, white space or the order of keys. */
  readonly uid: string;
  readonly file: string;
  readonly manifest: JsonMap;
}

/**
 * The kubelet's file source (pkg/kubelet/config/{file,file_linux,common}.go; reference/kubelet-static-pods.md section 7):
 * - every name that does not begin with a dot is a pod, whatever it ends in; directories are not looked into;
 * - a file that changes is read at once (inotify there, looking at its stat here); one that cannot be read as a pod then
 *   changes nothing, until the full re-list takes its pod away;
 * - of two files with the same pod the one that came last is it, and at a re-list the last in sort order;
 * - without the directory there are no pods.
 */
export function manifestSource(
  dir: string,
  shown: string,
  node: string,
  relistMs: number,
  log: (line: string) => void,
) {
  const seen = new Map<string, string>();
  let pods = new Map<string, StaticPod>();
  let lastList = 0;

  const read = (name: string): StaticPod | undefined => {
    try {
      return decodePod(readFileSync(join(dir, name), 'utf8'), node, join(shown, name));
    } catch (error) {
      log(`Could not process manifest file path="${join(shown, name)}" err="${String(error)}"`);
      return undefined;
    }
  };

  /** The pods as they are wanted now, by their names. */
  return function poll(): ReadonlyMap<string, StaticPod> {
    const present = stamps(dir);
    for (const name of seen.keys()) {
      if (present.has(name)) continue;
      seen.delete(name);
      for (const pod of [...pods.values()]) if (pod.file === join(shown, name)) pods.delete(pod.name);
    }
    const relist = Date.now() - lastList >= relistMs;
    if (relist) {
      lastList = Date.now();
      pods = new Map();
    }
    for (const [name, stamp] of present) {
      if (!relist && seen.get(name) === stamp) continue;
      seen.set(name, stamp);
      const pod = read(name);
      if (!pod) continue;
      // what the file asked for before under another name
      for (const other of [...pods.values()]) if (other.file === pod.file) pods.delete(other.name);
      pods.set(pod.name, pod);
    }
    return pods;
  };
}

/** Name → what changes when the file is written anew. */
function stamps(dir: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  try {
    for (const name of readdirSync(dir).sort()) {
      if (name.startsWith('.')) continue;
      const stat = statSync(join(dir, name), { bigint: true, throwIfNoEntry: false });
      if (stat?.isFile()) found.set(name, `${stat.ino} ${stat.mtimeNs} ${stat.size}`);
    }
  } catch {
    // no directory, no pods
  }
  return found;
}

/** Of several documents only the first counts (pkg/kubelet/config/common.go: tryDecodeSinglePod). */
function decodePod(text: string, node: string, file: string): StaticPod {
  const documents = parseAllDocuments(text);
  const [document] = Array.isArray(documents) ? documents : [];
  if (!document || document.errors.length) throw new Error(document?.errors[0]?.message ?? 'no document');
  const manifest: unknown = document.toJS();
  if (!isMap(manifest) || manifest['kind'] !== 'Pod' || manifest['apiVersion'] !== 'v1') throw new Error('no v1 Pod');
  const name = textAt(manifest, 'metadata', 'name');
  if (!/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/.test(name)) throw new Error(`metadata.name: "${name}"`);
  if (!listAt(manifest, 'spec', 'containers').length) throw new Error('spec.containers: Required value');
  const hash = createHash('sha256')
    .update(`${canonical(manifest)}host:${node}file:${file}`)
    .digest('hex');
  return {
    name: `${name}-${node.toLowerCase()}`,
    namespace: textAt(manifest, 'metadata', 'namespace') || 'default',
    // as long as the kubelet's FNV-128a
    uid: hash.slice(0, 32),
    file,
    manifest,
  };
}

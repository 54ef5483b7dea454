import { existsSync, readFileSync } from 'node:fs';
import { BootstrapError } from '../../base/errors.ts';
import { errorAt, type Fault } from '../../base/fault.ts';
import { shellQuoted } from '../../base/posix-quote.ts';
import { podCalled } from '../../render/static-pods/manifest-file.ts';
import { isObjectName } from '../../render/static-pods/names.ts';
import { readPods } from '../../render/static-pods/read-pods.ts';
import type { StaticPod } from '../../render/static-pods/static-pod.ts';
import { allNodes } from '../../spec/all-nodes.ts';
import { type NewEntry, withEntry, withFields } from '../../spec/edit/edit-static-pods.ts';
import { locate } from '../../spec/tree.ts';
import { count } from '../format.ts';
import { addFaults } from './edit/add-faults.ts';
import { type Change, change, type Site } from './edit/change.ts';
import { type Entry, placeOf } from './edit/entries.ts';
import { nodeOptions } from './edit/file-only.ts';
import { type Manifest, type Placed, placeManifest, readManifest } from './edit/manifest.ts';
import type { PodsAddOptions } from './edit/options.ts';

/** `pods add FILE`: an entry of `spec.staticPods` with its manifest, and what `apply` does with that. */
export function add(options: PodsAddOptions, file = ''): Promise<number> {
  return change(options, 'pods add', async (site) => {
    const manifest = await readManifest(file);
    const read = readPods({ file: manifest.shown, text: manifest.text });
    const [pod, second] = read.pods;
    const errors = read.faults.filter(({ severity }) => severity === 'error');
    if (!pod) throw cannotAdd(manifest, errors);
    if (second && options.name !== undefined) {
      const message = `--name ${options.name}: ${manifest.shown} holds ${count(read.pods.length, 'pod')}, and they cannot all have one name`;
      throw new BootstrapError('usage', message, { hint: 'give each a file of its own, or leave --name out' });
    }
    const rename = options.name === pod.name ? undefined : options.name;
    const names = read.pods.map((each) => podCalled(each.namespace, rename ?? each.name));
    const placed = placeManifest(site.space, manifest, copyName(pod, rename));
    if (!errors.length) refuseOther(site, manifest, placed, pod, names);
    return changeFor(site, options, { manifest, placed, rename, names });
  });
}

interface Wanted {
  readonly manifest: Manifest;
  readonly placed: Placed;
  readonly rename: string | undefined;
  /** What its pods are called. */
  readonly names: readonly string[];
}

function changeFor(site: Site, options: PodsAddOptions, { manifest, placed, rename, names }: Wanted): Change {
  const { current, entries } = site;
  const via = options.via ?? 'file';
  const wanted = wantedNodes(site, options.node);
  const [first = ''] = names;
  const common = {
    nodes: wanted,
    sources: new Map([[placed.path, { file: manifest.shown, text: manifest.text }]]),
    data: { pods: names, source: placed.source, via, nodes: wanted ?? null },
    undo: `bootstrap pods remove ${shellQuoted(names.length > 1 ? placed.source : first)}${nodeOptions(wanted)}`,
  };
  const called = `${names.join(', ')} ${names.length > 1 ? 'are' : 'is'}`;
  const same = entries.find((each) => each.file === placed.path && each.rename === rename && each.via === via);
  if (same) {
    const missing = wanted ? wanted.some((node) => !same.nodes.includes(node)) : same.written !== undefined;
    if (!missing) return { ...common, text: current.text, said: `${called} there already (${placeOf(same)})` };
    const nodes = wanted && widened(same, wanted);
    return {
      ...common,
      text: withFields(current, same.index, { nodes }),
      said: `${called} for ${nodes ? nodes.join(', ') : 'all nodes'} (${placeOf(same)})`,
      explained: (error) => addFaults(error, { manifest, current, entry: same.index, options, rename }),
    };
  }
  const entry: NewEntry = {
    source: placed.source,
    ...(rename !== undefined && { name: rename }),
    ...(wanted && { nodes: wanted }),
    ...(via === 'http' && { via }),
  };
  const isMissing = placed.isCopy && !existsSync(placed.path);
  const how = `${via === 'http' ? ' by URL' : ''}${wanted ? ` for ${wanted.join(', ')}` : ''}`;
  return {
    ...common,
    text: withEntry(current, entry),
    // whatever stands in it is nobody else's business
    ...(isMissing && { files: [{ path: placed.path, content: manifest.bytes, mode: 0o600 }] }),
    said: `${called} added${how}\n  manifest: ${placed.source}`,
    explained: (error) => addFaults(error, { manifest, current, entry: entries.length, options, rename }),
  };
}

/** `--node`, each once, in the order of the cluster file; undefined = all. */
function wantedNodes({ cluster }: Site, names: readonly string[] | undefined): readonly string[] | undefined {
  if (!names?.length) return undefined;
  return allNodes(cluster)
    .map(({ name }) => name)
    .filter((name) => names.includes(name));
}

function widened({ written = [] }: Entry, wanted: readonly string[]): readonly string[] {
  return [...written, ...wanted.filter((node) => !written.includes(node))];
}

/** The copy's name; what is no name of a pod is found out later, but never becomes a path. */
function copyName({ namespace, name }: StaticPod, rename = name): string {
  return [namespace, rename].every(isObjectName) ? `${namespace}_${rename}.yaml` : 'pod.yaml';
}

/** A copy that is there is either the same, or another pod's. @throws BootstrapError `cluster-file` */
function refuseOther(
  { space, entries }: Site,
  manifest: Manifest,
  { path, isCopy }: Placed,
  pod: StaticPod,
  names: readonly string[],
): void {
  if (!isCopy || !existsSync(path) || readFileSync(path).equals(manifest.bytes)) return;
  const other = entries.find((each) => each.file === path);
  const [message, hint] = other
    ? [
        `${names[0]} is taken: ${placeOf(other)} has it from ${space.show(path)}, which is not the same`,
        'to change that pod, edit that file and run `bootstrap apply`; for one beside it give --name',
      ]
    : [
        `${space.show(path)} is there already, and is not the same`,
        'remove that file if nothing needs it any more, or give --name',
      ];
  throw cannotAdd(manifest, [errorAt(locate(pod.tree, ['metadata', 'name']), message, hint)]);
}

function cannotAdd({ shown }: Manifest, faults: readonly Fault[]): BootstrapError {
  return new BootstrapError('cluster-file', `${shown} is not added: it has ${count(faults.length, 'error')}`, {
    faults,
  });
}

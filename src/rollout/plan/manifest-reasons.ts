import { below, isList, isMap, type JsonMap, sameJson } from '../../render/json.ts';
import { INPUTS_DIGEST } from '../../render/stamp.ts';
import type { Json } from '../../spec/tree.ts';
import type { FileChange } from '../plan.ts';

/** Why the kubelet replaces a pod whose manifest was `before` and will be `after`; never empty. */
export function manifestReasons(
  pod: string,
  before: JsonMap,
  after: JsonMap,
  changes: readonly FileChange[],
): readonly string[] {
  const inputs = (manifest: JsonMap) => below(manifest, 'metadata', 'annotations', INPUTS_DIGEST);
  const reasons = [
    ...containerReasons(before, after),
    ...(sameJson(inputs(before), inputs(after)) ? [] : inputReasons(pod, changes)),
  ];
  return reasons.length ? reasons : ['its manifest changes'];
}

/** The files that it reads only at start and that change now. */
function inputReasons(pod: string, changes: readonly FileChange[]): readonly string[] {
  const files = changes.filter(
    ({ effect, rewritten }) => rewritten && effect.kind === 'pods' && effect.pods.includes(pod),
  );
  // the files may have been put in place already, by a run that was interrupted; or it now reads other ones
  if (!files.length) return ['it reads other files at start'];
  return files.map(({ path, kind }) => `${path} ${kind === 'create' ? 'is new' : 'changes'}`);
}

function containerReasons(before: JsonMap, after: JsonMap): readonly string[] {
  const [old, now] = [containers(before), containers(after)];
  const named = now.size > 1 || old.size > 1;
  const reasons: string[] = [];
  const others = new Set<string>();
  for (const [name, container] of now) {
    const was = old.get(name);
    const say = (text: string) => reasons.push(named ? `${name}: ${text}` : text);
    if (!was) {
      say(named ? 'is new' : 'its container is another');
      continue;
    }
    for (const text of wordReasons(words(was), words(container))) say(text);
    const image = (of: JsonMap) => String(of['image'] ?? '');
    if (image(was) !== image(container)) say(`image: ${image(was)} → ${image(container)}`);
    for (const key of differing(was, container)) if (!WORDS.has(key) && key !== 'image') others.add(key);
  }
  for (const name of old.keys()) if (!now.has(name)) reasons.push(`${name}: goes`);
  const spec = (manifest: JsonMap) => (isMap(manifest['spec']) ? manifest['spec'] : {});
  for (const key of differing(spec(before), spec(after))) if (key !== 'containers') others.add(key);
  return others.size ? [...reasons, `its manifest changes (${[...others].sort().join(', ')})`] : reasons;
}

const WORDS: ReadonlySet<string> = new Set(['command', 'args']);

function containers(manifest: JsonMap): ReadonlyMap<string, JsonMap> {
  const list = below(manifest, 'spec', 'containers');
  const maps = isList(list) ? list.filter(isMap) : [];
  return new Map(maps.map((container) => [String(container['name'] ?? ''), container]));
}

function words(container: JsonMap): readonly string[] {
  return [...WORDS].flatMap((key) => {
    const list = container[key];
    return isList(list) ? list.map(String) : [];
  });
}

/** Flags that are another, new or gone; where the words are others in another way, just that. */
function wordReasons(before: readonly string[], after: readonly string[]): readonly string[] {
  const [old, now] = [flagsOf(before), flagsOf(after)];
  const reasons = [...new Set([...old.keys(), ...now.keys()])].sort().flatMap((flag) => {
    const [was, is] = [old.get(flag), now.get(flag)];
    if (was === is) return [];
    if (was === undefined) return [`${flag}${is ? `=${is}` : ''} is new`];
    if (is === undefined) return [`${flag}${was ? `=${was}` : ''} goes`];
    return [`${flag}: ${was || 'no value'} → ${is || 'no value'}`];
  });
  return reasons.length || sameJson(before, after) ? reasons : ['its command changes'];
}

/** `--name` → its values. */
function flagsOf(command: readonly string[]): ReadonlyMap<string, string> {
  const flags = new Map<string, string>();
  for (const word of command) {
    const [, name = '', value = ''] = /^(-[^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    if (!name) continue;
    const before = flags.get(name);
    flags.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return flags;
}

function differing(a: JsonMap, b: JsonMap): readonly string[] {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  const own = (map: JsonMap, key: string): Json | undefined => (Object.hasOwn(map, key) ? map[key] : undefined);
  return [...keys].filter((key) => !sameJson(own(a, key), own(b, key)));
}

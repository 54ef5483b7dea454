import { canonicalQuantity } from '../kubernetes/canonical.ts';
import type { ComponentSettings, ExtraArg, ExtraEnv, ExtraVolume } from '../spec/cluster.ts';
import type { Json } from '../spec/tree.ts';
import { below, isList, isMap, type JsonMap, mapOf, withEntries } from './json.ts';
import { mergePatch } from './patch/merge-patch.ts';

/** Third step: the user's flags, environment, volumes and resources laid over the pod that the template became. */
export function overlayPod(pod: JsonMap, component: string, settings: ComponentSettings): JsonMap {
  return changeContainer(withVolumes(pod, settings.extraVolumes), component, (container) => ({
    ...(settings.extraArgs.length && { command: overlayCommand(container['command'], settings.extraArgs) }),
    ...(settings.extraEnvs.length && { env: overlayEnv(container['env'], settings.extraEnvs) }),
    ...(settings.extraVolumes.length && {
      volumeMounts: overlayMounts(container['volumeMounts'], settings.extraVolumes),
    }),
    ...(settings.resources !== undefined && {
      resources: canonicalResources(mergePatch(container['resources'], settings.resources)),
    }),
  }));
}

/** The component's own container: that of its name, or else the first. */
export function containerOf(pod: JsonMap, component: string): JsonMap | undefined {
  const containers = listAt(pod, 'spec', 'containers').filter(isMap);
  return containers.find((container) => container['name'] === component) ?? containers[0];
}

export function listAt(value: Json | undefined, ...keys: readonly string[]): readonly Json[] {
  const found = below(value, ...keys);
  return isList(found) ? found : [];
}

function changeContainer(
  pod: JsonMap,
  component: string,
  change: (container: JsonMap) => Readonly<Record<string, Json | undefined>>,
): JsonMap {
  const mine = containerOf(pod, component);
  const spec = pod['spec'];
  if (!mine || !isMap(spec)) return pod;
  const containers = listAt(spec, 'containers').map((container) =>
    container === mine ? withEntries(mine, change(mine)) : container,
  );
  return withEntries(pod, { spec: withEntries(spec, { containers }) });
}

/** `--name=value` or `--name` → name; undefined where the text is no flag. */
export function flagName(text: Json): string | undefined {
  return typeof text === 'string' ? /^--([^=]+)/.exec(text)?.[1] : undefined;
}

/** The user's flags as arguments, in their order; a flag with several values is repeated. */
export function asArguments(args: readonly ExtraArg[]): readonly string[] {
  return args.flatMap(({ name, values }) => (values ?? []).map((value) => `--${name}=${value}`));
}

/**
 * kubeadm's rule since 1.36 (kubernetes/kubernetes#135400): a flag of the user's takes every default of its name away;
 * the defaults stay in their order and the user's follow in theirs.
 */
function overlayCommand(command: Json | undefined, args: readonly ExtraArg[]): Json {
  const overridden = new Set(args.map((arg) => arg.name));
  const defaults = (isList(command) ? command : []).filter((item) => !overridden.has(flagName(item) ?? ''));
  return [...defaults, ...asArguments(args)];
}

/** Quantities as Kubernetes writes them; what cannot be read is left for the schema to refuse. */
function canonicalResources(resources: Json): Json {
  if (!isMap(resources)) return resources;
  const changed = ['limits', 'requests'].flatMap((kind) => {
    const amounts = resources[kind];
    if (!isMap(amounts)) return [];
    const written = Object.entries(amounts).map(([name, amount]): readonly [string, Json] => {
      const isAmount = typeof amount === 'string' || typeof amount === 'number';
      return [name, (isAmount ? canonicalQuantity(amount) : undefined) ?? amount];
    });
    return [[kind, mapOf(written)] as const];
  });
  return withEntries(resources, Object.fromEntries(changed));
}

/** By name; the last of one name counts. */
function overlayEnv(env: Json | undefined, extra: readonly ExtraEnv[]): Json {
  const own = extra.map(({ name, value, valueFrom }) =>
    mapOf([
      ['name', name],
      // an empty value is left out, as Kubernetes itself leaves it out
      ...(value ? [['value', value] as const] : []),
      ...(valueFrom === undefined ? [] : [['valueFrom', valueFrom] as const]),
    ]),
  );
  return byName([...(isList(env) ? env : []), ...own]);
}

function overlayMounts(mounts: Json | undefined, volumes: readonly ExtraVolume[]): Json {
  const own = volumes.map(({ name, mountPath, readOnly }) =>
    mapOf([['mountPath', mountPath], ['name', name], ...(readOnly ? [['readOnly', true] as const] : [])]),
  );
  return byName([...(isList(mounts) ? mounts : []), ...own]);
}

/** A volume of a name that is there already replaces it, as with kubeadm. */
function withVolumes(pod: JsonMap, volumes: readonly ExtraVolume[]): JsonMap {
  const spec = pod['spec'];
  if (!volumes.length || !isMap(spec)) return pod;
  const own = volumes.map(({ name, hostPath, pathType }) =>
    mapOf([
      [
        'hostPath',
        mapOf([
          ['path', hostPath],
          ['type', pathType],
        ]),
      ],
      ['name', name],
    ]),
  );
  return withEntries(pod, { spec: withEntries(spec, { volumes: byName([...listAt(spec, 'volumes'), ...own]) }) });
}

/** Sorted by name, of each name the last. */
function byName(items: readonly Json[]): readonly Json[] {
  const named = new Map(items.map((item) => [String(below(item, 'name') ?? ''), item]));
  return [...named].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, item]) => item);
}

import { below, isList, isMap, type JsonMap } from '../render/json.ts';
import type { Json } from '../spec/tree.ts';

/** What runs on a node, by its container runtime: true also where no API answers, and where the kubelet is stopped. */
export interface RuntimePods {
  /**
   * `cgroup`: there is no crictl that answers, so that only is known what cgroups and the names of logs tell: no annotations,
   * no images and no times. `none`: neither tells anything, which does not mean that nothing runs.
   */
  readonly source: 'crictl' | 'cgroup' | 'none';
  /** By namespace and name; of one name those of several manifests, the newest first. */
  readonly pods: readonly RuntimePod[];
  /** Why crictl, which is there, could not be used. */
  readonly problem?: string;
}

export interface RuntimePod {
  readonly namespace: string;
  /** With `-<node>` behind it. */
  readonly name: string;
  /** Of a static pod: another one for every other manifest. */
  readonly uid: string;
  /** Where the kubelet has it from; undefined where that is not known. */
  readonly configSource: 'file' | 'http' | 'api' | undefined;
  readonly annotations: Readonly<Record<string, string>>;
  /** Its sandbox is up. What its containers do is theirs to say. */
  readonly ready: boolean;
  /** ISO 8601, by the node's clock. */
  readonly createdAt?: string;
  /**
   * The last one of each name, by name. Those of `initContainers` are among them, exited once they are done; one that was
   * never made (its image cannot be pulled, its turn has not come) is not.
   */
  readonly containers: readonly RuntimeContainer[];
}

export interface RuntimeContainer {
  readonly name: string;
  /** '' where it is not known. */
  readonly id: string;
  /** As the manifest names it, where the runtime says so. */
  readonly image: string;
  readonly state: 'created' | 'running' | 'exited' | 'unknown';
  readonly restarts: number;
  /** When it was made, ISO 8601, by the node's clock. */
  readonly startedAt?: string;
}

/**
 * Reads what the script's verb `runtime` printed: a line `source`, of which the last one counts, then what crictl said of
 * pods and of containers, each after a line that names it, or a line for each pod and container; `end`.
 * @throws Error where it is not whole
 */
export function parseRuntimePods(text: string): RuntimePods {
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines.pop() !== 'end') throw new Error('the answer is cut off');
  const start = lines.findLastIndex((line) => line.startsWith('source\t'));
  if (start < 0) throw new Error("the answer has no line 'source'");
  const [, source, problem] = (lines[start] ?? '').split('\t');
  const told = problem ? { problem } : {};
  const rest = lines.slice(start + 1);
  if (source === 'crictl') return { source, pods: sorted(ofCrictl(rest)), ...told };
  if (source === 'cgroup') return { source, pods: sorted(ofCgroups(rest)), ...told };
  return { source: 'none', pods: [], ...told };
}

/** No line of JSON is a bare word. */
function ofCrictl(lines: readonly string[]): readonly RuntimePod[] {
  const start = lines.indexOf('pods');
  const middle = lines.indexOf('containers');
  if (start < 0 || middle < start) throw new Error('what crictl said is not whole');
  const sandboxes = itemsOf(lines.slice(start + 1, middle), 'items');
  const containers = itemsOf(lines.slice(middle + 1), 'containers');
  const newest = new Map<string, JsonMap>();
  for (const sandbox of sandboxes) {
    const key = [namespaceOf(sandbox), nameOf(sandbox), textAt(sandbox, 'metadata', 'uid')].join('/');
    const other = newest.get(key);
    // a sandbox that had to be made anew, e.g. after the machine was switched off: the old one stays for a while
    if (!other || isNewer(sandbox, other)) newest.set(key, sandbox);
  }
  return [...newest.values()].map((sandbox) => podOf(sandbox, containers));
}

function itemsOf(lines: readonly string[], field: string): readonly JsonMap[] {
  const text = lines.join('\n').trim();
  const data = (text === '' ? {} : JSON.parse(text)) as Json;
  const items = below(data, field);
  return isList(items) ? items.filter(isMap) : [];
}

function podOf(sandbox: JsonMap, containers: readonly JsonMap[]): RuntimePod {
  const id = textAt(sandbox, 'id');
  const annotations = textsOf(below(sandbox, 'annotations'));
  const createdAt = timeOf(below(sandbox, 'createdAt'));
  const last = new Map<string, JsonMap>();
  for (const container of containers) {
    if (textAt(container, 'podSandboxId') !== id) continue;
    const name = textAt(container, 'metadata', 'name');
    const other = last.get(name);
    if (!other || isNewer(container, other)) last.set(name, container);
  }
  const source = annotations['kubernetes.io/config.source'];
  return {
    namespace: namespaceOf(sandbox),
    name: nameOf(sandbox),
    uid: textAt(sandbox, 'metadata', 'uid'),
    configSource: source === 'file' || source === 'http' || source === 'api' ? source : undefined,
    annotations,
    ready: textAt(sandbox, 'state') === 'SANDBOX_READY',
    ...(createdAt !== undefined && { createdAt }),
    containers: byName([...last].map(([name, container]) => containerOf(name, container))),
  };
}

const STATES: ReadonlyMap<string, RuntimeContainer['state']> = new Map([
  ['CONTAINER_CREATED', 'created'],
  ['CONTAINER_RUNNING', 'running'],
  ['CONTAINER_EXITED', 'exited'],
]);

function containerOf(name: string, container: JsonMap): RuntimeContainer {
  const startedAt = timeOf(below(container, 'createdAt'));
  const counted = textAt(container, 'annotations', 'io.kubernetes.container.restartCount');
  const attempt = below(container, 'metadata', 'attempt');
  return {
    name,
    id: textAt(container, 'id'),
    // CRI's ImageSpec: `image` has become the image's ID in containerd
    image: textAt(container, 'image', 'userSpecifiedImage') || textAt(container, 'image', 'image'),
    state: STATES.get(textAt(container, 'state')) ?? 'unknown',
    restarts: /^\d+$/.test(counted) ? Number(counted) : typeof attempt === 'number' ? attempt : 0,
    ...(startedAt !== undefined && { startedAt }),
  };
}

/** `pod`, then its `container`s. */
function ofCgroups(lines: readonly string[]): readonly RuntimePod[] {
  const pods: { pod: Omit<RuntimePod, 'containers'>; containers: RuntimeContainer[] }[] = [];
  for (const line of lines) {
    const [word, ...fields] = line.split('\t');
    if (word === 'pod') {
      const [namespace = '', name = '', uid = ''] = fields;
      const pod = { namespace, name, uid, configSource: undefined, annotations: {}, ready: true };
      pods.push({ pod, containers: [] });
    } else if (word === 'container') {
      const [name = '', id = '', state = '', restarts = ''] = fields;
      const known = state === 'running' || state === 'exited' ? state : 'unknown';
      pods.at(-1)?.containers.push({ name, id, image: '', state: known, restarts: Number(restarts) || 0 });
    }
  }
  return pods.map(({ pod, containers }) => ({ ...pod, containers: byName(containers) }));
}

function sorted(pods: readonly RuntimePod[]): readonly RuntimePod[] {
  const key = ({ namespace, name }: RuntimePod) => `${namespace}/${name}`;
  return [...pods].sort(
    (a, b) => compare(key(a), key(b)) || compare(b.createdAt ?? '', a.createdAt ?? '') || compare(a.uid, b.uid),
  );
}

function byName(containers: readonly RuntimeContainer[]): readonly RuntimeContainer[] {
  return [...containers].sort((a, b) => compare(a.name, b.name));
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function isNewer(a: JsonMap, b: JsonMap): boolean {
  const [one, other] = [nanosecondsOf(below(a, 'createdAt')), nanosecondsOf(below(b, 'createdAt'))];
  return (one ?? 0n) > (other ?? 0n);
}

/** The CRI counts nanoseconds since the epoch, and JSON of protobuf has 64-bit numbers as text. */
function nanosecondsOf(value: Json | undefined): bigint | undefined {
  return typeof value === 'string' && /^\d{1,19}$/.test(value) ? BigInt(value) : undefined;
}

function timeOf(value: Json | undefined): string | undefined {
  const nanoseconds = nanosecondsOf(value);
  return nanoseconds ? new Date(Number(nanoseconds / 1_000_000n)).toISOString() : undefined;
}

function namespaceOf(sandbox: JsonMap): string {
  return textAt(sandbox, 'metadata', 'namespace');
}

function nameOf(sandbox: JsonMap): string {
  return textAt(sandbox, 'metadata', 'name');
}

function textAt(value: Json, ...path: readonly string[]): string {
  const found = below(value, ...path);
  return typeof found === 'string' ? found : '';
}

function textsOf(value: Json | undefined): Readonly<Record<string, string>> {
  if (!isMap(value)) return {};
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, one]) => (typeof one === 'string' ? [[key, one]] : [])),
  );
}

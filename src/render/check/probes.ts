import { errorAt, type Fault, type Located } from '../../base/fault.ts';
import { locate } from '../../spec/tree.ts';
import type { NodeInput, PlannedPod } from '../context.ts';
import { lastUse } from '../flag-use.ts';
import { below, isMap, type JsonMap } from '../json.ts';
import { BLOCK_OF } from '../layout.ts';
import { type Listener, overlapping, podListeners } from '../listeners.ts';
import { containerOf, listAt } from '../overlay.ts';

const PROBES = ['startupProbe', 'livenessProbe', 'readinessProbe'] as const;

/** What a probe of a container asks for. */
export interface Probe {
  readonly name: (typeof PROBES)[number];
  readonly kind: 'httpGet' | 'tcpSocket';
  readonly port: number | undefined;
  /** Undefined = the pod's own address, which is the host's. */
  readonly host: string | undefined;
  readonly scheme: string;
  readonly path: string;
  readonly hasHeaders: boolean;
}

export function probesOf({ data, component }: PlannedPod): readonly Probe[] {
  const container = containerOf(data, component);
  return PROBES.flatMap((name): readonly Probe[] => {
    for (const kind of ['httpGet', 'tcpSocket'] as const) {
      const action = below(container, name, kind);
      if (!isMap(action)) continue;
      const { host, scheme, path } = action;
      return [
        {
          name,
          kind,
          port: portNumber(container, action),
          host: typeof host === 'string' && host ? host : undefined,
          scheme: typeof scheme === 'string' && scheme ? scheme : 'HTTP',
          path: typeof path === 'string' ? path : '/',
          hasHeaders: listAt(action, 'httpHeaders').length > 0,
        },
      ];
    }
    return [];
  });
}

function portNumber(container: JsonMap | undefined, action: JsonMap): number | undefined {
  const { port } = action;
  if (typeof port === 'number') return port;
  const named = listAt(container, 'ports').find((item) => below(item, 'name') === port);
  const number = below(named, 'containerPort');
  return typeof number === 'number' ? number : undefined;
}

/** Every probe asks where the process listens; a pod whose startup probe never gets through is killed over and over. */
export function checkProbes(input: NodeInput, pod: PlannedPod): readonly Fault[] {
  const listeners = podListeners(input, pod);
  const port = lastUse(pod.flags, 'secure-port')?.value;
  // The catalogue has said already that it is no port.
  if (!listeners.length && port !== undefined && !/^0+$/.test(port)) return [];
  const faults = new Map<string, Fault>();
  for (const probe of probesOf(pod)) {
    const problem = problemOf(input, probe, listeners);
    if (problem) faults.set(problem, errorAt(placeOf(input, pod), `${pod.component}: ${problem}`));
  }
  return [...faults.values()];
}

function problemOf({ node }: NodeInput, probe: Probe, listeners: readonly Listener[]): string | undefined {
  if (probe.port === undefined) return 'its probes refer to a container port that does not exist';
  const onPort = listeners.filter((listener) => listener.port === probe.port);
  const asked = `its probes ask port ${probe.port}`;
  if (!onPort.length) {
    const ports = [...new Set(listeners.map((listener) => listener.port))].join(', ');
    return ports
      ? `${asked}, but it listens on ${ports} only`
      : 'it listens nowhere, so its probes fail and it is killed again and again';
  }
  const host = probe.host ?? node.addresses[0];
  const reachable = onPort.filter(
    (listener) => overlapping(listener.address, host) || isSameLoopback(listener.address, host),
  );
  if (!reachable.length)
    return `${asked} of ${host}, but it listens there on ${onPort.map((l) => l.address).join(', ')} only`;
  if (probe.kind === 'httpGet' && !reachable.some((listener) => listener.scheme === probe.scheme)) {
    return `${asked} with ${probe.scheme}, but it speaks ${reachable[0]?.scheme} there`;
  }
  return undefined;
}

function isSameLoopback(address: string, host: string): boolean {
  return [address, host].every((name) => name === 'localhost' || name === '127.0.0.1' || name === '::1');
}

/** At the flag that says where it listens if that is the user's, else at the last patch or the template's version. */
function placeOf({ cluster, node }: NodeInput, pod: PlannedPod): Located {
  const flags = pod.component === 'etcd' ? ['listen-metrics-urls'] : ['secure-port', 'bind-address'];
  const decided = flags.map((name) => lastUse(pod.flags, name)?.at).find(Boolean);
  const removed = node[BLOCK_OF[pod.component]].extraArgs.find((arg) => flags.includes(arg.name))?.at;
  const patched = node.patches.findLast((patch) => patch.target === pod.component)?.at;
  return decided ?? removed ?? patched ?? locate(cluster.spec, ['kubernetesVersion']);
}

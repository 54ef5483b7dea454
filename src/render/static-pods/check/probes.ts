import { errorAt, type Fault } from '../../../base/fault.ts';
import { asList } from '../../../spec/read-tree.ts';
import { at, locate, type Tree } from '../../../spec/tree.ts';
import { isPortName } from '../names.ts';
import { type Container, containersOf, isSetAt, numberAt, textAt } from '../parts.ts';
import { quote } from '../show.ts';
import type { StaticPod } from '../static-pod.ts';

const PROBES = ['livenessProbe', 'readinessProbe', 'startupProbe'] as const;
const HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'grpc'];
const NUMBERS = ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'];

/** Probes and hooks: pkg/apis/core/validation, validateProbe, validateLifecycle and validateInitContainers. */
export function checkProbes({ tree }: StaticPod): readonly Fault[] {
  return containersOf(tree).flatMap((container) => {
    if (container.list === 'ephemeralContainers') return [];
    if (!container.stays) return checkInit(container.tree);
    return [
      ...PROBES.flatMap((field) => checkProbe(container, field)),
      ...['postStart', 'preStop'].flatMap((field) => {
        const hook = at(container.tree, ['lifecycle', field]);
        return hook?.kind === 'map' ? checkHandler(container, hook, ['exec', 'httpGet', 'tcpSocket', 'sleep']) : [];
      }),
    ];
  });
}

function checkInit(container: Tree): readonly Fault[] {
  return [...PROBES, 'lifecycle'].flatMap((field) => {
    if (!at(container, [field])) return [];
    const message = 'an init container has none: it ends before the others start';
    return [
      errorAt(locate(container, [field]), message, 'take it out, or add restartPolicy: Always to make it a sidecar'),
    ];
  });
}

function checkProbe(container: Container, field: (typeof PROBES)[number]): readonly Fault[] {
  const probe = at(container.tree, [field]);
  if (probe?.kind !== 'map') return [];
  const faults = [...checkHandler(container, probe, HANDLERS)];
  for (const name of NUMBERS) {
    const value = numberAt(probe, name);
    if (value !== undefined && value < 0) faults.push(errorAt(locate(probe, [name]), `${value} must not be negative`));
  }
  const successes = numberAt(probe, 'successThreshold') || 1;
  if (field !== 'readinessProbe' && successes > 1) {
    faults.push(
      errorAt(locate(probe, ['successThreshold']), `must be 1 in a ${field}, not ${successes}`, 'leave it out'),
    );
  }
  const grace = numberAt(probe, 'terminationGracePeriodSeconds');
  if (grace !== undefined && (field === 'readinessProbe' || grace < 1)) {
    const message = field === 'readinessProbe' ? 'a readinessProbe ends nothing' : `${grace} must be 1 or more`;
    faults.push(errorAt(locate(probe, ['terminationGracePeriodSeconds']), message, 'leave it out'));
  }
  return faults;
}

function checkHandler({ tree }: Container, probe: Tree, handlers: readonly string[]): readonly Fault[] {
  const given = handlers.filter((handler) => at(probe, [handler]));
  const [kind] = given;
  if (given.length !== 1 || kind === undefined) {
    const what = given.length
      ? `must say one way to ask, not ${given.length} (${given.join(', ')})`
      : 'does not say what to do';
    return [errorAt(probe, what, `one of ${handlers.join(', ')}`)];
  }
  const handler = at(probe, [kind]);
  if (kind === 'exec') {
    return isSetAt(handler, 'command') ? [] : [errorAt(locate(probe, ['exec', 'command']), 'must not be empty')];
  }
  if (kind === 'sleep' || handler?.kind !== 'map') return [];
  const port = at(handler, ['port']);
  if (port?.kind !== 'scalar') return [];
  if (typeof port.value === 'number') {
    return port.value >= 1 && port.value <= 65535 ? [] : [errorAt(port, `${port.value} is no port: 1 to 65535`)];
  }
  const name = textAt(handler, 'port');
  if (!isPortName(name)) {
    const hint = /^\d+$/.test(name) ? 'write it without quotes' : undefined;
    return [errorAt(port, `${quote(name)} is no name of a port`, hint)];
  }
  // pkg/kubelet/util: a name that no port of the container has makes every probe fail
  const names = asList(at(tree, ['ports'])).map((item) => textAt(item, 'name'));
  if (names.includes(name)) return [];
  const others = names.filter(Boolean);
  const hint = others.length ? `there ${others.length > 1 ? 'are' : 'is'} ${others.join(', ')}` : 'write its number';
  return [errorAt(port, `the container has no port called ${quote(name)}, so this always fails`, hint)];
}

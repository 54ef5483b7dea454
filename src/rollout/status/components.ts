import { MANIFESTS, POD_COMPONENTS, type PodComponent } from '../../render/layout.ts';
import type { NodeFacts } from '../node-facts.ts';
import { etcdVerdict } from './etcd.ts';
import { lastMessage } from './last-message.ts';
import type { EtcdObservation, HealthSeen, NodeObservation } from './observe.ts';
import { podVerdict } from './pod-state.ts';
import type { ComponentStatus } from './status.ts';
import type { Verdict } from './verdict.ts';
import { listed, oneLine } from './words.ts';

const OK: Verdict = { state: 'ok', detail: '', cause: 'none' };

/** The state of everything that runs on one node. `now`: milliseconds since the epoch, by this machine's clock. */
export function componentsOf(node: NodeObservation, etcd: EtcdObservation, now: number): readonly ComponentStatus[] {
  const pods = node.isPlain
    ? []
    : POD_COMPONENTS.filter((component) => component !== 'etcd' || etcd.kind !== 'external');
  return [
    { component: 'kubelet', ...kubeletVerdict(node), restarts: undefined },
    ...pods.map((component) => ({
      component,
      ...componentVerdict(node, component, etcd, now),
      restarts: node.pods?.get(component)?.restarts,
    })),
  ];
}

function kubeletVerdict({ contact, health, logs }: NodeObservation): Verdict {
  if (contact.kind === 'unreachable') return { state: 'unknown', detail: '', cause: 'not-seen' };
  const { active } = contact.facts.kubelet;
  const asked = health.kubelet;
  if (active === 'absent') return { state: 'absent', detail: 'there is no kubelet.service', cause: 'no-manifest' };
  if (active === 'activating' || active === 'reloading') {
    return { state: 'starting', detail: `kubelet.service is ${active}`, cause: 'not-well' };
  }
  if (active !== 'active' && active !== 'unknown') {
    const said = withLog(`kubelet.service is ${oneLine(active, 40)}`, logs.get('kubelet'));
    return { state: 'failing', detail: said, cause: 'not-well' };
  }
  if (asked && !asked.ok)
    return { state: 'failing', detail: withLog(said(asked), logs.get('kubelet')), cause: 'not-well' };
  if (active === 'active' || asked) return OK;
  return { state: 'unknown', detail: 'systemd cannot be asked for it', cause: 'not-seen' };
}

/** What the component itself says, beside what the API says of its pod. */
function componentVerdict(node: NodeObservation, component: PodComponent, etcd: EtcdObservation, now: number): Verdict {
  const own = component === 'etcd' ? etcdVerdict(node.node, etcd) : healthVerdict(node.health[component]);
  const pod = node.pods?.get(component);
  const log = node.logs.get(component) ?? '';
  const { contact } = node;
  const said = pod && podVerdict(pod, node.manifests.get(component), log, nodeTime(node, now));
  if (contact.kind === 'unreachable') {
    // an API goes on calling the pods of a dead machine ready for a while
    if (own?.state === 'ok') return own;
    return said?.state === 'failing' ? said : { state: 'unknown', detail: '', cause: 'not-seen' };
  }
  if (!contact.facts.manifests.some((name) => isManifestOf(name, component))) {
    const still = own?.state === 'ok' ? ', though it still answers' : '';
    return { state: 'absent', detail: `there is no ${MANIFESTS}/${component}.yaml${still}`, cause: 'no-manifest' };
  }
  const fresh = node.pods !== undefined && canReport(node.health['kube-apiserver']);
  if (own?.state === 'ok') {
    if (!fresh) return own;
    if (said) return said;
    const detail = 'answers, but the kubelet has not reported its pod to the API';
    return { state: 'starting', detail, cause: 'not-well' };
  }
  if (own) {
    if (said?.state === 'failing') return said;
    if (fresh && said && said.state !== 'ok') return { ...said, detail: `${said.detail}; ${own.detail}` };
    if (fresh && !said)
      return { state: 'starting', detail: `the kubelet has not started its pod; ${own.detail}`, cause: 'not-well' };
    return own.state === 'failing' && isBusy(contact.facts)
      ? { ...own, state: 'starting' }
      : { ...own, detail: withLog(own.detail, log) };
  }
  if (fresh) return said ?? { state: 'starting', detail: 'the kubelet has not started its pod', cause: 'not-well' };
  return { state: 'unknown', detail: 'neither it nor an apiserver could be asked', cause: 'not-seen' };
}

/** Undefined where it was not asked. */
function healthVerdict(health: HealthSeen | undefined): Verdict | undefined {
  if (!health) return undefined;
  return health.ok ? OK : { state: 'failing', detail: said(health), cause: 'not-well' };
}

/** The kubelet reports to the apiserver of its own node: while that takes nothing, what the API says of it is old. */
function canReport(apiserver: HealthSeen | undefined): boolean {
  return !apiserver || apiserver.ok || (apiserver.failing.length > 0 && !apiserver.failing.includes('etcd'));
}

function said({ failing, seen }: HealthSeen): string {
  return failing.length ? `not ready: ${listed(failing.map((name) => oneLine(name, 60)))}` : oneLine(seen, 120);
}

function withLog(text: string, log: string | undefined): string {
  const message = lastMessage(log ?? '');
  return message ? `${text}: "${message}"` : text;
}

function isManifestOf(name: string, component: PodComponent): boolean {
  return [`${component}.yaml`, `${component}.yml`, `${component}.json`].includes(name);
}

/** Somebody is putting a revision in place just now. */
function isBusy({ lock, transaction }: NodeFacts): boolean {
  return transaction !== undefined && lock !== undefined && lock.secondsLeft > 0;
}

function nodeTime({ contact }: NodeObservation, now: number): number {
  if (contact.kind === 'unreachable') return now;
  return now + contact.facts.clock - (contact.clock.sent + contact.clock.received) / 2;
}

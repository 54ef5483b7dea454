import type { NodeComponent } from './observe.ts';
import type { ComponentStatus, NodeStatus, Problem } from './status.ts';
import type { State } from './verdict.ts';
import { listed } from './words.ts';

/** What cannot be well where another component of the same node is not: the processes use their own node's apiserver. */
const FOLLOWERS: Readonly<Partial<Record<NodeComponent, readonly NodeComponent[]>>> = {
  kubelet: ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'],
  etcd: ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'],
  'kube-apiserver': ['kube-controller-manager', 'kube-scheduler'],
};

const GRAVITY: Readonly<Record<State, number>> = { ok: 0, unknown: 1, starting: 1, absent: 2, failing: 2 };

/**
 * The components of a node that are not well, causes first; what may well follow from a cause is named with it.
 * @param earlier the revision before the current one, where the node still has it
 * @param expired certificates have expired there
 */
export function componentProblems(
  { node, components, unreachable }: NodeStatus,
  earlier: number | undefined,
  expired: boolean,
): readonly Problem[] {
  // what merely could not be seen of an unreachable node is that problem, not one of its own
  let rest = components.filter(({ state }) => state !== 'ok' && (unreachable === undefined || state === 'failing'));
  const problems: Problem[] = [];
  const missing = rest.filter(({ cause, component }) => cause === 'no-manifest' && component !== 'kubelet');
  if (missing.length > 1) {
    problems.push(noManifests(node, missing));
    rest = rest.filter((each) => !missing.includes(each));
  }
  for (let first = rest[0]; first; first = rest[0]) {
    const root = first;
    const followers = rest.filter((each) => follows(each, root));
    const tail = followers.length
      ? `; with it: ${listed(
          followers.map(({ component }) => component),
          4,
        )}`
      : '';
    problems.push({
      severity: GRAVITY[root.state] > 1 ? 'error' : 'warning',
      code: 'component',
      node,
      component: root.component,
      what: `${root.detail || root.state}${tail}`,
      hint: expired && root.cause === 'not-well' ? EXPIRED : hintFor(node, root, earlier),
    });
    rest = rest.filter((each) => each !== root && !followers.includes(each));
  }
  return problems;
}

const EXPIRED = 'certificates have expired there: see to that first';

function follows(each: ComponentStatus, root: ComponentStatus): boolean {
  if (!FOLLOWERS[root.component]?.includes(each.component)) return false;
  if (each.cause === 'no-manifest' || each.cause === 'image') return false;
  if (each.cause === 'older-manifest' && root.component !== 'kubelet') return false;
  return GRAVITY[each.state] <= GRAVITY[root.state];
}

function noManifests(node: string, missing: readonly ComponentStatus[]): Problem {
  return {
    severity: 'error',
    code: 'component',
    node,
    component: undefined,
    what: `the manifests of ${listed(
      missing.map(({ component }) => component),
      4,
    )} are not there`,
    hint: `\`bootstrap apply --node ${node}\` puts them back`,
  };
}

function hintFor(node: string, { component, state, cause }: ComponentStatus, earlier: number | undefined): string {
  const apply = `\`bootstrap apply --node ${node}\``;
  if (component === 'kubelet') {
    if (state === 'absent') return `install a kubelet and a container runtime on ${node}, then ${apply}`;
    if (state === 'unknown') return `is systemd the init of ${node}?`;
    return `\`journalctl -u kubelet\` on ${node} says why; ${apply} starts it`;
  }
  switch (cause) {
    case 'no-manifest':
      return `${apply} puts it back`;
    case 'image':
      return `can ${node} reach the registry (spec.imageRepository), and is the image there?`;
    case 'older-manifest':
      return `it takes the kubelet up to a minute; \`journalctl -u kubelet\` on ${node} says what it waits for`;
    case 'not-seen':
      return '`bootstrap status` again once an apiserver answers';
    default:
  }
  if (state === 'starting') return `\`bootstrap status\` again in a minute; ${logs(node, component)}`;
  const back =
    earlier === undefined
      ? `correct the cluster file and ${apply}`
      : `\`bootstrap rollback --node ${node} --to ${earlier}\` puts revision ${earlier} back`;
  return `if a change has caused it, ${back}; ${logs(node, component)}`;
}

function logs(node: string, component: NodeComponent): string {
  return `\`crictl logs $(crictl ps -aq --name ${component} | head -1)\` on ${node} shows its log`;
}

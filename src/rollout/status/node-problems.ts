import { POD_COMPONENTS } from '../../render/layout.ts';
import { componentProblems } from './component-problems.ts';
import type { NodeObservation } from './observe.ts';
import type { NodeStatus, Problem, ProblemCode } from './status.ts';
import { bytesInWords, counted, listed } from './words.ts';

const MIB = 1024 ** 2;

/** Below it the node is told of; below a sixteenth of it not even a revision may fit. */
const LOW_DISK = 1024 * MIB;
const NO_DISK = 64 * MIB;

/** How a kubelet can be enabled so that it starts at boot; '' and unknown words are not held against it. */
const NOT_AT_BOOT = ['disabled', 'masked', 'masked-runtime', 'enabled-runtime'];

type Say = (severity: Problem['severity'], code: ProblemCode, what: string, hint: string) => Problem;

/**
 * What is wrong on one node, but for clocks and certificates.
 * @param expired certificates have expired there
 */
export function nodeProblems(status: NodeStatus, observed: NodeObservation, expired: boolean): readonly Problem[] {
  const { node, unreachable, revision } = status;
  const say: Say = (severity, code, what, hint) => ({ severity, code, node, component: undefined, what, hint });
  if (unreachable !== undefined) {
    const { contact } = observed;
    const hint = contact.kind === 'unreachable' ? contact.hint : undefined;
    return [
      say(
        'error',
        'unreachable',
        `it cannot be reached: ${unreachable}`,
        hint ?? 'is it up, and does `ssh` reach it as spec.nodes[].ssh says?',
      ),
      ...componentProblems(status, undefined, expired),
    ];
  }
  const isNew = revision.current === undefined && revision.unfinished === undefined;
  return [
    ...(isNew ? [neverApplied(status, say)] : componentProblems(status, earlierRevision(observed), expired)),
    ...revisionProblems(status, say),
    ...fileProblems(status, say),
    ...machineProblems(status, observed, say),
  ];
}

/** Components that do not run on a node to which nothing was ever brought are no problem of their own. */
function neverApplied({ node, components, revision: { reverted } }: NodeStatus, say: Say): Problem {
  if (reverted) {
    const hint = 'correct the cluster file, then `bootstrap plan` and `bootstrap apply`';
    return say(
      'error',
      'never-applied',
      `its first revision, ${reverted.revision}, was taken back: ${reverted.why}`,
      hint,
    );
  }
  const runs = components.filter(({ component, state }) => component !== 'kubelet' && state === 'ok');
  const what = runs.length
    ? `${listed(
        runs.map(({ component }) => component),
        4,
      )} run there, but not by an \`apply\`: it has no revision`
    : 'nothing has been applied to it yet';
  return say(
    'error',
    'never-applied',
    what,
    `\`bootstrap plan --node ${node}\` shows what \`bootstrap apply\` would do`,
  );
}

function earlierRevision({ contact }: NodeObservation): number | undefined {
  if (contact.kind === 'unreachable') return undefined;
  const { current, revisions } = contact.facts;
  return revisions.map(({ number }) => number).findLast((number) => current !== undefined && number < current);
}

function revisionProblems({ node, revision, lock }: NodeStatus, say: Say): readonly Problem[] {
  const { unfinished, reverted, wanted } = revision;
  if (unfinished) {
    if (unfinished.live) return [];
    const what =
      unfinished.state === 'placed'
        ? `revision ${unfinished.to} was put in place, but never confirmed`
        : `putting revision ${unfinished.to} in place was interrupted (${unfinished.state})`;
    const hint = `\`bootstrap apply --node ${node}\` goes on with it, \`bootstrap rollback --node ${node}\` takes it back`;
    return [say('warning', 'unfinished', what, hint)];
  }
  if (wanted !== false || revision.current === undefined) return [];
  if (reverted) {
    const what = `it took revision ${reverted.revision} back by itself at ${reverted.at}: ${reverted.why}`;
    return [say('warning', 'reverted', what, 'correct the cluster file, then `bootstrap plan` and `bootstrap apply`')];
  }
  if (lock?.live) return [];
  const what = 'the cluster file has changes that are not applied';
  return [say('warning', 'not-applied', what, '`bootstrap plan` shows them, `bootstrap apply` carries them out')];
}

/** While a revision is being put in place its files are neither the old ones nor the new ones. */
function fileProblems({ node, role, drift, strays, revision }: NodeStatus, say: Say): readonly Problem[] {
  const problems: Problem[] = [];
  if (drift.length && !revision.unfinished) {
    const files = listed(drift.map(({ path, detail }) => `${path} (${detail})`));
    const what = `${counted(drift.length, 'file')} drifted from revision ${revision.current ?? '?'}: ${files}`;
    const hint = `\`bootstrap apply --node ${node}\` puts back what the cluster file says; \`bootstrap plan --node ${node}\` shows it first`;
    problems.push(say('warning', 'drift', what, hint));
  }
  const isRival = (path: string) =>
    role === 'master' && POD_COMPONENTS.some((component) => (path.split('/').at(-1) ?? '').startsWith(component));
  const rivals = strays.filter(isRival);
  const others = strays.filter((path) => !isRival(path));
  const hint = `move it away on ${node}: the kubelet runs every file there whose name does not begin with a dot`;
  if (rivals.length) {
    const what = `a copy beside the manifest may win over it: ${listed(rivals)}`;
    problems.push(say('error', 'stray', what, hint));
  }
  if (others.length) {
    const what = `${counted(others.length, 'stray file')} among the manifests: ${listed(others)}`;
    problems.push(say('warning', 'stray', what, hint));
  }
  return problems;
}

function machineProblems({ node, disk, components }: NodeStatus, { contact }: NodeObservation, say: Say): Problem[] {
  const problems: Problem[] = [];
  const room = `make room on ${node}; \`df -h\` and \`crictl rmi --prune\` help to find it`;
  if (disk && !disk.writable) {
    const hint = `a file system becomes read-only when its disk fails: \`dmesg\` and \`findmnt\` on ${node} say more`;
    problems.push(say('error', 'disk', '/var/lib/bootstrap cannot be written', hint));
  } else if (disk && disk.freeBytes < LOW_DISK) {
    const severity = disk.freeBytes < NO_DISK ? 'error' : 'warning';
    problems.push(say(severity, 'disk', `only ${bytesInWords(disk.freeBytes)} are free on its disk`, room));
  }
  const kubelet = components.find(({ component }) => component === 'kubelet');
  if (contact.kind === 'reached' && kubelet?.state === 'ok' && NOT_AT_BOOT.includes(contact.facts.kubelet.enabled)) {
    const what = `kubelet.service is ${contact.facts.kubelet.enabled}: it does not start at boot`;
    problems.push({ ...say('warning', 'boot', what, `\`systemctl enable kubelet\` on ${node}`), component: 'kubelet' });
  }
  return problems;
}

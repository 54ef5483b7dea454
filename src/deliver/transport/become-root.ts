import { BootstrapError } from '../../base/errors.ts';
import { shellLine } from './node-command.ts';

/** The other side in messages: the node's name and how it is reached. */
export interface Party {
  readonly node: string;
  readonly target: string;
}

/**
 * Finds out how a command becomes root's. A prefix instead of the node's real root (tests) makes that unnecessary.
 * sudo speaks English for us to understand it.
 */
const QUESTION = `if [ "$(id -u)" = 0 ] || [ -n "\${BOOTSTRAP_NODE_ROOT-}" ]; then w=root t=
else t=$(LC_ALL=C sudo -n -- sh -c : 2>&1) && w=sudo || w=no
fi
printf "%s\\n%s\\n%s\\n%s\\n" "$1" "$w" "$(id -un)" "$t"`;

/** The line to send first. */
export function rootQuestion(mark: string): string {
  return shellLine(['sh', '-c', QUESTION, 'sh', mark], false);
}

/**
 * Reads the answer: whether sudo is needed.
 * @returns undefined where this is no answer at all
 * @throws BootstrapError `unreachable` where root cannot be had
 */
export function readRootAnswer(stdout: string, mark: string, party: Party): { readonly sudo: boolean } | undefined {
  const start = stdout.indexOf(`${mark}\n`);
  if (start < 0) return undefined;
  const [way, user = '', ...said] = stdout.slice(start + mark.length + 1).split('\n');
  if (way === 'no') throw noRoot(party, user, said.join('\n').trim());
  return { sudo: way === 'sudo' };
}

function noRoot({ node, target }: Party, user: string, said: string): BootstrapError {
  const asRoot = target === 'this machine' ? 'run bootstrap as root' : 'log in as root (spec.nodes[].ssh.user)';
  const rule = `on ${node}, as root: echo '${user} ALL=(root) NOPASSWD: ALL' > /etc/sudoers.d/90-bootstrap`;
  const [what, hint] = /sudo: (command )?not found/i.test(said)
    ? ['is not root, and there is no sudo', asRoot]
    : /must have a tty|no tty present/i.test(said)
      ? [
          'may use sudo on a terminal only',
          `on ${node}, as root: echo 'Defaults:${user} !requiretty' > /etc/sudoers.d/90-bootstrap`,
        ]
      : /password is required|terminal is required|authentication is required/i.test(said)
        ? ['is not root, and sudo asks for a password', `${rule}; or ${asRoot}`]
        : /not in the sudoers|not allowed to|may not run sudo/i.test(said)
          ? ['is not root, and sudo is forbidden', `${rule}; or ${asRoot}`]
          : [`is not root, and sudo fails: ${said.split('\n').at(-1) ?? ''}`, `${rule}; or ${asRoot}`];
  return new BootstrapError('unreachable', `${node}: ${user} at ${target} ${what}`, { hint });
}

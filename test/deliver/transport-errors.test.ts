import { execFileSync, execSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { emptyDir } from '../support/cli.ts';
import { needTool } from '../support/tools.ts';
import { programs, ran, sshdFor, told, transportTo } from './transport-fixtures.ts';

/** Somebody at the terminal who says yes. */
function runSayingYes(command: string): void {
  const askpass = join(programs({ yes: 'echo yes' }), 'yes');
  execSync(command, {
    env: { ...process.env, SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force', DISPLAY: ':0' },
    stdio: 'ignore',
  });
}

describe.runIf(needTool('sshd'))('what stands in the way is said, with what to do about it', () => {
  test('a host key that nobody has accepted yet', async () => {
    const sshd = await sshdFor();
    writeFileSync(sshd.knownHosts, '');
    const transport = transportTo(sshd);
    const { code, message, hint } = await told(ran(transport, ['true']));
    expect(code).toBe('unreachable');
    expect(message).toMatch(
      /^cp1: cannot connect to 127\.0\.0\.1:\d+: its host key \(ED25519\) is not known here yet, as \[127/,
    );
    expect(hint).toContain('ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub shows what it must be');
    const [command = ''] = hint.split(' shows its fingerprint');
    runSayingYes(command);
    expect(await ran(transport, ['echo', 'in'])).toEqual([0, 'in\n', '']);
  });

  test('a host key that has changed', async () => {
    const [sshd, other] = [await sshdFor(), await sshdFor()];
    const key = readFileSync(other.knownHosts, 'utf8').replace(/^\S+/, `[127.0.0.1]:${sshd.port}`);
    writeFileSync(sshd.knownHosts, key);
    const transport = transportTo(sshd);
    const { code, message, hint } = await told(ran(transport, ['true']));
    expect(code).toBe('unreachable');
    expect(message).toMatch(/its host key has CHANGED \(it is SHA256:\S+ now\): somebody may be listening in/);
    const [, command = ''] = /^only if you know why: (.*)$/.exec(hint) ?? [];
    expect(command).toBe(`ssh-keygen -R '[127.0.0.1]:${sshd.port}' -f ${sshd.knownHosts}`);
    execSync(command, { stdio: 'ignore' });
    expect((await told(ran(transport, ['true']))).message).toContain('is not known here yet');
  });

  test('a key that is not let in, or is not there', async () => {
    const sshd = await sshdFor();
    const key = join(emptyDir(), 'key');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const configFile = join(emptyDir(), 'config');
    writeFileSync(configFile, readFileSync(sshd.configFile, 'utf8').replace(/IdentityFile.*/, ''));
    const refused = await told(ran(transportTo(sshd, { identityFile: key, configFile, user: sshd.user }), ['true']));
    expect(refused.code).toBe('unreachable');
    expect(refused.message).toContain(`does not let ${sshd.user} in with ${key} (it takes: publickey)`);
    expect(refused.hint).toContain('ssh-add');
    const missing = await told(ran(transportTo(sshd, { identityFile: '/no/such/key', configFile }), ['true']));
    expect(missing.message).toContain('there is no key file /no/such/key');
  });

  test('a port on which nothing listens, a name that does not resolve, a configuration that is not there', async () => {
    const sshd = await sshdFor();
    const say = async (ssh: Parameters<typeof transportTo>[1]) => told(ran(transportTo(sshd, ssh), ['true']));
    expect((await say({ port: 1 })).message).toContain('nothing listens on port 1 of 127.0.0.1');
    expect((await say({ host: 'no-such-host.invalid' })).message).toContain(
      'the name no-such-host.invalid cannot be resolved',
    );
    expect((await say({ configFile: '/no/such/config' })).message).toContain(
      'cannot read its configuration /no/such/config',
    );
  });

  test('a port on which something else listens, or nothing ever answers', async () => {
    const sshd = await sshdFor();
    const server = createServer((socket) => void socket.destroy()).listen(0, '127.0.0.1');
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    await Promise.all([once(server, 'listening'), once(silent, 'listening')]);
    onTestFinished(() => {
      server.close();
      silent.close();
    });
    const at = (each: typeof server) => ({ port: (each.address() as { readonly port: number }).port });
    const [closed, late] = await Promise.all([
      told(ran(transportTo(sshd, at(server)), ['true'])),
      told(ran(transportTo(sshd, at(silent)), ['true'])),
    ]);
    expect(closed.message).toContain('it closed the connection before anybody could log in');
    expect(late.message).toContain('there was no answer within 10 s');
  });

  test('an account that runs nothing', async () => {
    const sshd = await sshdFor({ config: ['ForceCommand echo "This account is currently not available."; exit 1'] });
    const { message } = await told(ran(transportTo(sshd), ['true']));
    expect(message).toMatch(/lets one log in, but not run a command: This account is currently not available\.$/);
  });

  test.each([
    ['wants a password', 'echo "sudo: a password is required" >&2; exit 1', /sudo asks for a password$/],
    ['is forbidden', 'echo "ubuntu is not in the sudoers file." >&2; exit 1', /sudo is forbidden$/],
    ['wants a terminal', 'echo "sudo: sorry, you must have a tty to run sudo" >&2; exit 1', /sudo on a terminal only$/],
    [
      'is broken',
      'echo "sudo: /etc/sudoers is world writable" >&2; exit 1',
      /sudo fails: sudo: \/etc\/sudoers is world writable$/,
    ],
    ['is not there', undefined, /is not root, and there is no sudo$/],
  ])('a sudo that %s', async (_, sudo, message) => {
    const id = '[ "$*" = -u ] && echo 1000 || echo ubuntu';
    const path = programs({ id, ...(sudo !== undefined && { sudo }) }, ['sh', 'timeout']);
    const sshd = await sshdFor({ path, env: { BOOTSTRAP_NODE_ROOT: '' } });
    const said = await told(ran(transportTo(sshd), ['true']));
    expect(said.code).toBe('unreachable');
    expect(said.message).toMatch(message);
    expect(said.message).toMatch(/^cp1: ubuntu at 127\.0\.0\.1:\d+ /);
    expect(said.hint).toMatch(/sudoers\.d|log in as root/);
  });

  test('a host name that is an option is none to ssh', async () => {
    const mark = join(emptyDir(), 'mark');
    const sshd = await sshdFor();
    const { message } = await told(ran(transportTo(sshd, { host: `-oProxyCommand=touch ${mark}` }), ['true']));
    expect(message).toContain('cannot connect');
    expect(existsSync(mark)).toBe(false);
  });
});

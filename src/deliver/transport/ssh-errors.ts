import { existsSync } from 'node:fs';
import { BootstrapError } from '../../base/errors.ts';
import { shellQuoted } from '../../base/posix-quote.ts';
import type { SshSettings } from '../../spec/cluster.ts';
import type { Party } from './become-root.ts';
import { absolute, sshForPeople } from './ssh-words.ts';

/** What ssh said, what that means, and what to do about it. */
interface Known {
  readonly said: RegExp;
  readonly means: (
    found: RegExpExecArray,
    ssh: SshSettings,
    text: string,
  ) => { readonly what: string; readonly hint?: string };
}

/** The first that fits counts. The texts are those of OpenSSH 7.6 to 10. */
const KNOWN: readonly Known[] = [
  {
    said: /Host key for (\S+) has changed and you have requested strict checking/,
    means: ([, name = ''], _, text) => {
      const file = /Offending .*? key in (.+):\d+/.exec(text)?.[1] ?? '~/.ssh/known_hosts';
      const fingerprint = /SHA256:[\w+/=]+/.exec(text)?.[0];
      return {
        what: `its host key has CHANGED${fingerprint ? ` (it is ${fingerprint} now)` : ''}: somebody may be listening in, or the machine was made anew`,
        hint: `only if you know why: ssh-keygen -R ${shellQuoted(name)} -f ${shellQuoted(file)}`,
      };
    },
  },
  {
    said: /No (\S+) host key is known for (\S+) and you have requested strict checking/,
    means: ([, kind = '', name = ''], ssh) => ({
      what: `its host key (${kind}) is not known here yet, as ${name}`,
      hint: `${sshForPeople(ssh, 'StrictHostKeyChecking=ask')} shows its fingerprint and, where you say yes, accepts it; on the machine itself, ssh-keygen -lf /etc/ssh/ssh_host_${kind.toLowerCase()}_key.pub shows what it must be`,
    }),
  },
  {
    said: /Host key verification failed|REVOKED HOST KEY/i,
    means: (_, ssh) => ({ what: 'its host key is not accepted', hint: `see: ${sshForPeople(ssh)}` }),
  },
  {
    said: /UNPROTECTED PRIVATE KEY FILE[\s\S]*?Permissions (\d+) for '(.*)' are too open/,
    means: ([, mode = '', file = '']) => ({
      what: `ssh does not take the key ${file}, because others may read it (${mode})`,
      hint: `chmod 600 ${shellQuoted(file)}`,
    }),
  },
  {
    said: /Permission denied \(([^)]*)\)/,
    means: ([, methods = ''], ssh) => {
      const file = ssh.identityFile;
      if (file !== undefined && !existsSync(absolute(file)))
        return { what: `there is no key file ${file}`, hint: 'see spec.ssh.identityFile' };
      return {
        what: `it does not let ${ssh.user ?? 'this user'} in with ${file ?? 'any key at hand'} (it takes: ${methods})`,
        hint: `a key with a passphrase must be in the agent (ssh-add); user and key are spec.ssh.user and .identityFile; try: ${sshForPeople(ssh)}`,
      };
    },
  },
  {
    said: /Too many authentication failures/,
    means: () => ({
      what: 'it has refused as many keys as it looks at',
      hint: 'say which one to use: spec.ssh.identityFile',
    }),
  },
  {
    said: /Could not resolve hostname (\S+): (.*)/,
    means: ([, name = '', why = '']) => ({
      what: `the name ${name} cannot be resolved (${why.trim()})`,
      hint: 'see spec.nodes[].ssh.host, and Host in ssh_config',
    }),
  },
  {
    said: /connect to host (\S+) port (\d+): Connection refused/,
    means: ([, host = '', port = '']) => ({
      what: `nothing listens on port ${port} of ${host}`,
      hint: 'is sshd running there? Another port is spec.ssh.port',
    }),
  },
  {
    said: /connect to host (\S+) port (\d+): (?:Connection|Operation) timed out|Connection timed out|timed out during banner exchange/,
    means: () => ({
      what: 'there was no answer within 10 s',
      hint: 'is the machine up, and does a firewall let port and address through?',
    }),
  },
  {
    said: /connect to host (\S+) port (\d+): (No route to host|Network is unreachable|Host is down)/,
    means: ([, host = '', , why = '']) => ({
      what: `there is no way to ${host} (${why.toLowerCase()})`,
      hint: 'is the machine up? Its address is spec.nodes[].addresses[0], or spec.nodes[].ssh.host',
    }),
  },
  {
    said: /Unable to negotiate with .*?: (no matching [^.]*)\./,
    means: ([, why = '']) => ({ what: `its ssh is too old or too new for the one here: ${why}` }),
  },
  {
    said: /kex_exchange_identification|Connection (?:closed|reset) by|banner exchange/,
    means: (_, ssh) => ({
      what: 'it closed the connection before anybody could log in',
      hint: `another program on that port, a firewall, or too many at once (MaxStartups of sshd)? Try: ${sshForPeople(ssh)}`,
    }),
  },
  {
    said: /Can't open user config file (.+?): (.*)/,
    means: ([, file = '', why = '']) => ({
      what: `ssh cannot read its configuration ${file} (${why.trim().toLowerCase()})`,
      hint: 'see spec.ssh.configFile',
    }),
  },
  {
    said: /.*(?:Bad configuration option|Bad owner or permissions on|bad configuration options?).*/,
    means: ([line]) => ({ what: `ssh does not accept its configuration: ${line.trim()}` }),
  },
  {
    said: /(?:^|\s)ssh: (?:command )?not found/m,
    means: () => ({ what: "there is no ssh on this machine: install OpenSSH's client" }),
  },
];

/** Why ssh could not connect, in words. */
export function connectError(party: Party, ssh: SshSettings, said: string): BootstrapError {
  const text = said.replaceAll('\r', '').trim();
  for (const { said: pattern, means } of KNOWN) {
    const found = pattern.exec(text);
    if (!found) continue;
    const { what, hint } = means(found, ssh, text);
    return unreachable(party, `cannot connect to ${party.target}: ${what}`, hint);
  }
  return unreachable(
    party,
    `cannot connect to ${party.target}: ${lastLine(text) || 'ssh does not say why'}`,
    `try: ${sshForPeople(ssh)}`,
  );
}

export function unreachable({ node }: Party, what: string, hint?: string): BootstrapError {
  return new BootstrapError('unreachable', `${node}: ${what}`, hint === undefined ? {} : { hint });
}

export const lastLine = (text: string): string => text.trim().split('\n').at(-1)?.trim() ?? '';

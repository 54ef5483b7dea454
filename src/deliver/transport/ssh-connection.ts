import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { SshSettings } from '../../spec/cluster.ts';
import { type Party, readRootAnswer, rootQuestion } from './become-root.ts';
import { newMark } from './node-command.ts';
import type { Link } from './run-on.ts';
import { runProgram } from './run-program.ts';
import { spawnNow } from './spawn-now.ts';
import { connectError, lastLine, unreachable } from './ssh-errors.ts';
import { controlSsh, directSsh, muxedSsh, pipingSsh, type SshPaths, sharingSsh } from './ssh-words.ts';

/** Longer than ConnectTimeout: a hardware key may wait to be touched. */
const LOGIN_SECONDS = 60;
const ORDER_SECONDS = 5;

let count = 0;

/** One ssh process in the background that others use, and what is forwarded through it. */
export class SshConnection {
  readonly #party: Party;
  readonly #ssh: SshSettings;
  readonly #paths: SshPaths;
  readonly #dir: string;
  readonly #forwards = new Map<string, Promise<string>>();
  #sudo = false;
  #forwarding = false;

  private constructor(party: Party, ssh: SshSettings, dir: string) {
    this.#party = party;
    this.#ssh = ssh;
    this.#dir = dir;
    const name = join(dir, String(++count));
    this.#paths = { control: name, log: `${name}.log` };
  }

  /** @throws BootstrapError `unreachable` */
  static async open(party: Party, ssh: SshSettings, dir: string, signal: AbortSignal): Promise<SshConnection> {
    const connection = new SshConnection(party, ssh, dir);
    try {
      await connection.#login(signal);
      return connection;
    } catch (error) {
      await connection.exit();
      throw error;
    }
  }

  async #login(closing: AbortSignal): Promise<void> {
    const [party, ssh] = [this.#party, this.#ssh];
    const mark = newMark();
    const late = AbortSignal.timeout(LOGIN_SECONDS * 1000);
    const signal = AbortSignal.any([late, closing]);
    const ran = await runProgram(sharingSsh(ssh, this.#paths, rootQuestion(mark)), { signal });
    closing.throwIfAborted();
    const answer = readRootAnswer(ran.stdout.toString('utf8'), mark, party);
    if (answer) {
      this.#sudo = answer.sudo;
      return;
    }
    if (late.aborted) throw unreachable(party, `cannot connect to ${party.target}: no login within ${LOGIN_SECONDS} s`);
    const said = `${await this.#log()}\n${ran.stderr}`;
    if (ran.status === 255 || ran.status === 127) throw connectError(party, ssh, said);
    const why = lastLine(`${ran.stdout}\n${ran.stderr}`) || `status ${ran.status}`;
    throw unreachable(party, `${party.target} lets one log in, but not run a command: ${why}`);
  }

  /** The way through this connection. */
  get shared(): Link {
    return { sudo: this.#sudo, words: (line) => muxedSsh(this.#paths, this.#ssh, line) };
  }

  /** A connection of its own for each command. */
  get direct(): Link {
    return { sudo: this.#sudo, words: (line) => directSsh(this.#ssh, line) };
  }

  /** Whether its process is still there. */
  async isAlive(): Promise<boolean> {
    const { status } = await this.#order('check');
    return status === 0;
  }

  /** @returns the socket that leads to the port */
  forward(address: string, port: number): Promise<string> {
    const to = `${address.includes(':') ? `[${address}]` : address}:${port}`;
    const known = this.#forwards.get(to);
    if (known) return known;
    const made = this.#forward(to);
    this.#forwards.set(to, made);
    made.catch(() => this.#forwards.delete(to));
    return made;
  }

  async #forward(to: string): Promise<string> {
    const path = join(this.#dir, `${++count}.f`);
    const { status, stderr } = await this.#order('forward', '-L', `${path}:${to}`);
    if (status !== 0)
      throw unreachable(this.#party, `cannot reach ${to} on ${this.#party.target}: ${lastLine(String(stderr))}`);
    if (!this.#forwarding) await this.#mayForward(to);
    return path;
  }

  /**
   * sshd says only for a connection that is made whether it may be: the socket alone is this side's. Why it may not, ssh
   * says in the background only.
   */
  async #mayForward(to: string): Promise<void> {
    const before = (await this.#log()).length;
    const signal = AbortSignal.timeout(ORDER_SECONDS * 1000);
    await runProgram(pipingSsh(this.#paths, this.#ssh, to), { signal });
    const said = (await this.#log()).slice(before);
    if (/administratively prohibited/.test(said)) {
      throw unreachable(
        this.#party,
        `sshd at ${this.#party.target} does not let its ports be reached (AllowTcpForwarding, or PermitOpen without ${to})`,
        `on ${this.#party.node}: AllowTcpForwarding local in sshd_config, then systemctl reload ssh (or sshd)`,
      );
    }
    this.#forwarding = true;
  }

  /** Ends it, with all that is forwarded. Never throws. */
  async exit(): Promise<void> {
    await this.#order('exit').catch(() => {});
    const sockets = await Promise.allSettled(this.#forwards.values());
    const files = sockets.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    for (const file of [this.#paths.control, this.#paths.log, ...files])
      await rm(file, { force: true }).catch(() => {});
  }

  /** The same, before this returns; what is in the directory stays. */
  exitNow(): void {
    spawnNow(controlSsh(this.#paths, this.#ssh, 'exit'), 2000);
  }

  #order(...order: readonly string[]) {
    return runProgram(controlSsh(this.#paths, this.#ssh, ...order), {
      signal: AbortSignal.timeout(ORDER_SECONDS * 1000),
    });
  }

  #log(): Promise<string> {
    return readFile(this.#paths.log, 'utf8').catch(() => '');
  }
}

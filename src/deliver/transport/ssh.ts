import type { BootstrapError } from '../../base/errors.ts';
import type { ClusterNode } from '../../spec/cluster.ts';
import { type MarkedRun, runOn } from './run-on.ts';
import { Slots } from './slots.ts';
import { SshConnection } from './ssh-connection.ts';
import { connectError, lastLine, unreachable } from './ssh-errors.ts';
import { NO_CONNECTION, targetOf } from './ssh-words.ts';
import type { Outcome, Reach, RunOptions, Transport } from './transport.ts';

/** sshd allows ten sessions on one connection (MaxSessions); two are left for ending what others have begun. */
const SESSIONS = 8;
/** Well within the minute after which ssh ends a connection that nobody uses. */
const BEAT_MILLISECONDS = 20_000;

const open = new Set<SshTransport>();

/** A node by way of the system's OpenSSH: one connection, made when it is first needed and again where it has broken. */
export class SshTransport implements Transport {
  readonly node: string;
  readonly target: string;
  readonly #ssh: ClusterNode['ssh'];
  readonly #dir: string;
  readonly #slots = new Slots(SESSIONS);
  readonly #closing = new AbortController();
  readonly #beat: NodeJS.Timeout;
  #connecting: Promise<SshConnection> | undefined;
  #connection: SshConnection | undefined;

  /** @param dir for sockets: only this user's, with a short path (`makeRunDir`) */
  constructor({ name, ssh }: Pick<ClusterNode, 'name' | 'ssh'>, dir: string) {
    this.node = name;
    this.target = targetOf(ssh);
    this.#ssh = ssh;
    this.#dir = dir;
    this.#beat = setInterval(() => void this.#keep(), BEAT_MILLISECONDS).unref();
    open.add(this);
  }

  run(argv: readonly string[], options: RunOptions): Promise<Outcome> {
    return this.#slots.use(() => this.#run(argv, options, 2));
  }

  async #run(argv: readonly string[], options: RunOptions, tries: number): Promise<Outcome> {
    const connection = await this.#connected(options.signal);
    const ran = await runOn(connection.shared, argv, options);
    if (ran?.status !== undefined) return outcome(ran, ran.status);
    if (ran && isUnused(ran)) {
      // sshd allows fewer sessions than it does by default
      if (await connection.isAlive()) return this.#runAlone(connection, argv, options);
      if (tries > 1) {
        this.#forget(connection);
        return this.#run(argv, options, tries - 1);
      }
    }
    this.#forget(connection);
    throw this.#broken(ran, argv, options);
  }

  async #runAlone(connection: SshConnection, argv: readonly string[], options: RunOptions): Promise<Outcome> {
    const ran = await runOn(connection.direct, argv, options);
    if (ran?.status !== undefined) return outcome(ran, ran.status);
    if (ran?.began === false && ran.localStatus === 255) throw connectError(this, this.#ssh, ran.stderr);
    throw this.#broken(ran, argv, options);
  }

  /** @param ran undefined where nothing was heard */
  #broken(ran: MarkedRun | undefined, [program = '']: readonly string[], { seconds }: RunOptions): BootstrapError {
    if (ran && !ran.began && ran.localStatus !== 255) {
      return unreachable(
        this,
        `${this.target} does not run ${program}: ${lastLine(ran.stderr) || `status ${ran.localStatus}`}`,
      );
    }
    const how = ran ? 'the connection broke' : `nothing was heard for ${seconds} s and more`;
    const left = ran?.began === false ? '' : `, and whether it has done its work is not known`;
    return unreachable(this, `${how} while ${program} ran on ${this.target}${left}`, 'run the same command again');
  }

  async forward(address: string, port: number): Promise<Reach> {
    const connection = await this.#connected();
    if (await connection.isAlive()) return { path: await connection.forward(address, port) };
    this.#forget(connection);
    const another = await this.#connected();
    return { path: await another.forward(address, port) };
  }

  async close(): Promise<void> {
    clearInterval(this.#beat);
    this.#closing.abort(unreachable(this, `the connection to ${this.target} is closed`));
    await this.#connecting?.catch(() => {});
    await this.#connection?.exit();
    this.#connection = undefined;
    open.delete(this);
  }

  /** The same at once, for a signal handler. */
  closeNow(): void {
    this.#connection?.exitNow();
    open.delete(this);
  }

  /** All who ask at the same time get the same one. */
  async #connected(signal?: AbortSignal): Promise<SshConnection> {
    signal?.throwIfAborted();
    this.#closing.signal.throwIfAborted();
    if (this.#connection) return this.#connection;
    this.#connecting ??= SshConnection.open(this, this.#ssh, this.#dir, this.#closing.signal)
      .then((connection) => {
        this.#connection = connection;
        return connection;
      })
      .finally(() => {
        this.#connecting = undefined;
      });
    return signal ? unlessAborted(this.#connecting, signal) : this.#connecting;
  }

  #forget(connection: SshConnection): void {
    if (this.#connection === connection) this.#connection = undefined;
    void connection.exit();
  }

  async #keep(): Promise<void> {
    const connection = this.#connection;
    if (connection && !(await connection.isAlive().catch(() => false))) this.#forget(connection);
  }
}

export function closeSshNow(): void {
  for (const transport of open) transport.closeNow();
}

const outcome = ({ stdout, stderr }: MarkedRun, status: number): Outcome => ({ status, stdout, stderr });

/** The command was never sent: there was no connection, or no more room on it. */
const isUnused = ({ began, localStatus, stderr }: MarkedRun): boolean =>
  !began && localStatus === 255 && stderr.includes(NO_CONNECTION);

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

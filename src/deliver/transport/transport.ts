/** What a command on a node gave. */
export interface Outcome {
  /** The command's exit status; 124 where it took longer than it was given. */
  readonly status: number;
  readonly stdout: Buffer;
  /** As text, without a trailing newline; may hold several lines. */
  readonly stderr: string;
}

export interface RunOptions {
  /** Goes to the command's standard input. Secrets travel here and nowhere else. */
  readonly input?: Buffer;
  /** The command is ended on the node itself after so many seconds. */
  readonly seconds: number;
  readonly signal?: AbortSignal;
}

/** Where a local client connects to in order to reach a port of the node. */
export type Reach = { readonly path: string } | { readonly host: string; readonly port: number };

/** A way to one node: OpenSSH, or this machine itself. */
export interface Transport {
  /** The node's name. */
  readonly node: string;
  /** What messages call the other side, e.g. `ubuntu@203.0.113.5` or `this machine`. */
  readonly target: string;
  /**
   * Runs a program as root on the node; each argument arrives as it is.
   * @throws BootstrapError `unreachable` where the node cannot be reached, or the connection breaks
   */
  run(argv: readonly string[], options: RunOptions): Promise<Outcome>;
  /**
   * Makes a TCP port reachable that the node itself can reach. The same port is opened once only.
   * @param address as seen from the node, e.g. `127.0.0.1`
   * @throws BootstrapError `unreachable`
   */
  forward(address: string, port: number): Promise<Reach>;
  /** Ends the connection and everything that was forwarded. Never throws. */
  close(): Promise<void>;
}

/** Runs a program and waits for it without giving way to anything else, for the very end of this one. */
export function spawnNow([program = '', ...words]: readonly string[], milliseconds: number): void {
  // asked for here, because most runs of this program never need it
  process
    .getBuiltinModule('node:child_process')
    .spawnSync(program, words, { stdio: 'ignore', timeout: milliseconds, killSignal: 'SIGKILL' });
}

/** The code of a failed system call (`ENOENT`), or undefined where `error` is something else. */
export function systemErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** What the system said, without code, call and path: `permission denied`. */
export function systemErrorReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return /^[A-Z0-9_]+: (.+?), \w+(?: '|$)/.exec(error.message)?.[1] ?? error.message;
}

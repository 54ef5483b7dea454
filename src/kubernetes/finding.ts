/** One thing that is wrong with a setting; the caller knows where the setting stands. */
export interface Finding {
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly hint?: string;
}

export function error(message: string, hint?: string): Finding {
  return { severity: 'error', message, ...(hint && { hint }) };
}

export function warning(message: string, hint?: string): Finding {
  return { severity: 'warning', message, ...(hint && { hint }) };
}

/** `a, b or c`. */
export function oneOf(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

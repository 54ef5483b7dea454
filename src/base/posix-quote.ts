// zsh takes a leading = for itself
const PLAIN = /^[\w@%+:,./-][\w@%+=:,./-]*$/;

/**
 * A word for a POSIX shell, which gives it back as it is. A backslash stands outside the quotes too: within them fish
 * takes some for itself, and a node's login shell may be any.
 */
export function posixQuoted(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replace(/['\\]/g, "'\\$&'")}'`;
}

/** The same for a command that a person is shown; a leading `~/` keeps its meaning. */
export function shellQuoted(word: string): string {
  const [home, rest] = word.startsWith('~/') ? ['~/', word.slice(2)] : ['', word];
  return rest === '' ? home || "''" : `${home}${posixQuoted(rest)}`;
}

/** A word as one can paste it into a POSIX shell; a leading `~/` keeps its meaning. */
export function shellQuoted(word: string): string {
  const [home, rest] = word.startsWith('~/') ? ['~/', word.slice(2)] : ['', word];
  return /^[\w@%+=:,./-]+$/.test(rest) ? word : `${home}'${rest.replaceAll("'", "'\\''")}'`;
}

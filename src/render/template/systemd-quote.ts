/** Needs no quotes in a unit file: nothing that systemd splits at, expands or unescapes (systemd.syntax(7)). */
const PLAIN = /^[A-Za-z0-9_@/:.,=+-]+$/;

const ESCAPES: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '%': '%%', $: '$$' };

/**
 * One word of an `ExecStart=` line: quoted where needed, with `%` (specifiers, systemd.unit(5)) and `$` (environment,
 * systemd.service(5)) doubled and control characters as C escapes. A NUL, which no argument of a process can hold, is
 * left out; the check of flags reports it.
 */
export function systemdWord(text: string): string {
  if (PLAIN.test(text)) return text;
  const body = text
    .replaceAll('\0', '')
    .replace(/["\\%$]|[\u0001-\u001f\u007f]/g, (char) => ESCAPES[char] ?? hexEscape(char));
  return `"${body}"`;
}

function hexEscape(char: string): string {
  return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

/** The text that systemd makes of a word as {@link systemdWord} writes it. */
export function readSystemdWord(word: string): string {
  const body = /^"(.*)"$/s.exec(word)?.[1] ?? word;
  return body.replace(
    /\\x([0-9a-f]{2})|\\(["\\])|%%|\$\$/g,
    (match, hex: string | undefined, char: string | undefined) => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      return char ?? match.charAt(0);
    },
  );
}

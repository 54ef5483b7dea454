/** A word may hold a command in backticks, which is to be copied in one piece, spaces and all. */
const WORDS = /(?:`[^`]*`|[^ `]|`)+/g;

/**
 * Breaks a text at spaces so that no line is longer than `columns`; what is longer by itself is cut. No-break spaces
 * keep words together and become plain ones.
 * @param first stands before the first line
 * @param indent spaces before all further lines
 */
export function wrap(text: string, columns: number, first = '', indent = first.length): readonly string[] {
  const lines: string[] = [];
  let line = first;
  let start = first.length;
  const end = () => {
    lines.push(line.trimEnd());
    line = ' '.repeat(indent);
    start = indent;
  };
  const words = (text.match(WORDS) ?? []).flatMap((word) =>
    word.length > columns - indent ? word.split(' ') : [word],
  );
  for (const word of words) {
    if (line.length > start && line.length + 1 + word.length > columns) end();
    let rest = line.length > start ? ` ${word}` : word;
    for (let room = columns - line.length; rest.length > room && room > 0; room = columns - line.length) {
      line += rest.slice(0, room);
      rest = rest.slice(room);
      end();
    }
    line += rest;
  }
  if (line.length > start || !lines.length) end();
  return lines.map((each) => each.replaceAll('\u00a0', ' '));
}

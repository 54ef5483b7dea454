/**
 * Text that was read from somewhere else, fit for a terminal: what could move its cursor, change its colours or turn the
 * direction of writing is shown as an escape. Line breaks and tabs stay.
 */
export function printable(text: string): string {
  return text.replace(
    /[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

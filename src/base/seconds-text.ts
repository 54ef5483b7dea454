/** A time to wait in words: `90 s`, `15 min`. */
export function secondsText(seconds: number): string {
  return seconds <= 120 ? `${Math.ceil(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

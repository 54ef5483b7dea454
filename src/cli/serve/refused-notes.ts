/** Milliseconds between two of them. */
const SELDOM = 60_000;

/**
 * Says why TLS handshakes fail, once a minute at most: a kubelet that does not trust our certificate never gets as far as
 * the access log, and anybody can make as many of them as they like.
 * @param clock milliseconds; for tests
 */
export function refusedNotes(
  warn: (text: string) => void,
  clock: () => number = () => performance.now(),
): { add(from: string, why: string): void } {
  let last = Number.NEGATIVE_INFINITY;
  let untold = 0;
  return {
    add(from, why) {
      if (clock() - last < SELDOM) {
        untold += 1;
        return;
      }
      const others = untold ? `, and ${untold} more since the last such line` : '';
      last = clock();
      untold = 0;
      warn(`TLS handshake with ${from} failed: ${why}${others}`);
    },
  };
}

/** Requests under way at once: as many as the API client keeps connections. */
const AT_ONCE = 4;

/**
 * Does the work for all items, a few at once. Where one fails nothing new is begun, and it fails once what was under way
 * has come to its end, so that nothing goes on behind the error.
 * @returns the results in the order of the items
 */
export async function together<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results = new Map<number, R>();
  const errors: unknown[] = [];
  const rest = [...items.entries()];
  const worker = async () => {
    for (let next = rest.shift(); next && !errors.length; next = rest.shift()) {
      const [i, item] = next;
      try {
        results.set(i, await work(item));
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  if (errors.length) throw errors[0];
  return items.map((_, i) => results.get(i) as R);
}

/**
 * Compares two texts line by line: hunks with three lines around each change. With `names`, `---` and `+++` lines come
 * first. Empty where the texts are equal; undefined where they are too long, or too different, to be compared.
 */
export type UnifiedDiff = (before: string, after: string, names?: DiffNames) => string | undefined;

interface DiffNames {
  readonly path: string;
  readonly before: string;
  readonly after: string;
}

const CONTEXT = 3;
/** The time it takes grows with length times differences. */
const MAX_LENGTH = 1 << 20;
const MAX_DIFFERENCES = 4000;

/** Loads the library on first use: most commands compare nothing. */
export async function loadUnifiedDiff(): Promise<UnifiedDiff> {
  const { createTwoFilesPatch, FILE_HEADERS_ONLY, OMIT_HEADERS } = await import('diff');
  return (before, after, names) => {
    if (before === after && !names) return '';
    if (before.length + after.length > MAX_LENGTH) return undefined;
    return createTwoFilesPatch(names?.path ?? '', names?.path ?? '', before, after, names?.before, names?.after, {
      context: CONTEXT,
      maxEditLength: MAX_DIFFERENCES,
      headerOptions: names ? FILE_HEADERS_ONLY : OMIT_HEADERS,
    });
  };
}

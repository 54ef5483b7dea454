/** A place in a text file; line and column count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Where a value of the cluster came from. */
export type Origin =
  | { readonly kind: 'file'; readonly place: Place }
  | { readonly kind: 'profile'; readonly profile: string; readonly place: Place }
  /** An option of the command line, as the user would write it: `--set spec.x=1`. */
  | { readonly kind: 'option'; readonly text: string }
  /** A default; the rule says in words how it comes about. */
  | { readonly kind: 'default'; readonly rule: string };

/** A value's path in its own document (`spec.nodes[1].addresses[0]`) and where it was written. */
export interface Located {
  readonly path: string;
  readonly origin: Origin;
}

/** One thing that is wrong, placed. */
export interface Fault {
  readonly severity: 'error' | 'warning';
  /** What is wrong, without place or path: `"10.0.0.999" is not an IP address`. */
  readonly message: string;
  readonly at?: Located;
  readonly hint?: string;
}

export function errorAt(at: Located | undefined, message: string, hint?: string): Fault {
  return { severity: 'error', message, ...(at && { at }), ...(hint && { hint }) };
}

export function warningAt(at: Located | undefined, message: string, hint?: string): Fault {
  return { ...errorAt(at, message, hint), severity: 'warning' };
}

/** `cluster.yaml:12:9`, `--set spec.x=1`, or the rule of a default. */
export function describeOrigin(origin: Origin): string {
  switch (origin.kind) {
    case 'file':
    case 'profile':
      return `${origin.place.file}:${origin.place.line}:${origin.place.column}`;
    case 'option':
      return origin.text;
    case 'default':
      return 'default';
  }
}

/** One line for the user: `cluster.yaml:12:9: spec.nodes[1].addresses[0]: "10.0.0.999" is not an IP address`. */
export function describeFault(fault: Fault): string {
  const where = fault.at ? [describeOrigin(fault.at.origin), fault.at.path].filter(Boolean).join(': ') : '';
  const hint = fault.hint ? `; ${fault.hint}` : '';
  return `${where ? `${where}: ` : ''}${fault.message}${hint}`;
}

/** The same faults without repetitions (one cluster-wide value is checked once for every node), in file order. */
export function uniqueFaults(faults: readonly Fault[]): readonly Fault[] {
  const seen = new Map<string, Fault>();
  for (const fault of faults) {
    const key = `${fault.severity} ${describeFault(fault)}`;
    if (!seen.has(key)) seen.set(key, fault);
  }
  const place = (f: Fault) => (f.at && 'place' in f.at.origin ? f.at.origin.place : undefined);
  return [...seen.values()].sort((a, b) => {
    const [p, q] = [place(a), place(b)];
    if (!p || !q) return Number(!p) - Number(!q);
    return p.file.localeCompare(q.file) || p.line - q.line || p.column - q.column;
  });
}

/** `data/kubelet-config.json`: type, or [type, minor it came in (0 = long ago), minor since when it does nothing]; keyed by `a.b[].c`. */
export interface FieldData {
  readonly fields: Readonly<Record<string, string | readonly (string | number)[]>>;
}

/** One field of KubeletConfiguration with those below it. */
export interface Field {
  /** `a.b[].c`; '' for the whole. */
  readonly path: string;
  readonly type: string;
  readonly addedIn: number;
  /** From this minor on the field is there and does nothing. */
  readonly idleSince: number;
  readonly children: Map<string, Field>;
}

/** The tree of all fields. Items of a list of objects have the fields of the list itself. */
export function fieldTree(data: FieldData): Field {
  const root = field('', ['object']);
  for (const [path, entry] of Object.entries(data.fields)) {
    const steps = path.split('.').map((step) => step.replace(/\[\]$/, ''));
    const name = steps.pop() ?? '';
    const parent = steps.reduce<Field | undefined>((at, step) => at?.children.get(step), root);
    parent?.children.set(name, field(path, typeof entry === 'string' ? [entry] : entry));
  }
  return root;
}

function field(path: string, [type, addedIn, idleSince]: readonly (string | number)[]): Field {
  return {
    path,
    type: String(type),
    addedIn: Number(addedIn ?? 0),
    idleSince: Number(idleSince ?? Infinity),
    children: new Map(),
  };
}

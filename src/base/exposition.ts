/** One value of a metric. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One metric in the text format of Prometheus; nothing where it has no value. The caller sees to it that series differ. */
export function exposition(type: 'gauge' | 'counter', name: string, help: string, samples: readonly Sample[]): string {
  if (!samples.length) return '';
  const lines = samples.map(({ labels, value }) => `${name}${labelText(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

/** `{node="cp1"}`; '' where there are none. */
function labelText(labels: Sample['labels']): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  return pairs.length ? `{${pairs.join(',')}}` : '';
}

/** As the exposition format has it: backslash, double quote and line feed. */
function escaped(text: string): string {
  return text.replace(/[\\"\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`));
}

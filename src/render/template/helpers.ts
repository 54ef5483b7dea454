import { flowValue, quotedScalar, type YamlValue } from '../../base/yaml-emit.ts';
import { systemdWord } from './systemd-quote.ts';
import type { TemplateKind } from './template.ts';

/** Writes one value into the text; its position is checked by lint.ts. */
export const EMITTERS: Readonly<Record<TemplateKind, readonly string[]>> = {
  yaml: ['yaml', 'flag'],
  systemd: ['word', 'flag'],
  corefile: ['word'],
};

export const BLOCKS: readonly string[] = ['if', 'unless', 'each'];

/** Kubernetes and etcd flags alike; anything else could not be told from a value. */
const FLAG_NAME = /^[a-z0-9][a-z0-9-]*$/;

/** Domain names, addresses and the like; nothing that quotes, ends or expands anything in a Corefile. */
const COREFILE_WORD = /^[A-Za-z0-9][A-Za-z0-9._:/-]*$/;

/** Something is wrong with a value where a template uses it; line and column count from 1. */
export class FillError extends Error {
  readonly line: number;
  readonly column: number;
  /** The name as the template writes it. */
  readonly of: string;
  readonly missing: boolean;

  constructor(of: string, options: HelperOptions, problem: string, missing = false) {
    super(problem);
    this.of = of;
    this.line = options.loc.start.line;
    this.column = options.loc.start.column + 1;
    this.missing = missing;
  }
}

/** What Handlebars hands to a helper as its last argument. compile.ts puts the path that was written into `hash.of`. */
interface HelperOptions {
  readonly hash: { readonly of?: string };
  readonly loc: { readonly start: { readonly line: number; readonly column: number } };
}

interface BlockOptions extends HelperOptions {
  fn(context: unknown): string;
  inverse(context: unknown): string;
}

type Helper = (this: unknown, ...args: never[]) => string;

/** The helpers of one kind of template, by name. Each throws {@link FillError} where its value is missing. */
export function helpersFor(kind: TemplateKind): Readonly<Record<string, Helper>> {
  const quote = kind === 'yaml' ? quotedScalar : systemdWord;
  return {
    ...(kind === 'yaml' && {
      yaml: (value: unknown, options: HelperOptions) => flowValue(present(value, options) as YamlValue),
    }),
    ...(kind === 'systemd' && {
      word: (value: unknown, options: HelperOptions) => systemdWord(scalar(value, options)),
    }),
    ...(kind === 'corefile' && {
      word: (value: unknown, options: HelperOptions) => {
        const text = scalar(value, options);
        if (!COREFILE_WORD.test(text))
          throw new FillError(describe(options), options, 'is no single word of a Corefile');
        return text;
      },
    }),
    flag: (name: unknown, value: unknown, options: HelperOptions) => {
      if (typeof name !== 'string' || !FLAG_NAME.test(name))
        throw new FillError(describe(options), options, 'is not the name of a flag');
      return quote(`--${name}=${scalar(value, options)}`);
    },
    if(this: unknown, value: unknown, options: BlockOptions) {
      return holds(value, options) ? options.fn(this) : options.inverse(this);
    },
    unless(this: unknown, value: unknown, options: BlockOptions) {
      return holds(value, options) ? options.inverse(this) : options.fn(this);
    },
    each(this: unknown, value: unknown, options: BlockOptions) {
      const items = present(value, options);
      if (!Array.isArray(items)) throw new FillError(describe(options), options, 'is not a list');
      return items.map((item) => options.fn(item)).join('');
    },
  };
}

function describe(options: HelperOptions): string {
  return options.hash.of ?? 'this';
}

function present(value: unknown, options: HelperOptions): unknown {
  if (value === undefined) throw new FillError(describe(options), options, 'has no value', true);
  return value;
}

/** The text of a flag's value. A list is written with commas, as kubeadm does; null must have been switched off. */
function scalar(value: unknown, options: HelperOptions): string {
  const given = present(value, options);
  if (Array.isArray(given)) return given.map((item) => scalar(item, options)).join(',');
  if (typeof given !== 'string' && typeof given !== 'number' && typeof given !== 'boolean') {
    throw new FillError(describe(options), options, `is ${given === null ? 'null' : typeof given}, not text`);
  }
  return String(given);
}

/** Numbers have no truth value here, so that a 0 can never switch a block off by accident. */
function holds(value: unknown, options: HelperOptions): boolean {
  const given = present(value, options);
  if (typeof given === 'number') throw new FillError(describe(options), options, 'is a number, neither true nor false');
  return Array.isArray(given) ? given.length > 0 : Boolean(given);
}

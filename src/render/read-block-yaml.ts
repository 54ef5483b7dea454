import { flowValue } from '../base/yaml-emit.ts';
import type { Json } from '../spec/tree.ts';
import { mapOf } from './json.ts';

/**
 * The part of YAML that the templates are written in: block maps and lists, plain words, JSON for everything else. It is
 * here because filling twelve manifests costs less than a millisecond and parsing them with `yaml` 110 ms of CPU
 * (js-yaml: 35 ms; this: 2 ms), more than all the rest of a run. It reads only what it is certain of: on anything else
 * it gives up and the library has the word (parse.ts). Tests hold the two against each other.
 */
export function readBlockYaml(text: string): Json | undefined {
  try {
    return new Reader(text).document();
  } catch (error) {
    if (error instanceof GiveUp) return undefined;
    throw error;
  }
}

class GiveUp extends Error {}

interface Line {
  readonly indent: number;
  readonly text: string;
}

const KEY = /^(?:("(?:[^"\\]|\\.)*")|([A-Za-z][\w./-]*)):(?: +(.*))?$/;
const WORD_WITH_MEANING = /^(?:true|false|yes|no|on|off|y|n|null)$/i;
/** Without ": ", " #" or anything else that means something, and not to be taken for a number. */
const PLAIN_TEXT = /^(?:[A-Za-z/]|--[A-Za-z])[\w./@+=,*:-]*(?<!:)$/;
const QUANTITY = /^[1-9]\d*(?:m|Ki|Mi|Gi)$/;
const INTEGER = /^(?:0|[1-9]\d{0,14})$/;
/** Loopback in the templates; what `yaml` reads as a string because of its three dots. */
const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;

class Reader {
  readonly #lines: Line[];
  #next = 0;

  constructor(text: string) {
    if (/[\t\r\u0085\u2028\u2029\ufeff]/.test(text)) throw new GiveUp();
    this.#lines = text
      .split('\n')
      .filter((line) => !/^ *(?:#.*)?$/.test(line))
      .map((line) => {
        const indent = line.search(/[^ ]/);
        return { indent, text: line.slice(indent).trimEnd() };
      });
  }

  document(): Json {
    const value = this.#block(0);
    if (this.#next < this.#lines.length) throw new GiveUp();
    return value;
  }

  #block(indent: number): Json {
    const line = this.#lines[this.#next];
    if (line?.indent !== indent) throw new GiveUp();
    return isItem(line) ? this.#list(indent) : this.#map(indent);
  }

  #list(indent: number): Json {
    const items: Json[] = [];
    for (let line = this.#lines[this.#next]; line?.indent === indent && isItem(line); line = this.#lines[this.#next]) {
      const rest = line.text.slice(2);
      if (rest.startsWith(' ') || rest === '') throw new GiveUp();
      if (KEY.test(rest) || rest.startsWith('- ')) {
        // A block that begins on the line of its dash: read it as if the dash were two more spaces.
        this.#lines[this.#next] = { indent: indent + 2, text: rest };
        items.push(this.#block(indent + 2));
      } else {
        items.push(scalar(rest));
        this.#next++;
      }
    }
    this.#mustEnd(indent);
    return items;
  }

  #map(indent: number): Json {
    const entries = new Map<string, Json>();
    for (let line = this.#lines[this.#next]; line?.indent === indent && !isItem(line); line = this.#lines[this.#next]) {
      const [, quoted, plain, rest] = KEY.exec(line.text) ?? [];
      const key = quoted === undefined ? plain : text(quoted);
      if (key === undefined || entries.has(key) || (plain && WORD_WITH_MEANING.test(plain))) throw new GiveUp();
      this.#next++;
      entries.set(key, rest ? scalar(rest) : this.#belowKey(indent));
    }
    this.#mustEnd(indent);
    return mapOf(entries);
  }

  /** A list below a key may stand at the key's own indent. */
  #belowKey(indent: number): Json {
    const line = this.#lines[this.#next];
    if (line && line.indent > indent) return this.#block(line.indent);
    if (line?.indent === indent && isItem(line)) return this.#list(indent);
    return null;
  }

  /** What follows a block stands further left; a list below a key is followed by the next key. */
  #mustEnd(indent: number): void {
    const line = this.#lines[this.#next];
    if (line && line.indent > indent) throw new GiveUp();
  }
}

function isItem(line: Line): boolean {
  return line.text.startsWith('- ') || line.text === '-';
}

function text(source: string): string {
  const value: unknown = json(source);
  if (typeof value !== 'string') throw new GiveUp();
  return value;
}

function scalar(source: string): Json {
  if (source.startsWith('"') || /^[[{]/.test(source)) return json(source);
  if (INTEGER.test(source)) return Number(source);
  if (source === 'true' || source === 'false') return source === 'true';
  if (source === 'null') return null;
  if (WORD_WITH_MEANING.test(source)) throw new GiveUp();
  if (PLAIN_TEXT.test(source) || QUANTITY.test(source) || IPV4.test(source)) return source;
  throw new GiveUp();
}

/** JSON is YAML, but for keys given twice, which `JSON.parse` would not notice: it must be just what is written here. */
function json(source: string): Json {
  let value: Json;
  try {
    value = JSON.parse(source) as Json;
  } catch {
    throw new GiveUp();
  }
  if (typeof value === 'object' && flowValue(value) !== source && JSON.stringify(value) !== source) throw new GiveUp();
  return value;
}

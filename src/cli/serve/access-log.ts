import type { Served } from '../../deliver/serve/server.ts';

/** Bytes after which lines are written at once, and milliseconds after which they are anyway. */
const FULL = 32 * 1024;
const SOON = 200;

export interface AccessLog {
  add(served: Served): void;
  /** Writes what is left. */
  end(): void;
}

/**
 * One line for each request, never with a token: several are written together, since a thousand requests a second would
 * otherwise be a thousand writes.
 */
export function accessLog(format: 'text' | 'json', write: (text: string) => void): AccessLog {
  let lines = '';
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    const text = lines;
    lines = '';
    if (text) write(text);
  };
  return {
    add(served) {
      lines += `${(format === 'json' ? jsonLine : textLine)(served)}\n`;
      if (lines.length > FULL) flush();
      else timer ??= setTimeout(flush, SOON).unref();
    },
    end: flush,
  };
}

function textLine({ at, from, method, url, answer: { status, node, revision, body }, milliseconds }: Served): string {
  const time = new Date(at).toISOString();
  const what = revision === undefined ? '-' : revision.slice(0, 12);
  return `${time} ${from} ${node ?? '-'} ${plain(method)} ${plain(url)} ${status} ${body.length} ${what} ${milliseconds.toFixed(1)}ms`;
}

function jsonLine({ at, from, method, url, answer: { status, node, revision, body }, milliseconds }: Served): string {
  return JSON.stringify({
    time: new Date(at).toISOString(),
    from,
    node,
    method,
    path: plain(url),
    status,
    bytes: body.length,
    revision,
    milliseconds: Math.round(milliseconds * 10) / 10,
  });
}

/** What a stranger has written is one word, and not a long one; a token in a query is nobody's business. */
function plain(text: string): string {
  const shown = text.replace(/\?.*$/s, '?…').replace(/[^\x21-\x7e…]/g, '?');
  return shown.length > 200 ? `${shown.slice(0, 199)}…` : shown;
}

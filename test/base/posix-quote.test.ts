import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { posixQuoted, shellQuoted } from '../../src/base/posix-quote.ts';
import { needTool } from '../support/tools.ts';

const WORDS = [
  'a',
  'a b',
  "it's",
  "'",
  '"',
  '\\',
  '\\\\',
  "\\'",
  '$(id)',
  '`id`',
  '$HOME',
  'x\ny',
  '',
  '-x',
  '=ls',
  '~',
  '*',
  '!!',
  ';',
  '#a',
  'ü',
];

describe('a quoted word', () => {
  // zsh keeps history expansion, and fish its own rules, out of what is not typed
  test.each(['sh', 'bash', 'zsh', 'fish'])('is the word itself to %s', (shell) => {
    if (!needTool(shell)) return;
    const line = ['printf', '%s\\0', ...WORDS].map(posixQuoted).join(' ');
    expect(execFileSync(shell, ['-c', line], { encoding: 'utf8' }).split('\0').slice(0, -1)).toEqual(WORDS);
  });

  test('stays readable where it needs no quotes, and keeps a home directory', () => {
    expect(['a/b.c', '10.0.0.1:2379', '~/a b', '~/.ssh/id', '~/'].map(shellQuoted)).toEqual([
      'a/b.c',
      '10.0.0.1:2379',
      "~/'a b'",
      '~/.ssh/id',
      '~/',
    ]);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cloudConfigText } from '../../../src/deliver/user-data/cloud-config-text.ts';
import type { Json } from '../../../src/spec/tree.ts';
import { needTool } from '../../support/tools.ts';
import { readAsCloudInit } from './python.ts';

const NASTY = [
  ...[
    '',
    ' ',
    'yes',
    'No',
    'on',
    'n',
    'y',
    '~',
    'null',
    'Null',
    '=',
    '<<',
    '-',
    '?',
    ':',
    '!',
    '*a',
    '&a',
    '%a',
    '@',
    '`',
  ],
  ...[
    '0600',
    '0o600',
    '1_000',
    '12:30',
    '190:20:30.15',
    '0x1F',
    '0b1',
    '08',
    '1e3',
    '1.0e+3',
    '.5',
    '._',
    '+.inf',
    '.nan',
  ],
  ...[
    '2024-01-01',
    '2024-01-01 10:00:00',
    '---',
    '...',
    '--- a',
    '# a',
    'a #b',
    'a: b',
    'a:',
    '- a',
    '[a',
    '{a}',
    '"',
    "'",
  ],
  ...[
    'a ',
    ' a',
    '\ta',
    'a\t',
    'a\r\nb',
    '\r',
    '\0',
    '\u0007',
    '\u007f',
    '\u0085',
    '\u2028a',
    '\ufeffa',
    '\ufffe',
    'ä😀',
  ],
  ...[
    '\n',
    '\n\n',
    'a\n',
    'a\n\n',
    '\na',
    'a\n b',
    ' a\nb',
    'a\n ',
    'a\n\t',
    'a\n\n  \nb',
    'a\n---\nb',
    'a\n...\n',
    'a \nb\t\n',
  ],
  ...[
    'a\u2028b\n',
    'a\rb\n',
    'a\u0000\n',
    '#a\nb',
    'a: |\n  b\n',
    'é\nü\n',
    '😀\n',
    'a\ufeff\n',
    `${'x '.repeat(700)}\n`,
    'x'.repeat(1500),
  ],
];

const text = fc.oneof(
  fc.constantFrom(...NASTY),
  fc.string({ unit: fc.constantFrom(...' \t\n\r-:#0a\'"\\|>{}[],&*!%\u0085\u2028\ufeff\u00e9😀'), maxLength: 12 }),
  fc.string({ unit: 'grapheme' }),
);
const scalar = fc.oneof(
  text,
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
);
const { value } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 4 }),
  ),
}));

/** Numbers as Python writes them differ from how JavaScript does; as JSON values they are the same. */
function parsed(read: string | { readonly error: string } | undefined): unknown {
  return typeof read === 'string' ? JSON.parse(read) : read;
}

describe.runIf(needTool('cloud-init'))('a cloud-config', () => {
  it('is read by cloud-init as the very data it was made from, whatever that is', () => {
    const data = [
      ...NASTY.map((each) => ({ [each]: each, list: [each, [each, [each]]], map: { key: each } })),
      ...fc.sample(fc.dictionary(text, value, { maxKeys: 4 }), 300),
    ];
    const read = readAsCloudInit(data.map(cloudConfigText));
    for (const [i, each] of data.entries()) {
      // -0 is no JSON, and half a character no UTF-8
      const sent = JSON.parse(JSON.stringify(each).replace(/\\ud[89a-f][0-9a-f]{2}/g, '\ufffd'));
      expect(parsed(read[i]), cloudConfigText(each)).toEqual(sent);
    }
  });
});

describe('the text of a cloud-config', () => {
  it('begins with what cloud-init knows it by, and shows scripts as they are, rights in quotes, a command on a line', () => {
    const script = '#!/bin/sh\nset -eu\nif true; then\n\techo "a: b"\nfi\n';
    const data = {
      write_files: [{ path: '/etc/bootstrap/install.sh', permissions: '0700', content: script }],
      runcmd: [['sh', '/etc/bootstrap/install.sh']],
    };
    expect(cloudConfigText(data)).toBe(`#cloud-config
write_files:
  - path: /etc/bootstrap/install.sh
    permissions: "0700"
    content: |
      #!/bin/sh
      set -eu
      if true; then
      \techo "a: b"
      fi
runcmd:
  - ["sh", "/etc/bootstrap/install.sh"]
`);
  });

  it('writes the same object twice where it occurs twice: an alias would be hard to read', () => {
    const file = { path: '/a' };
    expect(cloudConfigText({ write_files: [file, file] })).not.toMatch(/[&*]/);
  });

  it('breaks no long line', () => {
    const long = 'word '.repeat(500).trim();
    expect(cloudConfigText({ long }).split('\n')).toHaveLength(3);
  });
});

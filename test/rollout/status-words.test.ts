import { randomBytes, X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { generateKey } from '../../src/pki/keys.ts';
import { issueAuthority } from '../../src/pki/x509.ts';
import { certificatesIn } from '../../src/rollout/status/certificates.ts';
import { lastMessage } from '../../src/rollout/status/last-message.ts';
import { manifestDigests } from '../../src/rollout/status/manifest-digests.ts';
import { bytesInWords, listed, oneLine, timeInWords } from '../../src/rollout/status/words.ts';

// as kube-apiserver 1.36.2, kube-scheduler 1.36.2 and etcd 3.6.8 have written them
test.each([
  ['a flag that is unknown', 'Error: unknown flag: --nonsense\n', 'Error: unknown flag: --nonsense'],
  [
    'klog',
    'I1123 15:08:08.108644   22071 serving.go:411] Generated self-signed cert in-memory\nE1123 15:08:08.109045   22071 run.go:72] "command failed" err="stat /nope: no such file or directory"\nI1123 15:08:09.108644   22071 x.go:1] bye',
    'command failed: stat /nope: no such file or directory',
  ],
  [
    'quotes in klog',
    'E1123 15:08:08.263560   22081 run.go:72] "command failed" err="\\"nope\\" is not in the list of known controllers"',
    'command failed: "nope" is not in the list of known controllers',
  ],
  [
    'etcd',
    '{"level":"info","msg":"Running: ","args":["etcd"]}\n{"level":"fatal","caller":"etcdmain/etcd.go:227","msg":"failed to list data directory","dir":"/x","error":"readdirent /x: not a directory","stacktrace":"go.etcd.io\\n\\tx"}\n',
    'failed to list data directory: readdirent /x: not a directory',
  ],
  ['a line that is cut off', '{"level":"fatal","msg":"fai', '{"level":"fatal","msg":"fai'],
  ['nothing but words', 'one\ntwo\n\n', 'two'],
  ['nothing', '\n', ''],
])('the line of a log that says why: %s', (_, log, expected) => expect(lastMessage(log)).toBe(expected));

test('text of others cannot do anything to a terminal', () => {
  expect(oneLine('a\x1b[31m\x1b]0;title\x07b\r\n\tc\u202e')).toBe('a ]0;title b c');
  expect(oneLine('x'.repeat(500), 10)).toBe(`${'x'.repeat(9)}…`);
});

test('sizes, times and lists are said as people say them', () => {
  expect([0, 1023, 1024, 1536 * 1024, 24 * 1024 ** 2, 5e12].map(bytesInWords)).toEqual([
    '0 bytes',
    '1023 bytes',
    '1 KiB',
    '1.5 MiB',
    '24 MiB',
    '4.5 TiB',
  ]);
  expect([800, -12_000, 300_000, 7_200_000, 864e5 * 3].map(timeInWords)).toEqual([
    '0.8 s',
    '12 s',
    '5 minutes',
    '2 hours',
    '3 days',
  ]);
  expect([['a'], ['a', 'b'], ['a', 'b', 'c', 'd']].map((names) => listed(names))).toEqual([
    'a',
    'a and b',
    'a, b and 2 more',
  ]);
});

test('the digests that a manifest carries are found however it is written', () => {
  const [a, b] = ['a'.repeat(64), 'b'.repeat(64)];
  const annotations = `  annotations:\n    bootstrap/inputs-digest: "${a}"\n    'bootstrap/manifest-digest': ${b} # ours\n`;
  expect(manifestDigests(`metadata:\n${annotations}`)).toEqual({ inputs: a, manifest: b });
  expect(manifestDigests('metadata: {}\n')).toEqual({ inputs: undefined, manifest: undefined });
});

test('certificates are read from files and bundles; what is none is passed over', async () => {
  const entry = { name: 'kubernetes', path: 'ca', subject: { commonName: 'kubernetes' } } as const;
  const made = async () => {
    const issuing = { now: new Date('2026-03-01T12:00:00Z'), serial: randomBytes(16), validity: 864e5 };
    return issueAuthority(entry, await generateKey('ECDSA-P256'), issuing);
  };
  const [a, b] = [await made(), await made()];
  const seen = certificatesIn(
    new Map([
      ['/a.crt', Buffer.from(a)],
      ['/bundle.crt', Buffer.from(`${a}${b}`)],
      ['/damaged.crt', Buffer.from(a.slice(0, 200))],
      ['/other', Buffer.from('hello')],
    ]),
  );
  expect(seen.map(({ path }) => path)).toEqual(['/a.crt', '/bundle.crt', '/bundle.crt']);
  const fingerprint = new X509Certificate(a).fingerprint256.replaceAll(':', '').toLowerCase();
  expect(seen[0]).toEqual({
    path: '/a.crt',
    fingerprint,
    notBefore: Date.parse('2026-03-01T11:55:00Z'),
    notAfter: Date.parse('2026-03-02T12:00:00Z'),
  });
  expect(seen[1]?.fingerprint).toBe(fingerprint);
});

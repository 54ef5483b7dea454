import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Bundle, type BundleFile, makeBundle } from '../../../src/bundle/bundle.ts';
import { packPayload } from '../../../src/deliver/user-data/payload.ts';
import { bootFiles, filesOf, machineOf, realBundles, SINGLE, scratchBoot } from './scratch.ts';

const fileAt = (path: string, content: Buffer): BundleFile => ({
  path,
  content,
  mode: 0o600,
  owner: 'root:root',
  sensitive: false,
  effect: { kind: 'none' },
});

const bundleOf = (contents: readonly Buffer[]): Bundle =>
  makeBundle(
    'cp1',
    [],
    contents.map((content, i) => fileAt(`/opt/${i}`, content)),
  );

/** What a machine makes of it: the whole of install.sh, as a shell runs it. */
function installed(bundle: Bundle): Readonly<Record<string, string>> {
  const boot = scratchBoot();
  try {
    boot.bring(bootFiles(machineOf(bundle)));
    const { status, stderr } = boot.run();
    expect(stderr).toBe('bootstrap: all is in place, and the kubelet starts\n');
    expect(status).toBe(0);
    return Object.fromEntries(bundle.files.map(({ path }) => [path, boot.tree()[path] ?? 'missing']));
  } finally {
    boot.remove();
  }
}

/** Says which files differ, and where, rather than print them. */
function expectSame(bundle: Bundle): void {
  const [wanted, found] = [filesOf(bundle), installed(bundle)];
  const differing = Object.entries(wanted).filter(([path, text]) => found[path] !== text);
  expect(
    differing.map(([path, text]) => ({ path, wanted: text.slice(0, 300), found: found[path]?.slice(0, 300) })),
  ).toEqual([]);
}

const LABELS = ['CERTIFICATE', 'PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY', 'PUBLIC KEY', 'X509 CRL'];

function pemText(bytes: Uint8Array, label: string, width: number, newline: string, last: string): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(new RegExp(`.{1,${width}}`, 'g')) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`].join(newline) + last;
}

const bytes = (maxLength: number) => fc.uint8Array({ maxLength, size: 'max' });
const pem = fc
  .tuple(
    bytes(2000),
    fc.constantFrom(...LABELS, 'A', '0 ', ''),
    fc.constantFrom(64, 64, 64, 64, 76, 63, 65, 1000),
    fc.constantFrom('\n', '\n', '\n', '\r\n'),
    fc.constantFrom('\n', '\n', '\n', '\r\n', '', '\n\n', ' \n'),
  )
  .map((parts) => pemText(...parts));
const oddPem = fc.tuple(pem, fc.nat(), fc.constantFrom('', '\n', ' ', '=', 'A', '\t')).map(([text, at, more]) => {
  const where = at % (text.length + 1);
  return `${text.slice(0, where)}${more}${text.slice(where + 1)}`;
});
const base64 = (of: fc.Arbitrary<string | Uint8Array>) =>
  fc
    .tuple(of, fc.constantFrom('', '', '=', '==', '===', 'A', '-'), fc.boolean())
    .map(([content, more, isUrl]) => `${Buffer.from(content).toString(isUrl ? 'base64url' : 'base64')}${more}`);
const kubeconfig = fc
  .tuple(base64(pem), base64(pem))
  .map(
    ([certificate, key]) =>
      `users:\n- user:\n    client-certificate-data: ${certificate}\n    client-key-data: ${key}\n`,
  );
const lines = fc.constantFrom(
  'end\n',
  'f\t600\troot:root\tnone\t/etc/x\n',
  'text\t3\n',
  '\t\t\n',
  '\\n\\0$(id)`id`\n',
  '\0\n',
);
const hugeLine = fc
  .tuple(fc.constantFrom('a', '=', ' ', '-----BEGIN A-----', 'é', 'A\n'), fc.integer({ min: 1, max: 12_000 }))
  .map(([word, count]) => word.repeat(count));
const piece = fc.oneof(
  pem,
  pem,
  oddPem,
  base64(pem),
  base64(bytes(300)),
  kubeconfig,
  lines,
  hugeLine,
  fc.string(),
  bytes(600),
);
const content = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.array(piece, { maxLength: 6 }).map((pieces) => Buffer.concat(pieces.map((p) => Buffer.from(p)))),
  },
  { weight: 1, arbitrary: bytes(70_000).map((each) => Buffer.from(each)) },
);

describe('what a machine takes out of its payload', () => {
  test('is byte for byte what went in, whatever it holds', { timeout: 240_000 }, () => {
    fc.assert(
      fc.property(fc.array(content, { minLength: 25, maxLength: 25 }), (contents) => expectSame(bundleOf(contents))),
      { numRuns: 12, endOnFailure: true },
    );
  });

  test('also where a file is empty, or of a length at which programs read in blocks', () => {
    const lengths = [0, 1, 2, 3, 47, 48, 49, 64, 511, 512, 513, 4095, 4096, 4097, 65_535, 65_536, 65_537, 70_000];
    const noise = (length: number) =>
      Buffer.concat(
        Array.from({ length: Math.ceil(length / 32) }, (_, i) =>
          createHash('sha256').update(`${length} ${i}`).digest(),
        ),
      ).subarray(0, length);
    const asPem = (length: number) => Buffer.from(pemText(noise(length), 'CERTIFICATE', 64, '\n', '\n'));
    const asData = (length: number) => Buffer.from(`key: ${asPem(length).toString('base64')}\n`);
    expectSame(bundleOf([...lengths.map(noise), ...lengths.map(asPem), ...lengths.map(asData)]));
  });

  test('has the names that it had: with spaces, quotes, backslashes, and other scripts', () => {
    const names = [
      'a b',
      ' a ',
      "it's",
      '"',
      '\\',
      '\\n',
      '$(id)',
      '*',
      '~',
      '-n',
      '.hidden',
      '#',
      'für',
      '日本',
      'end',
      '%s',
      '=',
    ];
    expectSame(
      makeBundle(
        'cp1',
        names.map((name) => ({ path: `/opt/${name}`, mode: 0o700, owner: 'root:root' })),
        names.map((name) => fileAt(`/opt/${name}/${name}`, Buffer.from(`${name}\n`))),
      ),
    );
  });

  test.each(['/etc/a\tb', '/etc/a\nb', '/etc/a\0b', 'etc/a', '/etc/../a', '/etc//a', '/etc/a/'])(
    'cannot have the name %j, and nothing is packed',
    (path) => {
      expect(() => packPayload(makeBundle('cp1', [], [fileAt(path, Buffer.from('x'))]))).toThrow(
        /^cp1: ".*" cannot be a file's path on a node$/,
      );
    },
  );
});

const HA = `
profiles: [ha]
kubernetesVersion: v1.36.2
controlPlaneEndpoint: api.example.com
nodes:
  - {name: cp1, addresses: [10.0.0.11]}
  - {name: cp2, addresses: [10.0.0.12]}
  - {name: cp3, addresses: [10.0.0.13]}`;

const EXTERNAL = `
profiles: [ha-external-etcd]
kubernetesVersion: v1.36.2
controlPlaneEndpoint: api.example.com
nodes:
  - {name: cp1, addresses: [10.0.0.11]}
  - {name: cp2, addresses: [10.0.0.12]}
etcd:
  external: {endpoints: ['https://10.0.1.21:2379'], caFile: /etc/etcd/ca.crt, certFile: /etc/etcd/client.crt, keyFile: /etc/etcd/client.key}`;

const RSA = '\npki: {algorithm: RSA-2048}';
const OWN_FILES = `
files:
  - {path: /etc/kubernetes/extra/a b.yaml, content: "first: 1\\nsecond: 2", mode: "0640"}
  - {path: /etc/motd, content: ""}
  - {path: /opt/secret/token, content: "hunter2\\n", sensitive: true, mode: "0600"}`;

describe.each([
  ['one master', SINGLE],
  ["one master with RSA keys and its user's files", SINGLE + RSA + OWN_FILES],
  ['three masters', HA],
  ['masters with etcd elsewhere', EXTERNAL],
])('%s', (_, spec) => {
  test('come out of their payloads as they were rendered', async () => {
    for (const bundle of await realBundles(spec)) expectSame(bundle);
  });

  test('are packed into the same bytes every time, and these know no clock and no machine', async () => {
    const [bundle] = await realBundles(spec);
    if (!bundle) throw new Error('no bundle');
    const packed = packPayload(bundle);
    expect(packPayload(structuredCloneOf(bundle))).toEqual(packed);
    // RFC 1952: no name, no time, no operating system
    expect([...packed.content.subarray(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
    expect(gunzipSync(packed.content).subarray(0, 2).toString()).toBe('d\t');
  });
});

/** The same, put together in another order. */
function structuredCloneOf({ node, directories, files }: Bundle): Bundle {
  return makeBundle(
    node,
    [...directories].reverse(),
    [...files].reverse().map((file) => ({ ...file, content: Buffer.from(file.content) })),
  );
}

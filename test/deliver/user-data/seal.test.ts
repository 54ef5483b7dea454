import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { BootstrapError } from '../../../src/base/errors.ts';
import type { Sealed } from '../../../src/deliver/user-data/machine.ts';
import { checkUrl, seal, sealedName, urlFor } from '../../../src/deliver/user-data/seal.ts';
import { needTool } from '../../support/tools.ts';

/** As templates/user-data/fetch.sh does it. */
function opened({ content, key }: Sealed): Buffer {
  const dir = mkdtempSync(join(tmpdir(), 'bootstrap-seal-'));
  try {
    writeFileSync(join(dir, 'key'), `${key.reveal()}\n`);
    const args = ['enc', '-d', '-aes-256-cbc', '-pbkdf2', '-md', 'sha256', '-pass', `file:${join(dir, 'key')}`];
    return execFileSync('openssl', args, { input: content, stdio: ['pipe', 'pipe', 'ignore'] });
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const PAYLOAD = Buffer.from('a payload that never changes');

test.runIf(needTool('openssl'))('openssl opens what was sealed, whatever its length', () => {
  for (const length of [0, 1, 15, 16, 17, 9000, 300_000]) {
    const payload = randomBytes(length);
    const sealed = seal(payload);
    expect(opened(sealed).equals(payload)).toBe(true);
    expect(sealed.sha256).toBe(createHash('sha256').update(sealed.content).digest('hex'));
  }
});

test('the same payload gives the same bytes, in every version of this program', () => {
  const { content, sha256, key } = seal(PAYLOAD);
  expect({ sha256, key: key.reveal() }).toEqual({
    sha256: '21b60e33d48e513a61f02a13c94a65818165addc9ce1c9df6d64db0ee04bd75b',
    key: 'OCN1DW7x0K7EDQMcMGWq4YRX4V-2cNx5_57q0WojVpY',
  });
  expect(seal(Buffer.from(PAYLOAD)).content.equals(content)).toBe(true);
});

test('payloads that differ in one bit share neither key nor salt nor a block', () => {
  const payload = randomBytes(4096);
  const other = Buffer.from(payload);
  other[4095] = (other[4095] ?? 0) ^ 1;
  const [a, b] = [seal(payload), seal(other)];
  expect(a.key.reveal()).not.toBe(b.key.reveal());
  const blocks = ({ content }: Sealed) =>
    content
      .toString('hex')
      .slice(16)
      .match(/.{1,16}/g) ?? [];
  const shared = new Set(blocks(a));
  expect(blocks(b).filter((block) => shared.has(block))).toEqual([]);
});

test('the key is 256 bits on one line, and prints nowhere', () => {
  const sealed = seal(PAYLOAD);
  const key = sealed.key.reveal();
  expect(key).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(`${JSON.stringify(sealed)} ${inspect(sealed, { depth: 5 })} ${sealed.key}`).not.toContain(key);
});

test('a sealed file says whose it is and changes its name with its content', () => {
  const sealed = seal(PAYLOAD);
  expect(sealedName('cp1', sealed)).toBe(`cp1-${sealed.sha256.slice(0, 16)}.bundle`);
  expect(sealedName('cp1', seal(randomBytes(9)))).not.toBe(sealedName('cp1', sealed));
});

const NAME = 'cp1-0123456789abcdef.bundle';

test.each([
  ['https://files.example.com/boot/', `https://files.example.com/boot/${NAME}`],
  ['https://files.example.com/', `https://files.example.com/${NAME}`],
  ['HTTP://[2001:db8::1]:8080/', `HTTP://[2001:db8::1]:8080/${NAME}`],
  ['https://{node}.example.com/{file}?for={node}', `https://cp1.example.com/${NAME}?for=cp1`],
  ['https://example.com/{node}/', `https://example.com/cp1/${NAME}`],
  ['https://example.com/{file}/', `https://example.com/${NAME}/`],
  ['https://example.com/get?file=boot/', `https://example.com/get?file=boot/${NAME}`],
  ['https://example.com/one', 'https://example.com/one'],
  ['https://example.com', 'https://example.com'],
])('--url %s is fetched from %s', (template, url) => {
  expect(urlFor(template, 'cp1', NAME)).toBe(url);
});

test('a presigned address stays as it is, byte by byte', () => {
  const url = `https://b.s3.eu-central-1.amazonaws.com/a%20b/%7Bc%7D?X-Amz-Credential=AKIA%2F20260101&x[]=('a'*1)!$;&X-Amz-Signature=${'0a'.repeat(2000)}&at=a@b`;
  expect(urlFor(url, 'cp1', NAME)).toBe(url);
  checkUrl(url, ['cp1']);
});

function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (!(error instanceof BootstrapError)) throw error;
    expect(error.code).toBe('usage');
    return `${error.message}${error.hint === undefined ? '' : ` (${error.hint})`}`;
  }
  throw new Error('nothing was refused');
}

test.each([
  [
    'file:///boot',
    '--url: a machine that comes up cannot fetch from file: (use https://…; what is on the machine already needs no fetching)',
  ],
  [
    's3://bucket/boot/',
    '--url: a machine that comes up cannot fetch from s3: (use https://…; a bucket gives one if the object is public (it is encrypted) or its address presigned)',
  ],
  ['example.com/boot/', '--url: this is no address'],
  ['', '--url: this is no address'],
  ['https:///boot', '--url: there is no host behind https://'],
  ['http:host/boot', '--url: there is no host behind http://'],
  ['https://h/{nodes}', '--url: {nodes} is neither {node} nor {file}'],
  ['https://h/a b?sig=SECRET', '--url: " " cannot be in an address (write it as %20)'],
  ['https://h/?sig=SECRET"', '--url: "\\"" cannot be in an address (write it as %22)'],
  ['https://h/a\\b?sig=SECRET', '--url: "\\\\" cannot be in an address (write it as %5C)'],
  ['https://h/{', '--url: "{" cannot be in an address (write it as %7B)'],
  ['https://h/\n-o /etc/passwd', '--url: "\\n" cannot be in an address (write it as %0A)'],
  ['https://h/\u{1f511}', '--url: "\u{1f511}" cannot be in an address (write it as %F0%9F%94%91)'],
  ['https://me:SECRET@h/', '--url: there is a user name or password in the address'],
  ['https://@h/', '--url: there is a user name or password in the address'],
  ['https://h/a#b', '--url: a # ends an address (write it as %23 where it belongs to a name)'],
  ['https://h:99999/?sig=SECRET', '--url: this is no address: its host or port is wrong'],
  ['https://[::g]/', '--url: this is no address: its host or port is wrong'],
])('--url %j is refused', (template, message) => {
  const said = refusal(() => urlFor(template, 'cp1', NAME));
  expect(said.startsWith(message), said).toBe(true);
  expect(said).not.toContain('SECRET');
  expect(refusal(() => checkUrl(template, ['cp1']))).toBe(said);
});

test('one address for several nodes is refused, and the nodes are named', () => {
  const nodes = ['cp1', 'cp2', 'cp3'];
  expect(refusal(() => checkUrl('https://h/one?sig=SECRET', nodes))).toBe(
    "--url: this is one address, and the files are those of cp1, cp2, cp3 (end it with / for a file's name to follow, put {node} or {file} into it, or give one node at a time by --node)",
  );
  for (const template of ['https://h/', 'https://h/?a={node}', 'https://h/{file}']) checkUrl(template, nodes);
});

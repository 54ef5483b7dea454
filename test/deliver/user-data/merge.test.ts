import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BootstrapError } from '../../../src/base/errors.ts';
import { describeFault } from '../../../src/base/fault.ts';
import { cloudConfigText } from '../../../src/deliver/user-data/cloud-config-text.ts';
import {
  mergeCloudConfig,
  mergeOwn,
  type Own,
  type OwnCloudConfig,
  readOwn,
} from '../../../src/deliver/user-data/merge.ts';
import { readOwnYaml } from '../../../src/deliver/user-data/own-yaml.ts';
import { needTool } from '../../support/tools.ts';
import { readAsCloudInit } from './python.ts';

const OURS = {
  hostname: 'cp1',
  bootcmd: [['install', '-d', '/etc/bootstrap']],
  write_files: [{ path: '/etc/bootstrap/install.sh', permissions: '0700', content: '#!/bin/sh\ntrue\n' }],
  runcmd: [['sh', '/etc/bootstrap/install.sh']],
};
const PATHS = new Set(['/etc/kubernetes/pki/ca.crt']);

const read = (text: string): Own => readOwn('own.yaml', Buffer.from(text));

function cloudConfig(body: string): OwnCloudConfig {
  const own = read(`#cloud-config\n${body}`);
  if (own.kind !== 'cloud-config') throw new Error(own.kind);
  return own;
}

const merged = (body: string, ours: Parameters<typeof mergeCloudConfig>[0] = OURS) =>
  mergeCloudConfig(ours, cloudConfig(body), PATHS);

/** What the user is told: the faults, or else the message with its hint. */
function told(action: () => unknown): readonly string[] {
  try {
    action();
  } catch (error) {
    if (!(error instanceof BootstrapError)) throw error;
    expect(error.code).toBe('usage');
    return error.faults.length ? error.faults.map(describeFault) : [`${error.message}; ${error.hint}`];
  }
  return [];
}

describe('a cloud-config of the user', () => {
  it('joins ours: their files and commands first, but ours first of what runs at boot, and all else as it is', () => {
    const theirs =
      'package_update: true\nruncmd: [echo hello]\nbootcmd: [date]\nwrite_files: [{path: /etc/motd, content: hi}]\nhostname: cp1\nusers: [default]\n';
    const both = merged(theirs);
    expect(Object.keys(both)).toEqual(['hostname', 'bootcmd', 'write_files', 'runcmd', 'package_update', 'users']);
    expect(both).toEqual({
      hostname: 'cp1',
      bootcmd: [...OURS.bootcmd, 'date'],
      write_files: [{ path: '/etc/motd', content: 'hi' }, ...OURS.write_files],
      runcmd: ['echo hello', ...OURS.runcmd],
      package_update: true,
      users: ['default'],
    });
  });

  it('may leave lists empty, reboot, and name keys like anything', () => {
    expect(
      merged('runcmd:\nbootcmd:\nwrite_files:\nconstructor: 1\n__proto__: {a: 1}\npower_state: {mode: reboot}'),
    ).toEqual({
      ...OURS,
      constructor: 1,
      ['__proto__']: { a: 1 },
      power_state: { mode: 'reboot' },
    });
    expect(mergeCloudConfig({}, cloudConfig('a: 1\n'), PATHS)).toEqual({ a: 1 });
  });

  it('cannot write what the cluster brings, nor where this program works', () => {
    const paths = [
      '/etc/kubernetes/pki/../pki//ca.crt',
      '/etc/bootstrap/x',
      '/var/lib/bootstrap',
      'etc/bootstrap',
      '/etc/ok',
    ];
    const body = `write_files:\n${paths.map((path) => `- path: ${path}\n`).join('')}`;
    expect(told(() => merged(body))).toEqual([
      'own.yaml:3:3: write_files[0].path: /etc/kubernetes/pki/ca.crt: the cluster brings this file; change it by the cluster file, or leave it out',
      'own.yaml:4:3: write_files[1].path: /etc/bootstrap/x: nothing else may lie below /etc/bootstrap; put it elsewhere',
      'own.yaml:5:3: write_files[2].path: /var/lib/bootstrap: nothing else may lie below /var/lib/bootstrap; put it elsewhere',
      'own.yaml:6:3: write_files[3].path: /etc/bootstrap: nothing else may lie below /etc/bootstrap; put it elsewhere',
    ]);
  });

  it('cannot have lists of the wrong type, end our script, or be for one machine of several', () => {
    const body = 'bootcmd: x\nruncmd: [1, [a, [b]], {a: b}, exit 0]\nwrite_files: [{content: x}, a]\nlaunch-index: 1\n';
    expect(told(() => merged(body))).toEqual([
      'own.yaml:2:1: bootcmd: must be a list',
      'own.yaml:3:10: runcmd[0]: must be a command: a text, or a list of words',
      'own.yaml:3:13: runcmd[1]: must be a command: a text, or a list of words',
      'own.yaml:3:23: runcmd[2]: must be a command: a text, or a list of words',
      'own.yaml:4:15: write_files[0]: must be a map with a path, a text',
      'own.yaml:4:29: write_files[1]: must be a map with a path, a text',
      'own.yaml:3:31: runcmd[3]: ends the script before the machine is set up, which comes last; leave it out',
      'own.yaml:5:1: launch-index: would keep all of this from other machines; leave it out',
    ]);
  });

  it.each([
    ['hostname: cp2', 'own.yaml:2:1: hostname: is "cp2", but this machine needs "cp1"; leave it out'],
    ['preserve_hostname: yes', 'own.yaml:2:1: preserve_hostname: this machine has to be called cp1; leave it out'],
    [
      'fqdn: cp1.example.com',
      'own.yaml:2:1: fqdn: some machines would be called by it, and this one has to be called cp1; add `prefer_fqdn_over_hostname: false`',
    ],
    [
      'prefer_fqdn_over_hostname: "yes"',
      'own.yaml:2:1: prefer_fqdn_over_hostname: this machine has to be called cp1; leave it out',
    ],
  ])('cannot have the machine called other than its node: %s', (body, message) => {
    expect(told(() => merged(body))).toEqual([message]);
  });

  it('may add to the name what leaves it as it is', () => {
    const body = 'fqdn: cp1.example.com\nprefer_fqdn_over_hostname: false\npreserve_hostname: false\n';
    expect(merged(body)).toMatchObject({ hostname: 'cp1', fqdn: 'cp1.example.com' });
    const dotted = { hostname: 'cp1', fqdn: 'cp1.example.com', prefer_fqdn_over_hostname: true };
    expect(merged('fqdn: cp1.example.com\n', dotted)).toEqual(dotted);
    expect(told(() => merged('fqdn: cp1.example.net\n', dotted))).toHaveLength(1);
    expect(merged('hostname: any\n', {})).toEqual({ hostname: 'any' });
  });

  it('is told that what it says of merging is not needed any more', () => {
    const own = cloudConfig('merge_how: dict(replace)\na: 1\n');
    expect(own.data).toEqual({ a: 1 });
    expect(own.warnings.map(describeFault)).toEqual([
      'own.yaml:2:1: merge_how: is left out: it says how this joins others, and that has been done',
    ]);
  });
});

describe('a file of the user', () => {
  it.each([
    ['#!/bin/sh\ntrue\n', 'text/x-shellscript'],
    ['\n#!/bin/sh\n', 'text/x-shellscript'],
    ['#cloud-boothook\n#!/bin/sh\n', 'text/cloud-boothook'],
    ['#include\nhttps://a.example/\n', 'text/x-include-url'],
    ['#include-once https://a.example/\n', 'text/x-include-once-url'],
    ['#part-handler\n', 'text/part-handler'],
  ])('that begins with %j is handed on as it is, in front of ours', (content, type) => {
    const own = read(content);
    expect(own).toMatchObject({ kind: 'part', type, content });
    const document = mergeOwn(OURS, own, PATHS);
    expect(document).toContain(cloudConfigText(OURS));
    expect(document.indexOf(content)).toBeLessThan(document.indexOf('#cloud-config'));
  });

  it('that is fetched from elsewhere cannot be checked, and that is said', () => {
    expect(read('#include\nhttps://a.example/\n').warnings.map(describeFault)).toEqual([
      'own.yaml:1:1: what the machine finds at this address is not checked',
    ]);
    expect(read('#!/bin/sh\n').warnings).toEqual([]);
  });

  it.each<[string, string | Buffer, string]>([
    ['a template', '## template: jinja\n#cloud-config\n', 'own.yaml:1: is a template; put the values in'],
    [
      'an archive',
      '#cloud-config-archive\n- a\n',
      'own.yaml:1: is an archive of several parts; give the one that is needed',
    ],
    ['a patch', '#cloud-config-jsonp\n[]\n', 'own.yaml:1: is a patch of another cloud-config; give a cloud-config'],
    ['gzip', gzipSync('#cloud-config\n'), 'own.yaml:1: is compressed; give what gzip -d makes of it'],
    [
      'bytes',
      Buffer.from([0x23, 0x21, 0xff]),
      'own.yaml:1: is no text in UTF-8; a cloud-config begins with #cloud-config, a script with #!',
    ],
    ['nothing', ' \n', 'own.yaml:1: is empty; a cloud-config begins with #cloud-config, a script with #!'],
    [
      'a byte-order mark',
      '\ufeff#cloud-config\n',
      'own.yaml:1: begins with a byte-order mark, behind which cloud-init sees nothing; save it without',
    ],
    [
      'MIME',
      'Content-Type: multipart/mixed; boundary=x\nMIME-Version: 1.0\n',
      'own.yaml:1: is a MIME document; give the cloud-config or the script that is in it',
    ],
    [
      'anything else',
      'echo hello\n',
      'own.yaml:1: is nothing that cloud-init knows by how it begins; a cloud-config begins with #cloud-config, a script with #!',
    ],
  ])('that is %s is refused', (_, content, message) => {
    expect(told(() => readOwn('own.yaml', Buffer.from(content)))).toEqual([message]);
  });

  it.each([
    ['a: 1\nb: [1\n', /^own\.yaml:4:1: not valid YAML: /],
    ['a: 1\na: 2\n', /^own\.yaml:3:1: this key stands twice in the same map$/],
    ['a:\n\tb: 1\n', /^own\.yaml:3:1: a tab is used as indentation/],
    ['- a\n', /^own\.yaml:2:1: a cloud-config is a map/],
    ['', /a cloud-config is a map/],
    ['a: 1\n---\nb: 2\n', /^own\.yaml:3:1: a second document begins here/],
    ['a: !!python/name:os.system x\n', /^own\.yaml:2:4: Unresolved tag: /],
    ['a: *b\n', /b$/],
    [`a: ${'['.repeat(20_000)}`, /nested too deeply|not valid YAML/],
    [
      `a: &a [x, x, x, x, x, x, x, x]\n${[...'bcdefgh'].map((k, i) => `${k}: &${k} [${`*${'abcdefg'[i]},`.repeat(8)}]`).join('\n')}\n`,
      /alias/,
    ],
    ['on: 1\n', /^own\.yaml:2:1: the key true is no text; write it in quotes$/],
    ['a: {b: !!binary aGk=}\n', /^own\.yaml:2:5: a\.b: bytes \(!!binary\) can be handed on only/],
    ['a: [2024-01-01, 4.0, 99999999999999999999, .inf, =]\n', /^own\.yaml:2:5: cloud-init reads 2024-01-01 as a date/],
  ])('with %j in it is refused, with the place', (body, message) => {
    expect(told(() => cloudConfig(body))[0]).toMatch(message);
  });
});

describe.runIf(needTool('cloud-init'))('cloud-init', () => {
  it("reads ours as it would have read the user's own, or we have refused that", () => {
    const plain = fc.oneof(
      fc.constantFrom(
        'yes',
        'n',
        'Off',
        '~',
        'NULL',
        '0644',
        '0o644',
        '08',
        '1_000',
        '12:30',
        '0:30',
        '1:60',
        '1e3',
        '1.5e+3',
      ),
      fc.constantFrom(
        '1.10',
        '1.0',
        '-.5',
        '.5e-1',
        '._',
        '1.5_0',
        '+1',
        '-0',
        '0b1',
        '0b',
        '0x_',
        '2024-1-1',
        '2024-01-01',
        '=',
      ),
      fc.constantFrom(
        '"0644"',
        "'yes'",
        '!!str 12',
        '!!int "3"',
        '!!float 1.5',
        '|\n  a\n   b\n',
        '>-\n  a\n  b\n\n  c\n',
        '"\\x41\\u00e9\\n"',
      ),
      fc.constantFrom(
        '&a b',
        '[a, b: c]',
        '{a: b, <<: {c: d}}',
        '[]',
        '{}',
        '',
        '# c',
        'a #b',
        'a#b',
        'a b\n  c',
        '"a\n  b"',
        '<<',
        '- a',
      ),
      fc.string({ unit: fc.constantFrom(...'0123456789_.:+-eExXobyYnN~=<'), maxLength: 8 }),
    );
    const documents = fc
      .sample(fc.array(plain, { minLength: 1, maxLength: 3 }), 500)
      .map((values) => values.map((value, i) => `k${i}: ${value}\n`).join(''));
    const asked: { readonly body: string; readonly text: string }[] = [];
    for (const body of documents) {
      try {
        asked.push({ body, text: cloudConfigText(readOwnYaml('own.yaml', body).data) });
      } catch (error) {
        if (!(error instanceof BootstrapError)) throw error;
      }
    }
    expect(asked.length).toBeGreaterThan(100);
    const theirs = readAsCloudInit(asked.map(({ body }) => body));
    const ours = readAsCloudInit(asked.map(({ text }) => text));
    for (const [i, { body }] of asked.entries())
      if (typeof theirs[i] === 'string') expect(ours[i], body).toBe(theirs[i]);
  });

  it('finds nothing wrong with a merged cloud-config', () => {
    const dir = mkdtempSync(join(tmpdir(), 'merge-'));
    const own = cloudConfig(`
package_update: true
packages: [curl, [jq, "1.6*"]]
users:
- default
- {name: ops, lock_passwd: yes, sudo: "ALL=(ALL) NOPASSWD:ALL", shell: /bin/bash}
write_files:
- path: /usr/local/bin/tool
  content: !!binary |
    f0VMRgIBAQAAAAAAAAAAAAIAPgABAAAAwARAAAAAAABAAAAAAAAAAJAVAAAAAA==
  permissions: '0755'
runcmd:
- set -eu
- [touch, /run/own]
power_state: {delay: now, mode: reboot, condition: "test -e /run/own"}
`);
    const file = join(dir, 'user-data');
    writeFileSync(file, mergeOwn(OURS, own, PATHS));
    const { status, stdout, stderr } = spawnSync('cloud-init', ['schema', '-c', file], { encoding: 'utf8' });
    rmSync(dir, { recursive: true });
    expect(`${stdout}${stderr}`).toMatch(/Valid (?:cloud-config|schema)/);
    expect(status).toBe(0);
  });
});

import { describe, expect, it } from 'vitest';
import { mimeDocument, withParts } from '../../../src/deliver/user-data/mime.ts';
import { needTool } from '../../support/tools.ts';
import { python } from './python.ts';

/** What cloud-init makes of user-data: its parts, and what it puts where, by its own readers and handlers. */
interface Handled {
  readonly parts: readonly (readonly [type: string, filename: string, content: string])[];
  readonly scripts: Readonly<Record<string, string>>;
  readonly config: Readonly<Record<string, unknown>> | null;
}

function handled(userData: string): Handled {
  return python(
    `
import os, tempfile, yaml
from types import SimpleNamespace
from cloudinit import handlers, user_data, util
from cloudinit.handlers.cloud_config import CloudConfigPartHandler
from cloudinit.handlers.shell_script import ShellScriptPartHandler
root = tempfile.mkdtemp()
where = lambda name=None: os.path.join(root, name or '')
paths = SimpleNamespace(get_ipath=where, get_ipath_cur=where, cloud_dir=root, get_cpath=where, get_runpath=where)
user_data.util.fetch_ssl_details = lambda paths: {}
message = user_data.UserDataProcessor(paths).process(read().encode())
parts = []
handlers.walk(message, lambda data, name, payload, headers: parts.append((headers['Content-Type'], name, payload, headers)), None)
config, scripts = CloudConfigPartHandler(paths), ShellScriptPartHandler(paths)
config.handle_part(None, '__begin__', None, None, 'once-per-instance', {})
for type, name, payload, headers in parts:
  if type == 'text/cloud-config': config.handle_part(None, type, name, payload, 'once-per-instance', headers)
  if type == 'text/x-shellscript': scripts.handle_part(None, type, name, payload, 'once-per-instance')
config.handle_part(None, '__end__', None, None, 'once-per-instance', {})
made = where('scripts')
found = where('cloud_config')
give({
  'parts': [part[:3] for part in parts],
  'scripts': {name: open(os.path.join(made, name)).read() for name in sorted(os.listdir(made))} if os.path.isdir(made) else {},
  'config': yaml.safe_load(open(found).read()) if os.path.isfile(found) else None,
})
`,
    userData,
  ) as Handled;
}

const SCRIPT = '#!/bin/sh\necho own\n';
const CONFIG = '#cloud-config\nruncmd:\n  - [sh, ours]\n';

describe.runIf(needTool('cloud-init'))('a document of several parts', () => {
  it('is taken apart by cloud-init into just these, whatever is in them', () => {
    const contents = [
      '',
      '\n',
      'a',
      'a\n',
      'a\n\n',
      '\n\na',
      'a\r\nb\r\n',
      'a\r',
      'grün 😀\u2028\n',
      '\t a \n',
      '--bootstrap\n--bootstrap--\n',
      '--bootstrap-1\n--bootstrap',
      'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="x"\n\n--x\n\na\n--x--\n',
      'From me\n.\n',
      'x'.repeat(3000),
      'ü'.repeat(3000),
    ];
    const parts = contents.map((content, i) => ({ type: 'text/x-own', filename: `own-${i}.txt`, content }));
    expect(handled(mimeDocument(parts)).parts).toEqual(
      parts.map(({ type, filename, content }) => [type, filename, content]),
    );
  });

  it('has the script of the user run before our commands', () => {
    const { scripts, config } = handled(withParts(CONFIG, [{ type: 'text/x-shellscript', content: SCRIPT }]));
    expect(scripts).toEqual({ 'part-001': SCRIPT });
    // cc_runcmd saves its script as `runcmd` in the same directory, and they run in this order
    expect(['runcmd', 'part-001'].sort()).toEqual(['part-001', 'runcmd']);
    expect(config).toEqual({ runcmd: [['sh', 'ours']] });
  });

  it('adds our lists to those of a cloud-config that comes before, such as an included one', () => {
    const theirs = '#cloud-config\nhostname: other\npackages: [a]\nruncmd: [theirs]\nwrite_files: [{path: /a}]\n';
    const ours = '#cloud-config\nhostname: cp1\nruncmd: [ours]\nwrite_files: [{path: /b}]\nbootcmd: [ours]\n';
    expect(handled(withParts(ours, [{ type: 'text/cloud-config', content: theirs }])).config).toEqual({
      hostname: 'cp1',
      packages: ['a'],
      runcmd: ['theirs', 'ours'],
      write_files: [{ path: '/a' }, { path: '/b' }],
      bootcmd: ['ours'],
    });
  });

  it('holds a cloud-config that cloud-init would take for a MIME document by itself', () => {
    const config = '#cloud-config\nwrite_files:\n- path: /a\n  content: "MIME-Version: 1.0"\n';
    expect(handled(withParts(config, [])).config).toEqual({
      write_files: [{ path: '/a', content: 'MIME-Version: 1.0' }],
    });
  });
});

describe('user-data', () => {
  it('is the bare cloud-config where there is nothing else', () => {
    expect(withParts(CONFIG, [])).toBe(CONFIG);
  });

  it('says in its first line that it has several parts, and is the same for the same parts', () => {
    const own = [{ type: 'text/x-shellscript', content: SCRIPT }];
    expect(withParts(CONFIG, own).split('\n')[0]).toBe('MIME-Version: 1.0');
    expect(withParts(CONFIG, own)).toBe(withParts(CONFIG, own));
  });
});

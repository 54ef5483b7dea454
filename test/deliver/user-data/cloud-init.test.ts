import { spawnSync } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Bundle } from '../../../src/bundle/bundle.ts';
import { revisionIndex } from '../../../src/bundle/revision-index.ts';
import { withoutSecrets } from '../../../src/deliver/user-data/machine.ts';
import { readOwn } from '../../../src/deliver/user-data/merge.ts';
import { packPayload } from '../../../src/deliver/user-data/payload.ts';
import { type UserData, type UserDataWish, userDataOf } from '../../../src/deliver/user-data/user-data.ts';
import type { Cluster } from '../../../src/spec/cluster.ts';
import { emptyDir } from '../../support/cli.ts';
import { needTool } from '../../support/tools.ts';
import { type CloudMachine, canBoot, cloudMachine } from './cloud-machine.ts';
import { filesOf, realCluster, SCRIPTS, SINGLE } from './scratch.ts';

const START = ['stop kubelet.service', 'daemon-reload', 'enable kubelet.service', 'restart --no-block kubelet.service'];
const DONE = 'bootstrap: all is in place, and the kubelet starts';

const OWN_CONFIG = `#cloud-config
packages: [jq]
bootcmd: ["echo theirs >/etc/theirs-bootcmd"]
write_files: [{path: /etc/theirs, content: "one\\ntwo\\n"}]
runcmd:
  - [sh, -c, "ls /etc/kubernetes >/etc/theirs-saw 2>&1; true"]
  - "false"
`;
const OWN_SCRIPT = '#!/bin/sh\necho "theirs ran before: $(ls -d /etc/kubernetes 2>&1)"\nexit 1\n';

let cluster: Cluster;
let bundle: Bundle;
beforeAll(async () => {
  const made = await realCluster(SINGLE);
  const [first] = made.bundles;
  if (!first) throw new Error('no bundle');
  [cluster, bundle] = [made.cluster, first];
});

/** The user-data of the one master. */
async function userData(wish: Partial<UserDataWish> = {}): Promise<UserData> {
  const [node] = cluster.nodes;
  if (!node) throw new Error('no node');
  const all: UserDataWish = {
    ...{ format: 'cloud-config', provider: 'nocloud', compress: 'gzip', secrets: { kind: 'inline' }, own: undefined },
    ...wish,
  };
  return userDataOf(cluster, node, bundle, all, SCRIPTS);
}

const own = (text: string) => readOwn('own', Buffer.from(text));
const SECRETS: readonly UserDataWish['secrets'][] = [
  { kind: 'inline' },
  { kind: 'none' },
  { kind: 'fetch', url: 'https://example.com/{node}' },
];

describe.runIf(needTool('cloud-init'))('the schema of cloud-init', () => {
  /** The cloud-config itself: unpacked, and taken out of a document of several parts by cloud-init's own means. */
  const configIn = (content: Buffer): string => {
    const text = (content[0] === 0x1f ? gunzipSync(content) : content).toString();
    if (text.startsWith('#cloud-config\n')) return text;
    const script = `import email, sys
for part in email.message_from_string(sys.stdin.read()).walk():
  if part.get_content_type() == 'text/cloud-config': sys.stdout.buffer.write(part.get_payload(decode=True))`;
    const { status, stdout } = spawnSync('/usr/bin/python3', ['-c', script], { input: text, encoding: 'utf8' });
    expect(status).toBe(0);
    return stdout;
  };

  const check = (text: string): string => {
    const path = join(emptyDir(), 'user-data');
    writeFileSync(path, text);
    const { status, stdout, stderr } = spawnSync('cloud-init', ['schema', '-c', path], { encoding: 'utf8' });
    return status === 0 ? 'valid' : `${stdout}${stderr}`;
  };

  test('accepts what there is, with or without gzip, with or without what the user adds', {
    timeout: 240_000,
  }, async () => {
    const texts = new Set<string>();
    for (const secrets of SECRETS)
      for (const compress of ['gzip', 'none'] as const)
        for (const added of [undefined, own(OWN_CONFIG), own(OWN_SCRIPT)]) {
          const { document } = await userData({ secrets, compress, own: added });
          expect(document.content[0] === 0x1f).toBe(compress === 'gzip');
          texts.add(configIn(document.content));
        }
    expect(texts.size).toBe(6); // compressed and as a part of a document they are the same
    for (const text of texts) expect(check(text)).toBe('valid');
    // it does see faults
    expect(
      check(configIn((await userData()).document.content).replace(/permissions: .*/, 'permissions: 448')),
    ).not.toBe('valid');
  });

  test('knows each key at the top, which cloud-init 22.4 does not look at', async () => {
    const found = spawnSync(
      '/usr/bin/python3',
      ['-c', 'import cloudinit.config.schema as s; print(s.get_schema_dir())'],
      {
        encoding: 'utf8',
      },
    ).stdout.trim();
    const name = readdirSync(found).find((each) => /^schema-cloud-config-v\d+\.json$/.test(each)) ?? '';
    const known = keysIn(JSON.parse(readFileSync(join(found, name), 'utf8')));
    expect(known).toContain('packages');
    for (const secrets of SECRETS) {
      const text = configIn((await userData({ secrets })).document.content);
      for (const key of Object.keys(parse(text) as object)) expect(known).toContain(key);
    }
  });
});

/** What may stand at the top of a cloud-config by its schema: what any of its modules reads. */
function keysIn(schema: {
  readonly $defs: Readonly<Record<string, { readonly properties?: object }>>;
}): readonly string[] {
  return Object.entries(schema.$defs).flatMap(([name, { properties }]) =>
    name.startsWith('cc_') || name === 'base_config' ? Object.keys(properties ?? {}) : [],
  );
}

const machines: CloudMachine[] = [];
afterEach(() => {
  for (const machine of machines.splice(0)) machine.remove();
});

function machineWith({ document }: Pick<UserData, 'document'>): CloudMachine {
  const machine = cloudMachine(document.content, 'cp1');
  machines.push(machine);
  machine.systemctl();
  return machine;
}

/** The files below the directories that a bundle writes into, of all that has changed. */
function placed(machine: CloudMachine): Readonly<Record<string, string>> {
  const all = ['/etc/kubernetes', '/etc/systemd/system/kubelet.service.d', '/var/lib/kubelet', '/var/lib/etcd'];
  const files = all.flatMap((dir) => Object.entries(machine.tree(dir))).filter(([, what]) => what.startsWith('file '));
  return Object.fromEntries(files);
}

function expectMaster(machine: CloudMachine): void {
  expect(placed(machine)).toEqual(filesOf(bundle));
  for (const { path, mode } of bundle.directories)
    expect(lstatSync(join(machine.dir, path)).mode & 0o7777, path).toBe(mode);
  for (const { path } of bundle.files)
    expect(lstatSync(join(machine.dir, path)), path).toMatchObject({ uid: 0, gid: 0 });
  expect(machine.tree('/var/lib/bootstrap/revisions/1')['/var/lib/bootstrap/revisions/1/index']).toBe(
    `file 600 ${revisionIndex(bundle)}`,
  );
  expect(machine.has('etc/bootstrap')).toBe(false);
  expect(machine.has('var/lib/cloud/scripts/per-boot/bootstrap')).toBe(false);
}

/** Files that others may read, and the text in them. */
function readableByOthers(machine: CloudMachine): readonly (readonly [string, string])[] {
  return readdirSync(machine.dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('/.work'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => (lstatSync(path).mode & 0o044) !== 0 && !path.includes('/var/lib/cloud/seed/'))
    .map((path) => [path.slice(machine.dir.length), readFileSync(path, 'latin1')]);
}

/** Parts of what is secret, in each form in which it may lie about. */
function traces(): readonly string[] {
  const keys = bundle.files.filter(({ sensitive }) => sensitive).map(({ content }) => content.toString('latin1'));
  const lines = keys.flatMap((text) =>
    text
      .split('\n')
      .filter((line) => /^[A-Za-z0-9+/]{60,}/.test(line))
      .slice(0, 1),
  );
  return [...lines, packPayload(bundle).content.toString('base64').slice(1000, 1060)];
}

describe.runIf(canBoot())('a machine with the real cloud-init', { timeout: 240_000 }, () => {
  test('becomes what apply would have made of it, once, and is left alone at its next boot', async () => {
    const machine = machineWith(await userData());
    const first = machine.boot();
    expect(first).toMatchObject({
      statuses: 'local: 0, init: 0, config: 0, final: 0',
      hostname: 'cp1',
      errors: [],
      systemctl: START,
    });
    expect(first.output).toContain(DONE);
    expect(first.console).toContain(`${DONE}\n`);
    expectMaster(machine);
    const readable = readableByOthers(machine);
    expect(readable.length).toBeGreaterThan(10);
    const secrets = traces();
    expect(secrets.length).toBeGreaterThan(5);
    for (const [path, text] of readable) for (const secret of secrets) expect(text.includes(secret), path).toBe(false);

    const second = machine.boot();
    expect(second).toMatchObject({ statuses: first.statuses, errors: [], systemctl: [], console: '' });
    expectMaster(machine);
    expect(machine.has('etc/bootstrap')).toBe(false);
  });

  test('closes the directory before it writes the first secret into it', async () => {
    if (!needTool('strace')) return;
    const machine = machineWith(await userData());
    const { events, errors } = machine.boot(true);
    expect(errors).toEqual([]);
    expect(events[0]).toEqual({ kind: 'folder', path: '/etc/bootstrap', mode: 0o700 });
    expect(events.filter((event) => 'path' in event && event.path === '/etc/bootstrap' && event !== events[0])).toEqual(
      [],
    );
    const made = events.flatMap((event) => (event.kind === 'made' ? [event.path] : []));
    expect([...new Set(made)].sort()).toEqual(
      ['install.sh', 'payload', 'settings'].map((name) => `/etc/bootstrap/${name}`),
    );
    expectMaster(machine);
  });

  test('says in its status, its output and on its console that something has failed, and tries again at its next boot', async () => {
    const machine = machineWith(await userData());
    machine.systemctl('', 'not-found');
    const line = 'bootstrap: there is no kubelet.service: the image has to bring the kubelet; nothing was changed\n';
    const failed = machine.boot();
    expect(failed).toMatchObject({ statuses: 'local: 0, init: 0, config: 0, final: 1', systemctl: [] });
    expect(failed.errors.join('\n')).toContain('scripts-user');
    expect(failed.output).toContain(line);
    expect(failed.console).toBe(line);
    expect(placed(machine)).toEqual({});

    machine.systemctl();
    const next = machine.boot();
    expect(next).toMatchObject({ statuses: 'local: 0, init: 0, config: 0, final: 0', errors: [], systemctl: START });
    expectMaster(machine);
    expect(machine.boot()).toMatchObject({ errors: [], systemctl: [] });
  });

  test('goes on at its next boot where a power cut has ended the first', async () => {
    const machine = machineWith(await userData());
    machine.systemctl('[ "$1" != daemon-reload ] || kill -KILL $PPID');
    const cut = machine.boot();
    expect(cut.systemctl).toEqual(['stop kubelet.service', 'daemon-reload']);
    expect(cut.console).toBe('');
    machine.systemctl();
    const next = machine.boot();
    expect(next).toMatchObject({ statuses: 'local: 0, init: 0, config: 0, final: 0', errors: [] });
    expect(next.systemctl).toEqual(START.slice(1));
    expectMaster(machine);
  });

  test('that is called something else is left as it is', async () => {
    const machine = machineWith(await userData());
    const config = readFileSync(join(machine.dir, 'etc/cloud/cloud.cfg'), 'utf8');
    machine.write('etc/cloud/cloud.cfg', `${config}preserve_hostname: true\n`);
    const { statuses, output } = machine.boot();
    expect(statuses).toContain('final: 1');
    expect(output).toContain(
      'bootstrap: this user-data is for cp1, not for a machine with the host name image; nothing was changed\n',
    );
    expect(placed(machine)).toEqual({});
  });

  test("does what its user's cloud-config says before it becomes a master", async () => {
    const machine = machineWith(await userData({ own: own(OWN_CONFIG) }));
    expect(machine.boot()).toMatchObject({
      statuses: 'local: 0, init: 0, config: 0, final: 0',
      errors: [],
      systemctl: START,
    });
    expectMaster(machine);
    const theirs = machine.tree('/etc');
    expect(theirs['/etc/theirs']).toBe('file 644 one\ntwo\n');
    expect(theirs['/etc/theirs-bootcmd']).toBe('file 644 theirs\n');
    expect(theirs['/etc/theirs-saw']).toContain('No such file or directory');
  });

  test("becomes a master even where its user's own script fails, and says that it did", async () => {
    const machine = machineWith(await userData({ own: own(OWN_SCRIPT), compress: 'none' }));
    const { output, errors, systemctl } = machine.boot();
    expect(output).toMatch(/theirs ran before: ls: cannot access.*\n(?:.*\n)*bootstrap: all is in place/);
    expect(errors.join('\n')).toContain('part-001');
    expect(systemctl).toEqual(START);
    expectMaster(machine);
  });

  test('without secrets waits for them, with a kubelet that does not start', async () => {
    const machine = machineWith(await userData({ secrets: { kind: 'none' } }));
    const { output, errors, systemctl } = machine.boot();
    expect(errors).toEqual([]);
    expect(output).toContain('bootstrap: the kubelet waits for the secrets: run `bootstrap apply`\n');
    expect(systemctl).toEqual(['stop kubelet.service', 'disable kubelet.service']);
    expect(placed(machine)).toEqual(filesOf(withoutSecrets(bundle)));
    expect(machine.has('etc/bootstrap')).toBe(false);
    const everything = readdirSync(machine.dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
    for (const secret of traces()) expect(everything.some((text) => text.includes(secret))).toBe(false);
  });

  test('fetches what its user-data does not hold, and keeps none of it', async () => {
    if (!needTool('curl') || !needTool('openssl')) return;
    const secrets = { kind: 'fetch', url: 'https://example.com/' } as const;
    const { document, upload } = await userData({ secrets, compress: 'none' });
    if (!upload) throw new Error('nothing to upload');
    // test/deliver/user-data/fetch.test.ts has the servers
    const path = join(emptyDir(), 'uploaded');
    writeFileSync(path, upload.sealed.content);
    const text = document.content.toString().replace(upload.url, `file://${path}`);
    const machine = machineWith({ document: { ...document, content: Buffer.from(text) } });
    expect(machine.boot()).toMatchObject({ errors: [], systemctl: START });
    expectMaster(machine);
    const key = upload.sealed.key.reveal();
    for (const [path, text] of readableByOthers(machine)) expect(text.includes(key), path).toBe(false);
  });
});

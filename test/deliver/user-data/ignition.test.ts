import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { beforeAll, describe, expect, test } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import { makeBundle } from '../../../src/bundle/bundle.ts';
import { firstBootFiles } from '../../../src/deliver/user-data/first-boot.ts';
import { ignitionConfig } from '../../../src/deliver/user-data/ignition.ts';
import { type Machine, type Secrets, withoutSecrets } from '../../../src/deliver/user-data/machine.ts';
import { packPayload } from '../../../src/deliver/user-data/payload.ts';
import { revisionFiles } from '../../../src/deliver/user-data/record.ts';
import { emptyDir } from '../../support/cli.ts';
import { bootIgnition, contentOf, effectiveConfig } from './ignition-machine.ts';
import { cp1, leftByInstall, secretsIn, without } from './left-by-install.ts';
import { machineOf, realBundles, SCRIPTS, scratchBoot, treeOf } from './scratch.ts';

const SPECS = {
  single: 'profiles: [single]\nnodes: [{name: cp1, addresses: [10.0.0.11]}]',
  ha: `profiles: [ha]
controlPlaneEndpoint: api.example.com
nodes:
  - {name: cp1, addresses: [10.0.0.11]}
  - {name: cp2, addresses: [10.0.0.12]}
  - {name: cp3, addresses: [10.0.0.13]}`,
};

const META = '/var/lib/bootstrap/revisions/1/meta';
const SERVICE = '/etc/systemd/system/bootstrap-user-data.service';

const machines = new Map<string, Machine>();
const machine = (name = 'single, ECDSA'): Machine => {
  const found = machines.get(name);
  if (!found) throw new Error(name);
  return found;
};

beforeAll(async () => {
  const made = async (spec: string, algorithm: string) =>
    cp1(await realBundles(`kubernetesVersion: v1.36.2\npki: {algorithm: ${algorithm}}\n${spec}`));
  const [single, rsa, ha] = await Promise.all([
    made(SPECS.single, 'ECDSA-P256'),
    made(SPECS.single, 'RSA-2048'),
    made(SPECS.ha, 'ECDSA-P256'),
  ]);
  // the keys of three masters take too long: one of them has those of the single one
  const others = new Map(rsa.bundle.files.filter(({ path }) => !/\.yaml$/.test(path)).map((file) => [file.path, file]));
  const files = ha.bundle.files.map((file) => others.get(file.path) ?? file);
  machines.set('single, ECDSA', single).set('single, RSA', rsa).set('ha, ECDSA', ha);
  machines.set('ha, RSA', machineOf(makeBundle('cp1', ha.bundle.directories, files)));
});

class Key extends Secret {}
const SEALED = { content: Buffer.from('sealed'), sha256: 'a'.repeat(64), key: new Key('b'.repeat(64)) };
const SECRETS: Readonly<Record<Secrets['kind'], Secrets>> = {
  inline: { kind: 'inline' },
  none: { kind: 'none' },
  fetch: { kind: 'fetch', url: 'https://files.example.com/boot/cp1', sealed: SEALED },
};

function config(of: Machine, kind: Secrets['kind'] = 'inline', { compress = false, packed = false } = {}): Buffer {
  const payload = packPayload(kind === 'none' ? withoutSecrets(of.bundle) : of.bundle);
  return ignitionConfig({ machine: of, secrets: SECRETS[kind], scripts: SCRIPTS, payload, compress, packed });
}

describe('every config is what the specification says, and nothing that it does not know', () => {
  const validate = new Ajv2019({ strict: false, allErrors: true }).compile(
    closed(JSON.parse(readFileSync(new URL('ignition-3.4.schema.json', import.meta.url), 'utf8'))) as object,
  );
  const expectValid = (document: Buffer): void => {
    validate(JSON.parse(document.toString()));
    expect(validate.errors ?? []).toEqual([]);
  };

  test.for(
    ['single, ECDSA', 'single, RSA', 'ha, ECDSA', 'ha, RSA'].flatMap((name) =>
      (['inline', 'none', 'fetch'] as const).map((kind) => ({ name, kind })),
    ),
  )('$name, secrets $kind', ({ name, kind }) => {
    for (const packed of [false, true]) {
      const [plain, compressed] = [false, true].map((compress) => config(machine(name), kind, { compress, packed }));
      if (!plain || !compressed) throw new Error('nothing was made');
      for (const document of [plain, compressed]) expectValid(document);
      expect(JSON.parse(plain.toString()).ignition).toEqual({ version: '3.4.0' });
      expect(effectiveConfig(compressed)).toEqual(JSON.parse(plain.toString()));
      expect(compressed.length).toBeLessThan(plain.length);
      expect(config(machine(name), kind, { compress: true, packed })).toEqual(compressed);
    }
  });

  test('a misspelt field would be seen', () => {
    const document = JSON.parse(config(machine()).toString());
    document.storage.files[0].overwite = true;
    validate(document);
    expect(validate.errors).toMatchObject([{ params: { unevaluatedProperty: 'overwite' } }]);
  });
});

describe('a machine that Ignition has set up', () => {
  const boot = (document: Buffer, root = emptyDir()) => ({ root, enabled: bootIgnition(document, root) });

  test.for(['single, ECDSA', 'ha, RSA'])('%s: has byte for byte what the first boot of others leaves', (name) => {
    const left = leftByInstall(machine(name));
    for (const compress of [false, true]) {
      const { root, enabled } = boot(config(machine(name), 'inline', { compress }));
      const { '/etc/hostname': hostname, ...tree } = treeOf(root);
      expect(tree).toEqual(left);
      expect(hostname).toBe('file 644 cp1\n');
      expect([...enabled]).toEqual([['kubelet.service', true]]);
    }
  });

  test('without secrets has all the rest, and its kubelet is not started', () => {
    const { root, enabled } = boot(config(machine(), 'none'));
    const expected = without(leftByInstall(machine(), SECRETS.none), '/var');
    expect(without(treeOf(root), '/var', '/etc/hostname')).toEqual(expected);
    expect(Object.keys(treeOf(root, '/var/lib/kubelet'))).toEqual(['/var/lib/kubelet/config.yaml']);
    expect(Object.keys(treeOf(root, '/var/lib/bootstrap'))).toEqual([]);
    expect(Object.keys(treeOf(root, '/etc/kubernetes/manifests'))).toEqual([]);
    expect([...enabled]).toEqual([['kubelet.service', false]]);
  });

  test.for(['fetch', 'packed'])(
    '%s: has the script of the first boot and a unit that runs it, but no kubelet yet',
    (how) => {
      const kind = how === 'fetch' ? 'fetch' : 'inline';
      const { root, enabled } = boot(config(machine(), kind, { packed: true }));
      const files = firstBootFiles(machine(), SECRETS[kind], packPayload(machine().bundle), SCRIPTS);
      expect(without(treeOf(root), '/etc')).toEqual({});
      expect(treeOf(root)['/etc/bootstrap']).toBe('dir 700');
      expect(treeOf(root, '/etc/bootstrap')).toEqual(
        Object.fromEntries(
          files.map(({ path, mode, content }) => [path, `file ${mode.toString(8)} ${content.toString('latin1')}`]),
        ),
      );
      expect([...enabled]).toEqual([
        ['kubelet.service', false],
        ['bootstrap-user-data.service', true],
      ]);
      const unit = readFileSync(join(root, SERVICE), 'utf8');
      expect(unit).toContain('ConditionPathExists=/etc/bootstrap/install.sh\n');
      expect(unit).toContain('ExecStart=/bin/sh /etc/bootstrap/install.sh\n');
    },
  );

  test('packed: the script leaves the same there', () => {
    const { root, ...machineHere } = scratchBoot();
    boot(config(machine(), 'inline', { packed: true, compress: true }), root);
    expect(machineHere.run()).toMatchObject({ status: 0 });
    const { [META]: meta, ...tree } = without(treeOf(root), '/etc/hostname', SERVICE);
    const { [META]: _, ...left } = leftByInstall(machine());
    expect(tree).toEqual(left);
    expect(meta).toContain(machine().digest);
    machineHere.remove();
  });

  test('gets the name that it has to have, also where its cloud has named it before', () => {
    const root = emptyDir();
    mkdirSync(join(root, 'etc'));
    writeFileSync(join(root, 'etc/hostname'), 'ip-10-0-0-11\n');
    boot(config(machine()), root);
    expect(readFileSync(join(root, 'etc/hostname'), 'utf8')).toBe('cp1\n');
  });

  test('keeps the name that its cloud gives it, or the user, where that is the one', () => {
    expect(treeOf(boot(config({ ...machine(), hostname: undefined })).root)).not.toHaveProperty('/etc/hostname');
    const { bundle } = machine();
    const [some] = bundle.files;
    if (!some) throw new Error('an empty bundle');
    const own = { ...some, path: '/etc/hostname', content: Buffer.from('cp1.example.com\n'), mode: 0o644 };
    const named = machineOf(makeBundle('cp1', bundle.directories, [...bundle.files, own]));
    expect(treeOf(boot(config(named)).root)['/etc/hostname']).toBe('file 644 cp1.example.com\n');
  });

  test('gets a whole unit of the kubelet where the bundle brings one', async () => {
    const spec = `kubernetesVersion: v1.36.2\nkubelet: {installUnit: true}\n${SPECS.single}`;
    const of = cp1(await realBundles(spec));
    const { root } = boot(config(of));
    expect(without(treeOf(root), '/etc/hostname')).toEqual(leftByInstall(of));
    expect(effectiveConfig(config(of)).systemd.units).toMatchObject([
      { name: 'kubelet.service', enabled: true, contents: expect.stringContaining('WantedBy=multi-user.target') },
    ]);
  });

  test('gives files to whom they belong, by name', () => {
    const { storage } = effectiveConfig(config(machine()));
    const foreign = storage.files.filter(({ user, group }) => user || group);
    expect(foreign.map(({ path, user, group }) => [path, user?.name, group?.name])).toEqual([
      ['/etc/kubernetes/extra/text "a b"', 'daemon', 'daemon'],
    ]);
    expect(new Set(storage.directories.map(({ user, group }) => `${user?.name}:${group?.name}`))).toEqual(
      new Set(['root:root']),
    );
  });
});

test('without secrets, nothing secret is in it; with those to be fetched, nothing but the key', () => {
  const hidden = secretsIn(machine().bundle);
  expect(hidden.length).toBeGreaterThan(20);
  const shown = (kind: Secrets['kind']): string => {
    const { storage, systemd } = effectiveConfig(config(machine(), kind));
    return (
      storage.files.map(({ contents }) => contentOf(contents).toString('latin1')).join('\n') + JSON.stringify(systemd)
    );
  };
  expect(hidden.every((line) => shown('inline').includes(line))).toBe(true);
  for (const kind of ['none', 'fetch'] as const) {
    expect(hidden.filter((line) => shown(kind).includes(line))).toEqual([]);
    expect(shown(kind)).not.toContain('PRIVATE KEY');
  }
  expect(shown('fetch')).toContain(SEALED.key.reveal());
});

test('a copy stands right behind its original, so that it compresses to almost nothing', () => {
  const of = machine();
  const { storage } = effectiveConfig(config(of));
  const paths = storage.files.map(({ path }) => path);
  for (const { path } of of.bundle.files) {
    if (paths.includes(path))
      expect(paths[paths.indexOf(path) + 1]).toBe(`/var/lib/bootstrap/revisions/1/files${path}`);
  }
  expect(paths.filter((path) => path.startsWith('/var/lib/bootstrap')).sort()).toEqual(
    revisionFiles(of)
      .map(({ path }) => path)
      .sort(),
  );
});

type Schema = { readonly [key: string]: unknown };

/**
 * The schema as draft 2019-09, which ajv reads, and so that nothing else may stand anywhere: Ignition itself only warns of
 * fields that it does not know.
 */
function closed(schema: unknown, isPart = false): unknown {
  if (Array.isArray(schema)) return schema.map((each) => closed(each, isPart));
  if (typeof schema !== 'object' || schema === null) return schema;
  const { $schema, ...rest } = schema as Schema;
  const entries = Object.entries(rest).map(([key, value]) => [key, closed(value, key === 'allOf' || key === 'node')]);
  const isObject = ('properties' in rest && typeof rest['type'] === 'string') || 'allOf' in rest;
  return { ...Object.fromEntries(entries), ...(isObject && !isPart && { unevaluatedProperties: false }) };
}

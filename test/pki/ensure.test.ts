import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { beforeEach, describe, expect, test } from 'vitest';
import { BootstrapError } from '../../src/base/errors.ts';
import { describeFault } from '../../src/base/fault.ts';
import { SecretPem } from '../../src/base/pem.ts';
import { readCertificate } from '../../src/pki/certificate.ts';
import { pkiInventory } from '../../src/pki/inventory.ts';
import { generateKey } from '../../src/pki/keys.ts';
import { readPki } from '../../src/pki/read.ts';
import type { Renewal } from '../../src/pki/renewal.ts';
import { inMemory, openPkiStore } from '../../src/pki/store.ts';
import { withoutRootsRights } from '../support/rights.ts';
import { testCluster, threeMasters } from './clusters.ts';
import { contents, DAY, ensure, modes, refusal, temporaryDirectory } from './tools.ts';

const inventory = pkiInventory(testCluster());
const APISERVER = 'nodes/master-0/apiserver';

let dir: string;
const pki = (path = '') => join(dir, 'pki', path);
const text = (path: string) => readFileSync(pki(path), 'utf8');
const paths = (changes: readonly { path: string }[]) => changes.map(({ path }) => path);

/** The same value with its secrets in the open, to be compared. */
function revealed(value: unknown): unknown {
  if (value instanceof SecretPem) return value.reveal();
  if (value instanceof Map) return [...value].map(revealed);
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(revealed);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, revealed(inner)]));
}

beforeEach(() => {
  dir = temporaryDirectory();
});

describe('in an empty directory', () => {
  test('everything is made, private keys for their owner only', async () => {
    const { changes, warnings, pki: made } = await ensure(inventory, dir);
    expect(warnings).toEqual([]);
    expect(changes).toHaveLength(3 + 2 + 13);
    expect(new Set(changes.map(({ kind }) => kind))).toEqual(new Set(['created']));
    for (const [path, mode] of Object.entries(modes(pki()))) {
      expect(mode, path).toBe(path.endsWith('.key') ? '600' : /\.(crt|pub)$/.test(path) ? '644' : '700');
    }
    expect(modes(dir)['pki']).toBe('700');
    expect(made.nodes.get('master-0')?.get('apiserver')?.certificate).toBe(text(`${APISERVER}.crt`));
    expect(made.authorities.get('etcd')?.key?.reveal()).toBe(text('etcd/ca.key'));
    expect(made.authorities.get('etcd')?.bundle).toBe(text('etcd/ca.crt'));
    expect(made.serviceAccount.publicKeys).toBe(text('sa.pub'));
    expect(made.superAdmin.key.reveal()).toBe(text('super-admin.key'));
  });

  test('a dry run makes the same and writes nothing', async () => {
    const { changes, pki: made } = await ensure(inventory, dir, {}, inMemory(openPkiStore(dir)));
    expect(changes).toHaveLength(18);
    expect(made.nodes.get('master-0')?.size).toBe(11);
    expect(contents(dir)).toEqual({});
  });

  test('reading says everything that is missing', async () => {
    expect(() => readPki(inventory, openPkiStore(dir))).toThrow(/18 things are wrong/);
    expect(await refusal(Promise.resolve().then(() => readPki(inventory, openPkiStore(dir))))).toContain(
      `${pki('nodes/master-0/etcd/peer.crt')}: is missing`,
    );
  });
});

describe('a second time', () => {
  test('nothing changes, and no key is made', async () => {
    const first = await ensure(inventory, dir);
    const before = contents(dir);
    const generate = () => Promise.reject(new Error('no key was wanted'));
    const second = await ensure(inventory, dir, { generateKey: generate });
    expect(second.changes).toEqual([]);
    expect(contents(dir)).toEqual(before);
    expect(revealed(second.pki)).toEqual(revealed(first.pki));
    expect(revealed(readPki(inventory, openPkiStore(dir)).pki)).toEqual(revealed(first.pki));
  });

  test('with one more master only its certificates are made', async () => {
    await ensure(inventory, dir);
    const { changes } = await ensure(pkiInventory(testCluster({ nodes: threeMasters })), dir);
    expect(changes).toHaveLength(22);
    expect(changes.every(({ kind, path }) => kind === 'created' && /master-[12]/.test(path))).toBe(true);
  });

  test('with another name only that certificate is issued again, with a new key, and says why', async () => {
    await ensure(inventory, dir);
    const before = contents(pki());
    const { changes } = await ensure(pkiInventory(testCluster({ certSANs: ['new.example.com', '10.9.9.9'] })), dir);
    expect(changes).toEqual([
      {
        kind: 'reissued',
        path: `pki/${APISERVER}.crt`,
        reasons: ['lacks the DNS name new.example.com, the address 10.9.9.9'],
      },
    ]);
    const after = contents(pki());
    const differ = Object.keys(after).filter((path) => before[path] !== after[path]);
    expect(differ).toEqual([`${APISERVER}.crt`, `${APISERVER}.key`]);
  });

  test('with another algorithm every leaf is issued again, and the CAs stay', async () => {
    await ensure(inventory, dir);
    const before = contents(pki());
    const { changes, warnings } = await ensure(pkiInventory(testCluster({ algorithm: 'ECDSA-P384' })), dir);
    expect(changes).toHaveLength(13);
    expect(changes[0]?.reasons).toEqual(['has a key of the kind ECDSA-P256 instead of ECDSA-P384']);
    expect(contents(pki())).toMatchObject({
      'ca.crt': before['ca.crt'],
      'ca.key': before['ca.key'],
      'etcd/ca.key': before['etcd/ca.key'],
      'sa.key': before['sa.key'],
    });
    expect(warnings.map(describeFault)).toEqual([
      `${pki('ca.crt')}: the CA's own key stays ECDSA-P256, though spec.pki.algorithm says ECDSA-P384`,
      `${pki('etcd/ca.crt')}: the CA's own key stays ECDSA-P256, though spec.pki.algorithm says ECDSA-P384`,
      `${pki('front-proxy-ca.crt')}: the CA's own key stays ECDSA-P256, though spec.pki.algorithm says ECDSA-P384`,
      `${pki('sa.key')}: stays ECDSA-P256, though spec.pki.serviceAccountAlgorithm says ECDSA-P384; say ECDSA-P256 there, or rotate the key`,
    ]);
  });
});

describe('life', () => {
  const year = 365 * DAY;
  const later = (days: number) => new Date(Date.now() + days * DAY);

  test('what has less left than asked for is issued again, what has more is kept', async () => {
    await ensure(inventory, dir);
    expect((await ensure(inventory, dir, { now: later(334) })).changes).toEqual([]);
    const { changes } = await ensure(inventory, dir, { now: later(336) });
    expect(changes).toHaveLength(13);
    expect(changes[0]?.reasons.join()).toMatch(/^expires on \d{4}-\d\d-\d\d, in 2[89] days$/);
    expect((await ensure(inventory, dir, { now: later(336) })).changes).toEqual([]);
  });

  test('a CA near its end does not make its leaves be issued again and again', async () => {
    await ensure(inventory, dir);
    const now = later(3640);
    const first = await ensure(inventory, dir, { now });
    expect(first.changes).toHaveLength(13);
    expect(first.warnings.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/ca\.crt: the CA ends on \d{4}-\d\d-\d\d, in 9 days; what it signs ends with it$/),
    );
    expect((await ensure(inventory, dir, { now })).changes).toEqual([]);
    expect((await ensure(inventory, dir, { now: later(3649) })).changes).toEqual([]);
  });

  test('certificates that live shorter than the window are not issued again and again', async () => {
    const short = pkiInventory(testCluster({ certValidityHours: 24 }));
    await ensure(short, dir);
    expect((await ensure(short, dir, { now: later(0.5) })).changes).toEqual([]);
    expect((await ensure(short, dir, { now: later(0.7) })).changes).toHaveLength(13);
  });

  test('an expired CA stops everything and is not touched', async () => {
    await ensure(inventory, dir);
    const before = contents(dir);
    const said = await refusal(ensure(inventory, dir, { now: later(3651) }));
    expect(said).toMatch(/etcd\/ca\.crt: the CA has expired on \d{4}-/);
    expect(said).toContain('3 things are wrong');
    expect(contents(dir)).toEqual(before);
  });

  test('a clock that is far behind is asked about', async () => {
    await ensure(inventory, dir);
    expect(await refusal(ensure(inventory, dir, { now: new Date(Date.now() - year) }))).toMatch(
      /not valid before .*\n?.*is the clock of this machine right\?/,
    );
  });
});

describe('after a killed run', () => {
  test('a CA key alone is given its certificate', async () => {
    await ensure(inventory, dir);
    rmSync(pki('nodes'), { recursive: true });
    for (const file of ['ca.crt', 'admin.crt', 'super-admin.crt', 'admin.key', 'sa.pub']) rmSync(pki(file));
    const key = text('ca.key');
    const superAdmin = text('super-admin.key');
    const { changes } = await ensure(inventory, dir);
    expect(text('ca.key')).toBe(key);
    expect(text('super-admin.key')).toBe(superAdmin);
    expect(changes.filter(({ reasons }) => reasons.length)).toEqual(
      ['pki/ca.crt', 'pki/sa.pub', 'pki/super-admin.crt'].map((path) => ({
        kind: 'created',
        path,
        reasons: ['its key was there without it'],
      })),
    );
    expect((await ensure(inventory, dir)).changes).toEqual([]);
  });

  test('a CA certificate that has to be made again still fits the leaves of its key', async () => {
    await ensure(inventory, dir);
    rmSync(pki('ca.crt'));
    expect(paths((await ensure(inventory, dir)).changes)).toEqual(['pki/ca.crt']);
  });

  test('a new key beside an old certificate leads to a new pair', async () => {
    await ensure(inventory, dir);
    writeFileSync(pki(`${APISERVER}.key`), (await generateKey('ECDSA-P256')).reveal());
    const { changes } = await ensure(inventory, dir);
    expect(changes).toEqual([
      { kind: 'reissued', path: `pki/${APISERVER}.crt`, reasons: ['does not belong to the key beside it'] },
    ]);
    expect((await ensure(inventory, dir)).changes).toEqual([]);
  });

  test('temporary files are cleared away', async () => {
    await ensure(inventory, dir);
    const before = contents(dir);
    for (const path of ['.ca.key.tmp-0123456789ab', 'nodes/master-0/etcd/.peer.key.tmp-ba9876543210']) {
      writeFileSync(pki(path), 'x');
    }
    await ensure(inventory, dir);
    expect(contents(dir)).toEqual(before);
  });
});

describe('a damaged leaf', () => {
  test.each([
    ['nonsense', 'nonsense', 'holds no certificate in PEM form'],
    ['a cut-off certificate', '-----BEGIN CERTIFICATE-----\nMIIB', 'is cut off: the block "CERTIFICATE" has no end'],
    [
      'cut-off DER',
      '-----BEGIN CERTIFICATE-----\nMIIBAAAA\n-----END CERTIFICATE-----\n',
      'holds a certificate or key that is cut off',
    ],
    ['nothing', '', 'holds no certificate in PEM form'],
  ])('%s in the place of a certificate is replaced', async (_, damage, reason) => {
    await ensure(inventory, dir);
    writeFileSync(pki(`${APISERVER}.crt`), damage);
    const { changes } = await ensure(inventory, dir);
    expect(changes).toEqual([{ kind: 'reissued', path: `pki/${APISERVER}.crt`, reasons: [reason] }]);
    expect((await ensure(inventory, dir)).changes).toEqual([]);
  });

  test('one flipped bit anywhere in a certificate is found', async () => {
    await ensure(inventory, dir);
    const good = text(`${APISERVER}.crt`);
    const der = readCertificate(good).der;
    for (let i = 0; i < 40; i++) {
      const damaged = Buffer.from(der);
      const at = Math.floor((i / 40) * der.length);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (i % 8));
      const body = damaged.toString('base64').replace(/.{64}/g, '$&\n');
      writeFileSync(pki(`${APISERVER}.crt`), `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`);
      const { changes } = await ensure(inventory, dir, {}, inMemory(openPkiStore(dir)));
      expect(paths(changes), `byte ${at}`).toEqual([`pki/${APISERVER}.crt`]);
    }
  });

  test('a missing or unreadable key is replaced together with its certificate', async () => {
    await ensure(inventory, dir);
    rmSync(pki('admin.key'));
    writeFileSync(pki('super-admin.key'), 'nonsense', { mode: 0o600 });
    const { changes } = await ensure(inventory, dir);
    expect(changes.map(({ reasons }) => reasons)).toEqual([
      ['has no key beside it'],
      ['has a key file beside it that holds no private key in PEM form'],
    ]);
    expect((await ensure(inventory, dir)).changes).toEqual([]);
  });
});

describe('never overwritten', () => {
  /** Does something to a finished PKI, and expects a refusal that leaves every file as it was. */
  async function refused(damage: () => void | Promise<void>): Promise<string> {
    await ensure(inventory, dir);
    await damage();
    const before = contents(dir);
    const said = await refusal(ensure(inventory, dir));
    expect(contents(dir)).toEqual(before);
    return said;
  }

  test.each(['ca', 'etcd/ca', 'front-proxy-ca'])('%s: another key than the certificate’s', async (path) => {
    const said = await refused(async () =>
      writeFileSync(pki(`${path}.key`), (await generateKey('ECDSA-P256')).reveal()),
    );
    expect(said).toContain(`${pki(`${path}.key`)}: does not belong to ${pki(`${path}.crt`)}`);
  });

  test.each(['ca.crt', 'ca.key', 'sa.key', 'sa.pub', 'etcd/ca.crt'])('%s: nonsense, or nothing', async (file) => {
    expect(await refused(() => writeFileSync(pki(file), 'nonsense'))).toContain(`${pki(file)}: holds no`);
    writeFileSync(pki(file), '');
    expect(await refusal(ensure(inventory, dir))).toContain(`${pki(file)}: holds no`);
  });

  test('all that is damaged is named at once', async () => {
    const said = await refused(() => {
      for (const file of ['ca.crt', 'etcd/ca.key', 'sa.pub']) writeFileSync(pki(file), 'nonsense');
    });
    expect(said).toContain('3 things are wrong');
    for (const file of ['ca.crt', 'etcd/ca.key', 'sa.pub']) expect(said).toContain(`${pki(file)}: holds no`);
  });

  test('a CA that is gone while its leaves are there is not made anew', async () => {
    const said = await refused(() => {
      rmSync(pki('ca.crt'));
      rmSync(pki('ca.key'));
    });
    expect(said).toContain(`${pki('ca.crt')} and ${pki('ca.key')}: are missing, yet ${pki('admin.crt')} is there`);
    expect(said).toContain('restore them from a backup');
  });

  test('a service-account key that is gone is not made anew', async () => {
    expect(await refused(() => rmSync(pki('sa.key')))).toContain(
      `${pki('sa.key')}: is missing, yet ${pki('sa.pub')} is there`,
    );
    rmSync(pki('sa.pub'));
    expect(await refusal(ensure(inventory, dir))).toContain(
      `${pki('sa.key')}: is missing, yet ${pki('admin.crt')} is there`,
    );
  });

  test('a link to a medium that is not there is not taken for a missing key', async () => {
    const said = await refused(() => {
      renameSync(pki('ca.key'), join(dir, 'kept.key'));
      symlinkSync(join(dir, 'unmounted', 'ca.key'), pki('ca.key'));
    });
    expect(said).toContain(`${pki('ca.key')}: is a link to something that is not there`);
  });

  test('a directory, or a file without end, is not read', async () => {
    await refused(() => {
      rmSync(pki('admin.key'));
      mkdirSync(pki('admin.key'));
    });
    rmSync(pki('admin.key'), { recursive: true });
    symlinkSync('/dev/zero', pki('admin.key'));
    expect(await refusal(ensure(inventory, dir))).toContain(`${pki('admin.key')}: is not a regular file`);
  });

  test('a file that may not be read is named', async () => {
    await ensure(inventory, dir);
    chmodSync(pki('ca.key'), 0);
    const said = await withoutRootsRights(dir, () => refusal(ensure(inventory, dir)));
    expect(said).toContain(`${pki('ca.key')}: cannot be read: permission denied`);
  });

  test('a bundle in the place of the signing certificate is refused with the way out', async () => {
    const said = await refused(() => writeFileSync(pki('ca.crt'), text('ca.crt') + text('etcd/ca.crt')));
    expect(said).toContain(`${pki('ca.crt')}: holds 2 certificates instead of one`);
    expect(said).toContain(pki('ca-bundle.crt'));
  });

  test('a leaf in the place of a CA is refused', async () => {
    expect(await refused(() => writeFileSync(pki('ca.crt'), text('admin.crt')))).toContain(
      'is not the certificate of a CA',
    );
  });
});

describe('the trust bundle', () => {
  test('keeps the order of its file: another one would restart processes', async () => {
    await ensure(inventory, dir);
    writeFileSync(pki('ca-bundle.crt'), text('etcd/ca.crt') + text('ca.crt'));
    const { pki: made, changes } = await ensure(inventory, dir);
    expect(changes).toEqual([]);
    expect(made.authorities.get('kubernetes')?.bundle).toBe(text('etcd/ca.crt') + text('ca.crt'));
    expect(made.authorities.get('kubernetes')?.certificate).toBe(text('ca.crt'));
  });

  test('without its CA in it is an error', async () => {
    await ensure(inventory, dir);
    writeFileSync(pki('ca-bundle.crt'), text('etcd/ca.crt'));
    expect(await refusal(ensure(inventory, dir))).toContain(`${pki('ca-bundle.crt')}: does not hold ${pki('ca.crt')}`);
  });
});

describe('a CA whose key is kept elsewhere', () => {
  test('is fine while nothing has to be issued', async () => {
    await ensure(inventory, dir);
    rmSync(pki('ca.key'));
    const { changes, pki: made } = await ensure(inventory, dir);
    expect(changes).toEqual([]);
    expect(made.authorities.get('kubernetes')?.key).toBeUndefined();
  });

  test('is missed by name, once for each leaf that would have to be issued', async () => {
    await ensure(inventory, dir);
    rmSync(pki('ca.key'));
    rmSync(pki('admin.crt'));
    const before = contents(dir);
    const said = await refusal(ensure(pkiInventory(testCluster({ certSANs: ['new.example.com'] })), dir));
    expect(said).toContain('2 things are wrong');
    expect(said).toContain(`${pki('admin.crt')}: is missing; it cannot be issued without ${pki('ca.key')}`);
    expect(said).toContain(
      `${pki(`${APISERVER}.crt`)}: lacks the DNS name new.example.com; it cannot be issued without`,
    );
    expect(contents(dir)).toEqual(before);
  });

  test('what works although it should be renewed is a warning there', async () => {
    await ensure(pkiInventory(testCluster({ certSANs: ['old.example.com'] })), dir);
    rmSync(pki('ca.key'));
    const { changes, warnings } = await ensure(inventory, dir, { now: new Date(Date.now() + 340 * DAY) });
    expect(paths(changes).filter((path) => !/etcd|front-proxy/.test(path))).toEqual([]);
    expect(warnings.map(describeFault)).toContainEqual(
      expect.stringContaining(
        `${APISERVER}.crt: still holds the DNS name old.example.com; the key of its CA is kept elsewhere`,
      ),
    );
  });
});

describe('renewal', () => {
  const all = new Set(inventory.leaves.map(({ path }) => path));
  const renewal = (options: Partial<Renewal> = {}): Renewal => ({
    paths: all,
    named: false,
    within: undefined,
    keepKeys: false,
    ...options,
  });

  test('gives every leaf another key and certificate, and touches nothing else', async () => {
    await ensure(inventory, dir);
    const before = contents(pki());
    const { changes, elsewhere } = await ensure(inventory, dir, { renewal: renewal() });
    expect(changes.map(({ kind, reasons, keptKey }) => [kind, reasons, keptKey])).toEqual(
      Array.from({ length: 13 }, () => ['renewed', [], undefined]),
    );
    expect(elsewhere).toEqual([]);
    const after = contents(pki());
    const same = Object.keys(after).filter((path) => before[path] === after[path]);
    expect(same).toEqual([
      'ca.crt',
      'ca.key',
      'etcd/ca.crt',
      'etcd/ca.key',
      'front-proxy-ca.crt',
      'front-proxy-ca.key',
      'sa.key',
      'sa.pub',
    ]);
    expect((await ensure(inventory, dir)).changes).toEqual([]);
  });

  test('with the keys that are there changes certificates alone', async () => {
    await ensure(inventory, dir);
    const before = contents(pki());
    const { changes } = await ensure(inventory, dir, { renewal: renewal({ keepKeys: true }) });
    expect(changes.every(({ kind, keptKey }) => kind === 'renewed' && keptKey === true)).toBe(true);
    const after = contents(pki());
    const differ = Object.keys(after).filter((path) => before[path] !== after[path]);
    expect(differ).toEqual([...all].map((path) => `${path}.crt`).sort());
    expect((await ensure(inventory, dir)).changes).toEqual([]);
  });

  test('keeps no key of another kind than the cluster file says, and says so', async () => {
    await ensure(inventory, dir);
    const wanted = pkiInventory(testCluster({ algorithm: 'ECDSA-P384', serviceAccountAlgorithm: 'ECDSA-P256' }));
    const { changes } = await ensure(wanted, dir, { renewal: renewal({ keepKeys: true }) });
    expect(changes.map(({ keptKey }) => keptKey)).toEqual(Array.from({ length: 13 }, () => undefined));
    expect(changes[0]?.reasons).toEqual(['has a key of the kind ECDSA-P256 instead of ECDSA-P384']);
    expect((await ensure(wanted, dir)).changes).toEqual([]);
  });

  test('of some leaves leaves the others alone', async () => {
    await ensure(inventory, dir);
    const paths = new Set([APISERVER]);
    const { changes } = await ensure(inventory, dir, { renewal: renewal({ paths, named: true }) });
    expect(changes).toEqual([{ kind: 'renewed', path: `pki/${APISERVER}.crt`, reasons: [] }]);
  });

  test('of what ends within a time is done once', async () => {
    await ensure(inventory, dir);
    const now = new Date(Date.now() + 300 * DAY);
    const within = renewal({ within: 90 * DAY });
    const run = () => ensure(inventory, dir, { now, renewBefore: 0, renewal: within });
    expect((await run()).changes).toHaveLength(13);
    expect((await run()).changes).toEqual([]);
  });

  test('is no use for what ends with its CA', async () => {
    await ensure(pkiInventory(testCluster({ caValidityHours: 24 * 100 })), dir);
    const within = renewal({ within: 200 * DAY });
    expect((await ensure(inventory, dir, { renewBefore: 0, renewal: within })).changes).toEqual([]);
    expect((await ensure(inventory, dir, { renewBefore: 0, renewal: renewal() })).changes).toHaveLength(13);
  });

  test('goes on where the key of one CA is elsewhere, and says what it left', async () => {
    await ensure(inventory, dir);
    rmSync(pki('etcd/ca.key'));
    const { changes, elsewhere } = await ensure(inventory, dir, { renewal: renewal() });
    expect(changes).toHaveLength(9);
    expect(elsewhere).toEqual(
      ['apiserver-etcd-client', 'etcd/server', 'etcd/peer', 'etcd/healthcheck-client'].map(
        (name) => `pki/nodes/master-0/${name}.crt`,
      ),
    );
  });

  test('is refused where just that one was asked for, and nothing is written', async () => {
    await ensure(inventory, dir);
    rmSync(pki('etcd/ca.key'));
    const before = contents(dir);
    const paths = new Set([APISERVER, 'nodes/master-0/etcd/peer']);
    const said = await refusal(ensure(inventory, dir, { renewal: renewal({ paths, named: true }) }));
    expect(said).toContain(
      `${pki('nodes/master-0/etcd/peer.crt')}: was to be issued again; it cannot be issued without ${pki('etcd/ca.key')}`,
    );
    expect(said).toContain('bootstrap certs csr');
    expect(contents(dir)).toEqual(before);
  });
});

describe('the service-account pair', () => {
  test('keeps further public keys that are still accepted', async () => {
    await ensure(inventory, dir);
    const other = temporaryDirectory();
    await ensure(inventory, other);
    const both = readFileSync(join(other, 'pki/sa.pub'), 'utf8') + text('sa.pub');
    writeFileSync(pki('sa.pub'), both);
    const { changes, pki: made } = await ensure(inventory, dir);
    expect(changes).toEqual([]);
    expect(made.serviceAccount.publicKeys).toBe(both);
  });

  test('whose halves do not belong together is refused', async () => {
    await ensure(inventory, dir);
    const other = temporaryDirectory();
    await ensure(inventory, other);
    writeFileSync(pki('sa.pub'), readFileSync(join(other, 'pki/sa.pub')));
    expect(await refusal(ensure(inventory, dir))).toContain(
      `${pki('sa.pub')}: does not hold the public key of ${pki('sa.key')}`,
    );
  });
});

test('a key that others may read is a warning with the remedy, and stays as it is', async () => {
  await ensure(inventory, dir);
  chmodSync(pki('ca.key'), 0o644);
  const { warnings } = await ensure(inventory, dir);
  expect(warnings.map(describeFault)).toEqual([
    `${pki('ca.key')}: others may read this key (mode 0644); chmod 600 ${pki('ca.key')}`,
  ]);
  expect(modes(pki())['ca.key']).toBe('644');
});

test('no private key shows in what is returned or thrown', async () => {
  const done = await ensure(inventory, dir);
  writeFileSync(pki('sa.pub'), text('sa.key'));
  writeFileSync(pki('etcd/ca.crt'), text('etcd/ca.key'));
  const error: unknown = await ensure(inventory, dir).catch((thrown: unknown) => thrown);
  const shown = [
    inspect(done, { depth: 20 }),
    JSON.stringify(done),
    `${done}`,
    inspect(error, { depth: 20, showHidden: true }),
  ].join('\n');
  expect(error).toBeInstanceOf(BootstrapError);
  expect(shown).not.toContain('PRIVATE KEY-----');
  for (const [path, content] of Object.entries(contents(pki()))) {
    if (!path.endsWith('.key')) continue;
    const body = content.split('\n').slice(1, -2).join('').slice(20, 60);
    expect(shown, path).not.toContain(body);
  }
});

test('a failing key generator writes nothing', async () => {
  let left = 5;
  const failing = (algorithm: 'ECDSA-P256') =>
    left-- > 0 ? generateKey(algorithm) : Promise.reject(new Error('no entropy'));
  await expect(ensure(inventory, dir, { generateKey: failing as typeof generateKey })).rejects.toThrow('no entropy');
  expect(contents(dir)).toEqual({});
});

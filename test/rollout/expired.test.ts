import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Bundle, type BundleFile, makeBundle } from '../../src/bundle/bundle.ts';
import { certificatePaths, type ExpiredInput, expiredOn } from '../../src/rollout/plan/expired.ts';
import { type TestAuthority, testAuthority } from './probe-pki.ts';

const PKI = '/etc/kubernetes/pki';
const PATHS = [`${PKI}/etcd/server.crt`, `${PKI}/kubelet/client.crt`, `${PKI}/scheduler/client.crt`];
const OLD = { made: -40, validity: 30 };

let ours: TestAuthority;
let foreign: TestAuthority;
let valid: string;
let old: string;

beforeAll(async () => {
  [ours, foreign] = await Promise.all([testAuthority(), testAuthority()]);
  const issue = async (options: typeof OLD | undefined) => (await ours.issue(options)).certificate;
  [valid, old] = await Promise.all([issue(undefined), issue(OLD)]);
});

const file = (path: string, content: string): BundleFile => ({
  path,
  content: Buffer.from(content),
  mode: 0o644,
  owner: 'root:root',
  sensitive: false,
  effect: { kind: 'none' },
});

const sha256 = (content: string): string => createHash('sha256').update(content).digest('hex');

interface Seen {
  /** By path; the rest is as wanted. */
  readonly onNode?: Readonly<Record<string, string>>;
  readonly wanted?: Readonly<Record<string, string>>;
  readonly kubeletIdentity?: string;
  /** Days that the node's clock is ahead of this one. */
  readonly ahead?: number;
}

function expired({ onNode = {}, wanted = {}, kubeletIdentity = '', ahead = 0 }: Seen) {
  const bundle: Bundle = makeBundle(
    'cp1',
    [],
    [...PATHS.map((path) => file(path, wanted[path] ?? valid)), file(`${PKI}/ca-bundle.crt`, ours.ca)],
  );
  const text = ({ path, content }: BundleFile) => onNode[path] ?? content.toString();
  const states = bundle.files.map(
    (each) => [each.path, { type: 'file', sha256: sha256(text(each)), mode: 0o644, owner: 'root:root' }] as const,
  );
  const facts: ExpiredInput['facts'] = { files: new Map(states), clock: Date.now() + ahead * 86_400_000 };
  const contents = new Map(certificatePaths(bundle, facts).map((path) => [path, Buffer.from(onNode[path] ?? '')]));
  const { certificates, ...found } = expiredOn({ bundle, facts, contents, kubeletIdentity });
  return {
    ...found,
    certificates: certificates.map(({ path }) => path.slice(PKI.length + 1)),
    read: [...contents.keys()],
  };
}

const everywhere = (content: string) => Object.fromEntries(PATHS.map((path) => [path, content]));
const nothing = { certificates: [], etcd: false, kubelet: undefined, wanted: [] };

describe('what has expired on a node', () => {
  test('is nothing where all is as wanted, and then nothing is read', () => {
    expect(expired({})).toEqual({ ...nothing, read: [] });
  });

  test('is told of its files, which of them count for etcd, and whether the kubelet can log in', () => {
    expect(expired({ onNode: everywhere(old) })).toEqual({
      certificates: ['etcd/server.crt', 'kubelet/client.crt', 'scheduler/client.crt'],
      etcd: true,
      kubelet: 'delivered',
      wanted: [],
      read: PATHS,
    });
    const scheduler = expired({ onNode: { [`${PKI}/scheduler/client.crt`]: old } });
    expect(scheduler).toMatchObject({ certificates: ['scheduler/client.crt'], etcd: false, kubelet: undefined });
  });

  test('goes by what the kubelet has got by itself where it has', () => {
    expect(expired({ onNode: everywhere(old), kubeletIdentity: valid }).kubelet).toBeUndefined();
    expect(expired({ kubeletIdentity: old }).kubelet).toBe('own');
  });

  test('is also said of what the node shall have: nobody has the key to issue it again', () => {
    const all = everywhere(old);
    expect(expired({ onNode: all, wanted: all })).toMatchObject({ etcd: true, wanted: PATHS, read: [] });
  });

  test('is none of another CA of the same name, no CA, and nothing that is damaged', async () => {
    const { certificate } = await foreign.issue(OLD);
    expect(expired({ onNode: everywhere(certificate) })).toMatchObject(nothing);
    expect(
      expired({ onNode: everywhere('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n') }),
    ).toMatchObject(nothing);
    expect(expired({ ahead: 10_000 })).toMatchObject(nothing);
  });

  test('goes by the clock of the node; what is not valid yet has not expired', async () => {
    const { certificate } = await ours.issue({ made: 20, validity: 30 });
    expect(expired({ onNode: everywhere(certificate) })).toMatchObject(nothing);
    expect(expired({ onNode: everywhere(old), ahead: -15 })).toMatchObject(nothing);
    expect(expired({ ahead: 40 })).toMatchObject({ etcd: true });
  });
});

import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Bundle, type FileEffect, makeBundle } from '../../src/bundle/bundle.ts';
import { restartsOf, restartWords } from '../../src/cli/certs/consequences.ts';
import { bootstrap, clusterDir, emptyDir, filesOf, HA_OPTIONS, type Ran, snapshot } from '../support/cli.ts';
import { file } from '../support/spec.ts';

const ONE = 'nodes: [{name: cp1, addresses: [10.0.0.11]}]';

/** A cluster of one master. */
function single(spec = ''): string {
  const dir = clusterDir(file(`${ONE}\n${spec}`));
  succeeds(bootstrap(dir, 'init'));
  return dir;
}

function succeeds(ran: Ran): Ran {
  expect(ran.status, ran.stdout + ran.stderr).toBe(0);
  expect(ran.stdout + ran.stderr).not.toMatch(/PRIVATE KEY|undefined|\[object/);
  return ran;
}

/** Files whose content or mode has changed. */
function changed(dir: string, before: Readonly<Record<string, string>>): readonly string[] {
  const after = snapshot(dir);
  return Object.keys(after).filter((path) => before[path] !== after[path]);
}

const renew = (dir: string, ...args: readonly string[]) => bootstrap(dir, 'certs', 'renew', ...args);

describe('what restarts', () => {
  const bundle = (node: string): Bundle => {
    const file = (path: string, effect: FileEffect) => ({
      path,
      content: Buffer.alloc(0),
      mode: 0o600,
      owner: 'root:root',
      sensitive: false,
      effect,
    });
    return makeBundle(
      node,
      [],
      [
        file('/a.crt', { kind: 'none' }),
        file('/b.conf', { kind: 'pods', pods: ['kube-scheduler'], kubelet: true }),
        file('/c.yaml', { kind: 'manifest', pod: 'kube-scheduler' }),
      ],
    );
  };
  const change = (path: string) => ({ kind: 'change', path, sensitive: false, edited: false }) as const;
  const said = (...paths: readonly string[]) =>
    restartWords(
      restartsOf({
        bundles: ['cp1', 'cp2'].map(bundle),
        nodes: { changes: paths.map(change), strays: [], foreign: [], unchanged: 0 },
      }),
    );

  test('is told from the effects of the files that have changed', () => {
    expect(said('cp1/a.crt')).toMatch(/^nothing restarts/);
    expect(said('cp1/a.crt', 'cp1/b.conf', 'cp1/c.yaml')).toBe('restarts kube-scheduler, kubelet on cp1');
    expect(said('cp1/c.yaml', 'cp2/c.yaml')).toBe('restarts kube-scheduler on cp1, cp2, one master at a time');
  });
});

describe('certs renew', () => {
  test('renews every leaf of three masters and renders what follows; on 1.36 nothing is to restart', () => {
    const dir = emptyDir();
    succeeds(bootstrap(dir, 'init', ...HA_OPTIONS));
    const before = snapshot(dir);
    const { stdout } = succeeds(renew(dir));
    expect(stdout).toMatch(/^renewed 35 certificates with new keys, valid until \d{4}-\d\d-\d\d\n/);
    expect(stdout).toContain('  here: admin, super-admin\n  cp1, cp2, cp3: apiserver, apiserver-kubelet-client,');
    expect(stdout).toContain('When it is applied, nothing restarts');
    expect(stdout).toContain('bootstrap apply');
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    const files = changed(dir, before);
    expect(files.filter((path) => path.startsWith('pki/'))).toHaveLength(70);
    expect(files.filter((path) => path.includes('/manifests/') || /(^|\/)(ca|sa|.*-ca)\./.test(path))).toEqual([]);
    expect(files).toEqual(
      expect.arrayContaining(['admin.conf', 'super-admin.conf', 'nodes/cp1/etc/kubernetes/admin.conf']),
    );
    expect(succeeds(bootstrap(dir, 'render')).stdout).toContain('nothing to change');
  });

  test('renews those that are named, on one node, and leaves every other file alone', () => {
    const dir = emptyDir();
    succeeds(bootstrap(dir, 'init', ...HA_OPTIONS));
    const before = snapshot(dir);
    succeeds(renew(dir, 'apiserver', 'etcd/server', '--node', 'cp2', '--keep-keys'));
    expect(changed(dir, before).filter((path) => !path.startsWith('nodes/.'))).toEqual([
      'nodes/cp2/etc/kubernetes/pki/apiserver.crt',
      'nodes/cp2/etc/kubernetes/pki/etcd/server.crt',
      'pki/nodes/cp2/apiserver.crt',
      'pki/nodes/cp2/etcd/server.crt',
    ]);
  });

  test('as a dry run writes nothing and says the same', () => {
    const dir = single();
    const before = snapshot(dir);
    const { stdout } = succeeds(renew(dir, 'scheduler', '--dry-run'));
    expect(stdout).toMatch(/^would renew 1 certificate with new keys, valid until /);
    expect(snapshot(dir)).toEqual(before);
  });

  test('gives what it has done as data', () => {
    const dir = single();
    const data = JSON.parse(succeeds(renew(dir, 'controller-manager', '-o', 'json')).stdout);
    expect(data).toMatchObject({
      renewed: [
        {
          name: 'controller-manager',
          node: 'cp1',
          path: 'pki/nodes/cp1/controller-manager.crt',
          key: 'new',
          reasons: [],
        },
      ],
      alsoIssued: [],
      elsewhere: [],
      restarts: {},
    });
    expect(data.files.map(({ path }: { path: string }) => path)).toEqual([
      'nodes/cp1/etc/kubernetes/pki/controller-manager/client.crt',
      'nodes/cp1/etc/kubernetes/pki/controller-manager/client.key',
    ]);
  });

  test('of what ends within a time does nothing where nothing does, and renews once where it does', () => {
    const dir = single('pki: {certValidity: 480h}');
    const before = snapshot(dir);
    const nothing = succeeds(renew(dir, '--expires-within', '10d'));
    expect(nothing.stdout).toMatch(
      /^nothing to renew: none of 13 certificates ends within 10 days; the first one ends on \d{4}-\d\d-\d\d\n$/,
    );
    expect(changed(dir, before)).toEqual([]);
    const longer = ['--set', 'spec.pki.certValidity=4800h', '--expires-within', '30d'];
    expect(succeeds(renew(dir, ...longer)).stdout).toMatch(/^renewed 13 certificates /);
    expect(succeeds(renew(dir, ...longer)).stdout).toMatch(/^nothing to renew: /);
  });

  test('takes names and algorithm from the cluster file, with --keep-keys too, and says which key could not be kept', () => {
    const dir = single();
    const key = () => readFileSync(join(dir, 'pki/nodes/cp1/apiserver.key'), 'utf8');
    const before = key();
    const sets = ['--set', 'spec.apiServer.certSANs=[more.example.com]'];
    expect(succeeds(renew(dir, 'apiserver', '--keep-keys', ...sets)).stdout).toContain(
      'pki/nodes/cp1/apiserver.crt: lacks the DNS name more.example.com',
    );
    expect(key()).toBe(before);
    const { stdout } = succeeds(
      renew(dir, 'apiserver', '--keep-keys', ...sets, '--set', 'spec.pki.algorithm=ECDSA-P384'),
    );
    expect(stdout).toMatch(/^renewed 1 certificate with new keys/);
    expect(stdout).toMatch(/apiserver\.crt: has a key of the kind ECDSA-P256 instead of\s+ECDSA-P384/);
    expect(key()).not.toBe(before);
  });

  test('restarts nothing on older versions either, as their kubeconfigs name files too', () => {
    const dir = single('kubernetesVersion: v1.33.4');
    expect(JSON.parse(succeeds(renew(dir, '-o', 'json')).stdout).restarts).toEqual({});
  });

  test('wrong usage is told as that, and nothing is written', () => {
    const dir = single();
    const before = snapshot(dir);
    for (const [args, said] of [
      [['apisrver'], 'there is no certificate "apisrver"\n  did you mean "apiserver"?'],
      [['super-admin', '--node', 'cp1'], 'super-admin is no certificate of cp1\n  it is one of the cluster directory'],
      [['--node', 'cp9'], 'there is no node "cp9"'],
      [['etcd'], 'etcd is a CA: those are not renewed\n  `bootstrap certs rotate-ca etcd`'],
      [['sa'], 'sa is a key without a certificate\n  `bootstrap certs rotate-sa-key`'],
      [['--expires-within', '9000h'], '--expires-within 9000h: certificates are not valid for longer than that'],
    ] as const) {
      const ran = renew(dir, ...args);
      expect(ran.status).toBe(64);
      expect(ran.stderr).toContain(said);
    }
    expect(snapshot(dir)).toEqual(before);
  });

  test('leaves those whose CA is kept elsewhere, and names the way; asked for by name that is an error', () => {
    const dir = single();
    rmSync(join(dir, 'pki/etcd/ca.key'));
    const { stdout } = succeeds(renew(dir));
    expect(stdout).toMatch(/^renewed 9 certificates /);
    expect(stdout).toMatch(
      /4 certificates not renewed, because the key of the CA is kept elsewhere;\n`bootstrap certs csr`/,
    );
    expect(stdout).toContain('cp1: apiserver-etcd-client, etcd/server, etcd/peer, etcd/healthcheck-client');
    const before = snapshot(dir);
    const named = renew(dir, 'apiserver', 'etcd/peer');
    expect(named.status).toBe(1);
    expect(named.stderr).toContain('etcd/peer.crt: was to be issued again; it cannot be issued without');
    expect(named.stderr).toContain('bootstrap certs csr');
    expect(snapshot(dir)).toEqual(before);
  });

  test('founds nothing where there is no PKI', () => {
    const dir = clusterDir(file(ONE));
    const ran = renew(dir);
    expect(ran.status).toBe(64);
    expect(ran.stderr).toContain('holds no PKI of this cluster yet');
    expect(existsSync(join(dir, 'pki'))).toBe(false);
    expect(filesOf(dir)).toEqual(['cluster.yaml']);
  });
});

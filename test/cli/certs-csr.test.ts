import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AUTHORITIES, type AuthorityPath, authorityOf, makeAuthorities, put, sign } from '../pki/external-tools.ts';
import { opensslVerify } from '../pki/tools.ts';
import { bootstrap, clusterDir, emptyDir, filesOf, type Ran, snapshot } from '../support/cli.ts';
import { file, THREE } from '../support/spec.ts';
import { needTool } from '../support/tools.ts';

const ONE = 'nodes: [{name: cp1, addresses: [10.0.0.11]}]';
const PATHS = Object.keys(AUTHORITIES) as readonly AuthorityPath[];

function run(dir: string, args: readonly string[], status = 0): Ran {
  const ran = bootstrap(dir, ...args);
  expect(ran.status, `${args.join(' ')}\n${ran.stdout}${ran.stderr}`).toBe(status);
  expect(ran.stdout + ran.stderr).not.toMatch(/PRIVATE KEY|undefined|\[object/);
  return ran;
}

/** A cluster directory with the certificates of CAs whose keys are in another one. */
function external(spec = ONE): { readonly dir: string; readonly safe: string } {
  const [dir, safe] = [clusterDir(file(spec)), emptyDir()];
  makeAuthorities(safe);
  for (const path of PATHS) put(join(dir, 'pki', `${path}.crt`), readFileSync(join(safe, `${path}.crt`), 'utf8'));
  return { dir, safe };
}

/** Has OpenSSL sign all requests below `csr/`. */
function signAll(dir: string, safe: string, ...options: readonly string[]): void {
  for (const path of filesOf(join(dir, 'csr')).filter((each) => each.endsWith('.csr'))) {
    const name = path.slice(0, -'.csr'.length);
    put(
      join(dir, 'csr', `${name}.crt`),
      sign(join(safe, authorityOf(name)), readFileSync(join(dir, 'csr', path), 'utf8'), ...options),
    );
  }
}

/** What is printed to be run where a CA's key is, with that key. */
function loops(text: string, safe: string): readonly string[] {
  const found = [...text.matchAll(/^ {2}for f in[\s\S]*?^ {2}done$/gm)].map(([loop]) => loop);
  return found.map((loop) => {
    const path = PATHS.find((each) => loop.includes(`pki/${each}.crt`)) ?? 'ca';
    return loop.replace('CA.key', join(safe, `${path}.key`));
  });
}

describe.runIf(needTool('openssl'))('CAs that are kept elsewhere', () => {
  test('found a cluster: init names the way, csr asks, OpenSSL signs as it is told, import and init do the rest', () => {
    const { dir, safe } = external(`profiles: [ha]\n${THREE}`);
    const stuck = run(dir, ['init'], 1);
    expect(stuck.stderr).toMatch(/pki\/admin\.crt: is missing; it cannot be issued without .*pki\/ca\.key\n/);
    expect(stuck.stderr).toContain('`bootstrap certs csr` writes requests for them');

    const asked = run(dir, ['certs', 'csr']).stdout;
    expect(asked).toMatch(/^wrote 35 requests to csr; the keys wait in pki\/pending\n/);
    expect(asked).toContain('CN=kubernetes (pki/ca.crt) signs 20, each for 365 days at most:');
    expect(asked).toContain('CN=etcd-ca (pki/etcd/ca.crt) signs 12, each for 365 days at most:');
    const commands = loops(asked, safe);
    expect(commands).toHaveLength(3);
    for (const command of commands) execFileSync('sh', ['-ec', command], { cwd: dir, stdio: 'pipe' });

    expect(run(dir, ['certs', 'import', 'csr', '--dry-run']).stdout).toMatch(/^would take in 35 certificates/);
    const imported = run(dir, ['certs', 'import', 'csr']).stdout;
    expect(imported).toMatch(/^took in 35 certificates, valid until /);
    expect(imported).toContain('bootstrap init');
    expect(filesOf(join(dir, 'pki')).filter((path) => path.startsWith('pending/') || path.endsWith('ca.key'))).toEqual(
      [],
    );

    expect(run(dir, ['init']).stdout).toMatch(/^Made a control plane in /);
    expect(run(dir, ['render']).stdout).toContain('nothing to change');
    for (const name of ['apiserver', 'etcd/peer', 'front-proxy-client'])
      expect(
        opensslVerify(join(safe, `${authorityOf(`nodes/cp1/${name}`)}.crt`), join(dir, `pki/nodes/cp1/${name}.crt`)),
      ).toBe('OK');
    expect(filesOf(join(dir, 'nodes')).filter((path) => path.endsWith('/ca.key'))).toEqual([]);
    expect(run(dir, ['certs', 'import', 'csr']).stdout).toMatch(
      /^nothing to take in: all of it is in its place already/,
    );
  });

  test('may be brought by init --pki; what has been signed may come in portions', () => {
    const { dir: source, safe } = external();
    const dir = clusterDir(file(ONE));
    expect(run(dir, ['init', '--pki', join(source, 'pki')], 1).stderr).toContain('bootstrap certs csr');
    run(dir, ['certs', 'csr']);
    signAll(dir, safe);
    const first = run(dir, ['certs', 'import', 'csr/admin.crt', 'csr/nodes/cp1/etcd']).stdout;
    expect(first).toMatch(/^took in 4 certificates/);
    expect(first).toMatch(/9 certificates that a CA kept elsewhere must sign still missing/);
    run(dir, ['certs', 'import', 'csr']);
    run(dir, ['init']);
  });

  test('renew: what is asked for, then what ends soon, for an old key or a new one', () => {
    const { dir, safe } = external();
    run(dir, ['certs', 'csr']);
    signAll(dir, safe, '-days', '20');
    const soon = run(dir, ['certs', 'import', 'csr']);
    expect(soon.stderr).toMatch(/warning: csr\/admin\.crt: the certificate for admin expires on /);
    run(dir, ['init']);

    const before = snapshot(join(dir, 'pki'));
    const again = run(dir, ['certs', 'csr', '-o', 'json']).stdout;
    const { authorities } = JSON.parse(again) as { authorities: { requests: { reasons: string[] }[] }[] };
    expect(authorities.map(({ requests }) => requests.length)).toEqual([8, 4, 1]);
    expect(authorities[0]?.requests[0]?.reasons.join()).toMatch(/^expires on .*, in (19|20) days$/);
    // nothing that is in use changes before the import
    const pending = snapshot(join(dir, 'pki'));
    for (const path of Object.keys(before)) expect(pending[path], path).toBe(before[path]);
    signAll(dir, safe);
    expect(run(dir, ['certs', 'import', 'csr']).stdout).toContain('bootstrap apply');
    expect(run(dir, ['certs', 'csr']).stdout).toContain('nothing to request');
    expect(run(dir, ['render']).stdout).toMatch(/changed/);
  });

  test('take back their key, and the next certificate is issued here again', () => {
    const { dir, safe } = external();
    run(dir, ['certs', 'csr']);
    signAll(dir, safe);
    run(dir, ['certs', 'import', 'csr']);
    run(dir, ['init']);
    expect(run(dir, ['certs', 'import', safe]).stdout).toContain('took in the key of the CA etcd: pki/etcd/ca.key');
    expect(run(dir, ['certs', 'renew', 'etcd/peer']).stdout).toMatch(/^renewed 1 certificate /);
  });

  test('refuse what does not fit with the exact reason, and nothing of the rest is taken in either', () => {
    const { dir, safe } = external();
    run(dir, ['certs', 'csr']);
    signAll(dir, safe);
    const request = readFileSync(join(dir, 'csr/nodes/cp1/apiserver.csr'), 'utf8');
    put(join(dir, 'csr/nodes/cp1/apiserver.crt'), sign(join(safe, 'front-proxy-ca'), request));
    const before = snapshot(dir);
    const ran = run(dir, ['certs', 'import', 'csr'], 1);
    expect(ran.stderr).toContain(
      'error: csr/nodes/cp1/apiserver.crt: the certificate for nodes/cp1/apiserver was issued by another CA than CN=kubernetes',
    );
    expect(snapshot(dir)).toEqual(before);
  });

  test('wrong usage is said to be that', () => {
    const { dir, safe } = external();
    expect(run(dir, ['certs', 'import', 'nowhere'], 64).stderr).toContain('nowhere: there is no such file');
    mkdirSync(join(dir, 'empty'));
    expect(run(dir, ['certs', 'import', 'empty'], 64).stderr).toContain('empty: holds no certificates');
    expect(run(dir, ['certs', 'csr', 'apisever'], 64).stderr).toContain('did you mean "apiserver"?');
    cpSync(join(safe, 'ca.key'), join(dir, 'pki/ca.key'));
    expect(run(dir, ['certs', 'csr', 'apiserver'], 64).stderr).toMatch(
      /the key of the CA of nodes\/cp1\/apiserver is here.*\n {2}`bootstrap certs renew apiserver`/,
    );
    put(join(dir, 'requests/nodes/cp1/etcd/peer.csr'), 'mine');
    expect(run(dir, ['certs', 'csr', 'etcd/peer', '--out', 'requests'], 1).stderr).toContain(
      'is there, and is no request',
    );
    expect(readFileSync(join(dir, 'requests/nodes/cp1/etcd/peer.csr'), 'utf8')).toBe('mine');
    rmSync(dirname(join(dir, 'requests/x')), { recursive: true });
  });
});

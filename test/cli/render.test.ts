import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bootstrap, clusterDir, emptyDir, filesOf, HA_OPTIONS, snapshot } from '../support/cli.ts';
import { file, THREE } from '../support/spec.ts';

function initialised(spec = THREE): string {
  const dir = clusterDir(file(spec));
  const ran = bootstrap(dir, 'init');
  expect([ran.status, ran.stderr]).toEqual([0, '']);
  return dir;
}

describe('render', () => {
  test('makes nodes/ and the kubeconfigs again, to the same bytes', () => {
    const dir = initialised();
    const before = snapshot(dir);
    rmSync(join(dir, 'nodes'), { recursive: true });
    rmSync(join(dir, 'admin.conf'));
    expect(bootstrap(dir, 'render').status).toBe(0);
    expect(snapshot(dir)).toEqual(before);
  });

  test('issues just the certificates again that no longer fit, and names them with the reason', () => {
    const dir = initialised();
    const before = snapshot(join(dir, 'pki'));
    writeFileSync(join(dir, 'cluster.yaml'), file(`${THREE}\napiServer: {certSANs: [api.example.org]}`));
    const ran = bootstrap(dir, 'render');
    expect(ran.status).toBe(0);
    for (const node of ['cp1', 'cp2', 'cp3'])
      expect(ran.stdout).toMatch(new RegExp(`issued again pki/nodes/${node}/apiserver.crt: .*api\\.example\\.org`));
    const after = snapshot(join(dir, 'pki'));
    const changed = Object.keys(after).filter((path) => after[path] !== before[path]);
    expect(changed).toEqual(
      ['cp1', 'cp2', 'cp3'].flatMap((n) => [`nodes/${n}/apiserver.crt`, `nodes/${n}/apiserver.key`]),
    );
    const text = execFileSync(
      'openssl',
      ['x509', '-noout', '-ext', 'subjectAltName', '-in', join(dir, 'nodes/cp2/etc/kubernetes/pki/apiserver.crt')],
      { encoding: 'utf8' },
    );
    expect(text).toContain('DNS:api.example.org');
  });

  test('--renew-before issues certificates again that end sooner', () => {
    const dir = initialised();
    expect(bootstrap(dir, 'render', '--renew-before', '2000h').stdout).toContain('nothing to change');
    expect(bootstrap(dir, 'render', '--renew-before', '366d').status).toBe(64);
    writeFileSync(
      join(dir, 'cluster.yaml'),
      file(`${THREE}
pki: {certValidity: 9000h}`),
    );
    expect(bootstrap(dir, 'render', '--renew-before', '8900h').stdout.match(/issued again/g)?.length).toBe(35);
    expect(bootstrap(dir, 'render', '--renew-before', '8900h').stdout).toContain('nothing to change');
    expect(bootstrap(dir, 'render', '--renew-before', 'soon').status).toBe(64);
  });

  test('certificates with a short life are not issued again at every run', () => {
    const dir = initialised(`${THREE}\npki: {certValidity: 720h}`);
    expect(bootstrap(dir, 'render').stdout).toContain('nothing to change');
  });

  test('--dry-run shows a diff, hides secret files and writes nothing', () => {
    const dir = initialised();
    const before = snapshot(dir);
    const ran = bootstrap(
      dir,
      'render',
      '--dry-run',
      '--set',
      'spec.scheduler.extraArgs.v=4',
      '--set',
      'spec.apiServer.certSANs=[a.example.com]',
    );
    expect(ran.status).toBe(0);
    expect(ran.stdout).toContain('+    - --v=4');
    expect(ran.stdout).toContain('--- nodes/cp1/etc/kubernetes/pki/apiserver.key\n(secret: not shown)');
    expect(snapshot(dir)).toEqual(before);
  });

  test('--node writes that node only', () => {
    const dir = initialised();
    const before = snapshot(join(dir, 'nodes'));
    expect(bootstrap(dir, 'render', '--node', 'cp2', '--set', 'spec.scheduler.extraArgs.v=4').status).toBe(0);
    const after = snapshot(join(dir, 'nodes'));
    expect(Object.keys(after).filter((path) => after[path] !== before[path] && path !== '.rendered.json')).toEqual([
      'cp2/etc/kubernetes/manifests/kube-scheduler.yaml',
    ]);
    const wrong = bootstrap(dir, 'render', '--node', 'cp9');
    expect([wrong.status, wrong.stderr]).toEqual([64, expect.stringContaining('there is no node "cp9"')]);
  });

  test('removes what an earlier run rendered and is wanted no more, such as a node that has left', () => {
    const dir = initialised(
      `${THREE}\n  - {name: cp4, addresses: [10.0.0.14]}\n  - {name: cp5, addresses: [10.0.0.15]}\nfiles: [{path: /etc/motd, content: hello}]`,
    );
    writeFileSync(join(dir, 'cluster.yaml'), file(THREE));
    const ran = bootstrap(dir, 'render');
    expect(ran.status).toBe(0);
    expect(ran.stderr).toContain('pki/nodes/cp4 holds keys of a node that has left');
    expect(filesOf(join(dir, 'nodes')).filter((path) => /motd/.test(path))).toEqual([]);
    expect([existsSync(join(dir, 'nodes/cp4')), existsSync(join(dir, 'nodes/cp5'))]).toEqual([false, false]);
  });

  test('puts an edited file back and says that it had been edited', () => {
    const dir = initialised();
    const path = join(dir, 'nodes/cp1/etc/kubernetes/manifests/etcd.yaml');
    const good = readFileSync(path);
    writeFileSync(path, `${good}# mine\n`);
    chmodSync(path, 0o600);
    expect(bootstrap(dir, 'render').stdout).toContain(
      '~ nodes/cp1/etc/kubernetes/manifests/etcd.yaml (had been edited by hand)',
    );
    expect(readFileSync(path)).toEqual(good);
  });

  test('without a cluster file or a CA key says what to do', () => {
    const none = bootstrap(emptyDir(), 'render');
    expect([none.status, none.stderr]).toEqual([64, expect.stringContaining('`bootstrap init` makes a cluster file')]);
    const dir = initialised();
    rmSync(join(dir, 'pki/ca.key'));
    const lost = bootstrap(dir, 'render');
    expect([lost.status, lost.stderr]).toEqual([
      76,
      expect.stringContaining('nodes/cp1/etc/kubernetes/pki/ca.key is still there'),
    ]);
    for (const node of ['cp1', 'cp2', 'cp3']) rmSync(join(dir, 'nodes', node, 'etc/kubernetes/pki/ca.key'));
    expect(bootstrap(dir, 'render').status).toBe(0);
    const ran = bootstrap(dir, 'render', '--set', 'spec.apiServer.certSANs=[a.example.com]');
    expect(ran.status).not.toBe(0);
    expect(ran.stderr).toMatch(/pki\/ca\.key/);
  });

  test('never founds a second cluster over a lost PKI, nor does init', () => {
    const dir = initialised();
    rmSync(join(dir, 'pki'), { recursive: true });
    const before = snapshot(dir);
    for (const command of ['render', 'init']) {
      const ran = bootstrap(dir, command);
      expect([ran.status, ran.stderr]).toEqual([76, expect.stringContaining('pki/ back from your copy')]);
      expect(snapshot(dir)).toEqual(before);
    }
  });

  test('never overwrites a file that it has not written', () => {
    const dir = clusterDir(file(THREE));
    writeFileSync(join(dir, 'admin.conf'), 'mine');
    mkdirSync(join(dir, 'nodes/cp1/etc/kubernetes/manifests'), { recursive: true });
    writeFileSync(join(dir, 'nodes/cp1/etc/kubernetes/manifests/etcd.yaml'), 'mine');
    const ran = bootstrap(dir, 'init');
    expect(ran.status).toBe(76);
    expect(ran.stderr).toMatch(
      /nodes\/cp1\/etc\/kubernetes\/manifests\/etcd\.yaml would be overwritten\nadmin\.conf would be/,
    );
    expect(readFileSync(join(dir, 'admin.conf'), 'utf8')).toBe('mine');
  });

  test('takes templates of the user’s own', () => {
    const dir = initialised();
    const own = join(dir, 'templates/manifests');
    execFileSync('mkdir', ['-p', own]);
    const builtin = readFileSync(new URL('../../templates/manifests/kube-scheduler.yaml.hbs', import.meta.url), 'utf8');
    writeFileSync(
      join(own, 'kube-scheduler.yaml.hbs'),
      builtin.replace('tier: control-plane', 'tier: control-plane\n    team: platform'),
    );
    expect(bootstrap(dir, 'render').status).toBe(0);
    expect(readFileSync(join(dir, 'nodes/cp1/etc/kubernetes/manifests/kube-scheduler.yaml'), 'utf8')).toContain(
      'team: platform',
    );
    writeFileSync(join(own, 'kube-scheduler.yaml.hbs'), builtin.replace('{{yaml image}}', '{{image}}'));
    const wrong = bootstrap(dir, 'render');
    expect([wrong.status, wrong.stderr]).toEqual([
      65,
      expect.stringMatching(/templates\/manifests\/kube-scheduler\.yaml\.hbs:\d+:\d+: /),
    ]);
  });
});

describe('the same cluster', () => {
  test('is rendered alike by two directories with the same PKI, wherever they lie', () => {
    const [a, b] = [emptyDir(), emptyDir()];
    bootstrap(a, 'init', ...HA_OPTIONS);
    execFileSync('cp', ['-r', join(a, 'pki'), join(a, 'cluster.yaml'), b]);
    expect(bootstrap(b, 'render').status).toBe(0);
    expect(snapshot(join(b, 'nodes'))).toEqual(snapshot(join(a, 'nodes')));
  });
});

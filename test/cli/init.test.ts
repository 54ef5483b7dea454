import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  BOOTSTRAP,
  bootstrap,
  clusterDir,
  emptyDir,
  filesOf,
  HA_OPTIONS,
  snapshot,
  startBootstrap,
} from '../support/cli.ts';
import { file, THREE } from '../support/spec.ts';

const NODE_FILES = [
  'etc/kubernetes/admin.conf',
  'etc/kubernetes/controller-manager.conf',
  'etc/kubernetes/kubelet.conf',
  'etc/kubernetes/manifests/etcd.yaml',
  'etc/kubernetes/manifests/kube-apiserver.yaml',
  'etc/kubernetes/manifests/kube-controller-manager.yaml',
  'etc/kubernetes/manifests/kube-scheduler.yaml',
  'etc/kubernetes/pki/apiserver-etcd-client.crt',
  'etc/kubernetes/pki/apiserver-etcd-client.key',
  'etc/kubernetes/pki/apiserver-kubelet-client.crt',
  'etc/kubernetes/pki/apiserver-kubelet-client.key',
  'etc/kubernetes/pki/apiserver.crt',
  'etc/kubernetes/pki/apiserver.key',
  'etc/kubernetes/pki/ca-bundle.crt',
  'etc/kubernetes/pki/ca.crt',
  'etc/kubernetes/pki/ca.key',
  'etc/kubernetes/pki/controller-manager/ca-bundle.crt',
  'etc/kubernetes/pki/controller-manager/client.crt',
  'etc/kubernetes/pki/controller-manager/client.key',
  'etc/kubernetes/pki/etcd/ca-bundle.crt',
  'etc/kubernetes/pki/etcd/ca.crt',
  'etc/kubernetes/pki/etcd/healthcheck-client.crt',
  'etc/kubernetes/pki/etcd/healthcheck-client.key',
  'etc/kubernetes/pki/etcd/peer.crt',
  'etc/kubernetes/pki/etcd/peer.key',
  'etc/kubernetes/pki/etcd/server.crt',
  'etc/kubernetes/pki/etcd/server.key',
  'etc/kubernetes/pki/front-proxy-ca-bundle.crt',
  'etc/kubernetes/pki/front-proxy-ca.crt',
  'etc/kubernetes/pki/front-proxy-client.crt',
  'etc/kubernetes/pki/front-proxy-client.key',
  'etc/kubernetes/pki/kubelet/client.crt',
  'etc/kubernetes/pki/kubelet/client.key',
  'etc/kubernetes/pki/sa.key',
  'etc/kubernetes/pki/sa.pub',
  'etc/kubernetes/pki/scheduler/ca-bundle.crt',
  'etc/kubernetes/pki/scheduler/client.crt',
  'etc/kubernetes/pki/scheduler/client.key',
  'etc/kubernetes/scheduler.conf',
  'etc/systemd/system/kubelet.service.d/20-bootstrap.conf',
  'var/lib/kubelet/config.yaml',
];

const mode = (path: string) => (statSync(path).mode & 0o7777).toString(8);

describe('init --host', () => {
  test('describes hosts with a kubelet and no control plane, which need no endpoint and no profile', () => {
    const dir = emptyDir();
    const { status, stdout } = bootstrap(dir, 'init', '--host', 'node01=10.0.0.21', '--host', 'node02=10.0.0.22');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Made the files of static-pod hosts in \. \(2 hosts, Kubernetes v/);
    expect(stdout).toContain('bootstrap pods add FILE --no-apply');
    expect(readFileSync(join(dir, 'cluster.yaml'), 'utf8')).toContain('    - name: node01\n      role: node\n');
    expect(filesOf(join(dir, 'nodes')).filter((path) => path.startsWith('node01/'))).toEqual([
      'node01/etc/systemd/system/kubelet.service.d/20-bootstrap.conf',
      'node01/var/lib/kubelet/config.yaml',
    ]);
    expect(existsSync(join(dir, 'admin.conf'))).toBe(false);
    expect(bootstrap(dir, 'init', '--host', 'node01=10.0.0.21', '--host', 'node02=10.0.0.22').status).toBe(0);
    expect(bootstrap(dir, 'init', '--host', 'node03=10.0.0.23').stderr).toContain(
      '--host describes other nodes than stand there (node01=10.0.0.21 node02=10.0.0.22)',
    );
  });

  test('stands beside masters, and gets nothing of their secrets', () => {
    const dir = emptyDir();
    expect(bootstrap(dir, 'init', ...HA_OPTIONS, '--host', 'node01=10.0.0.21').status).toBe(0);
    expect(filesOf(join(dir, 'nodes')).filter((path) => path.startsWith('node01/etc/kubernetes/'))).toEqual([
      'node01/etc/kubernetes/kubelet.conf',
      'node01/etc/kubernetes/pki/ca-bundle.crt',
      'node01/etc/kubernetes/pki/kubelet/client.crt',
      'node01/etc/kubernetes/pki/kubelet/client.key',
    ]);
  });

  test('refuses what is no host', () => {
    const { status, stderr } = bootstrap(emptyDir(), 'init', '--host', 'node01', '--host', 'a=10.0.0.999');
    expect(status).toBe(64);
    expect(stderr).toMatch(/--host node01: must be of the form name=address/);
    expect(stderr).toMatch(/--host a=10\.0\.0\.999: "10\.0\.0\.999" is not an IP address/);
  });
});

describe('init', () => {
  test('makes the whole cluster directory from options, with every file of every master', () => {
    const dir = emptyDir();
    const ran = bootstrap(dir, 'init', ...HA_OPTIONS);
    expect(ran.stderr).toBe('');
    expect(ran.status).toBe(0);
    expect(ran.stdout).toContain('3 masters');
    for (const node of ['cp1', 'cp2', 'cp3']) expect(filesOf(join(dir, 'nodes', node))).toEqual(NODE_FILES);
    expect(existsSync(join(dir, 'admin.conf')) && existsSync(join(dir, 'super-admin.conf'))).toBe(true);
    expect(readFileSync(join(dir, '.gitignore'), 'utf8')).toContain('/pki/');
    expect(readFileSync(join(dir, 'cluster.yaml'), 'utf8')).toContain('controlPlaneEndpoint: api.example.com');
  });

  test('lets nobody else read a key, a kubeconfig or the directories that hold them', () => {
    const dir = emptyDir();
    expect(bootstrap(dir, 'init', ...HA_OPTIONS).status).toBe(0);
    expect([mode(join(dir, 'pki')), mode(join(dir, 'nodes')), mode(join(dir, 'nodes/cp1'))]).toEqual([
      '700',
      '700',
      '700',
    ]);
    const secret = filesOf(dir).filter((path) =>
      /PRIVATE KEY|client-key-data/.test(readFileSync(join(dir, path), 'utf8')),
    );
    expect(secret.length).toBeGreaterThan(60);
    expect(secret.filter((path) => mode(join(dir, path)) !== '600')).toEqual([]);
    const cp1 = join(dir, 'nodes/cp1/etc/kubernetes');
    expect([
      mode(join(cp1, 'manifests')),
      mode(join(cp1, 'manifests/etcd.yaml')),
      mode(join(cp1, 'pki/sa.pub')),
    ]).toEqual(['700', '600', '644']);
  });

  test('keeps the keys of the etcd and front-proxy CAs off the nodes', () => {
    const dir = emptyDir();
    bootstrap(dir, 'init', ...HA_OPTIONS);
    const keys = ['pki/etcd/ca.key', 'pki/front-proxy-ca.key'].map(
      (path) => readFileSync(join(dir, path), 'utf8').split('\n')[1] ?? '',
    );
    const found = filesOf(join(dir, 'nodes')).filter((path) =>
      keys.some((key) => readFileSync(join(dir, 'nodes', path), 'utf8').includes(key)),
    );
    expect(found).toEqual([]);
  });

  test('a second init changes nothing and says so, with the same options or none', () => {
    const dir = emptyDir();
    bootstrap(dir, 'init', ...HA_OPTIONS);
    const before = snapshot(dir);
    for (const args of [HA_OPTIONS, []]) {
      const again = bootstrap(dir, 'init', ...args);
      expect([again.status, again.stderr]).toEqual([0, '']);
      expect(again.stdout).toContain('nothing was changed');
      expect(snapshot(dir)).toEqual(before);
    }
  });

  test('refuses options that describe another cluster than the file that is there', () => {
    const dir = clusterDir(file(THREE));
    const ran = bootstrap(dir, 'init', '--node', 'cp1=10.0.0.99');
    expect(ran.status).toBe(64);
    expect(ran.stderr).toContain('cluster.yaml is there already');
    expect(filesOf(dir)).toEqual(['cluster.yaml']);
  });

  test('without a terminal says in one message all that is missing, with a command that works', () => {
    const dir = emptyDir();
    const ran = bootstrap(dir, 'init', '--profile', 'ha');
    expect(ran.status).toBe(64);
    expect(ran.stderr).toContain('--node and --endpoint are missing');
    const command = /bootstrap (init --profile ha[\s\S]*?cp3=\S+)/.exec(ran.stderr)?.[1] ?? '';
    expect(bootstrap(dir, ...command.replace(/\\\n/g, ' ').trim().split(/\s+/)).status).toBe(0);
  });

  test('a profile that there is not is found first, and with --yes no terminal is spoken of', () => {
    const unknown = bootstrap(emptyDir(), 'init', '--profile', 'hax');
    expect([unknown.status, unknown.stderr]).toEqual([64, 'error: there is no profile "hax"\n  did you mean "ha"?\n']);
    expect(bootstrap(emptyDir(), 'init', '--profile', 'ha').stderr).toContain('On a terminal');
    expect(bootstrap(emptyDir(), 'init', '--profile', 'ha', '--yes').stderr).not.toContain('On a terminal');
  });

  test('says everything that is wrong with the options at once, each by its option', () => {
    const dir = emptyDir();
    const words = '--node cp1 --node cp2=abc --node cp3=10.0.0.3 --node cp3=10.0.0.3 --node 10.0.0.9=10.0.0.9';
    const ran = bootstrap(dir, 'init', ...words.split(' '), '--endpoint', 'http://foo', '--name', 'A B');
    expect(ran.status).toBe(64);
    for (const line of [
      '--name A B: "A B" is not a cluster name',
      '--endpoint http://foo: "http://foo" is a URL',
      '--node cp1: must be of the form name=address',
      '--node cp2=abc: "abc" is not an IP address',
      '--node cp3=10.0.0.3: there is a node "cp3" already',
      '--node cp3=10.0.0.3: "10.0.0.3" is the address of cp3 already',
      '--node 10.0.0.9=10.0.0.9: "10.0.0.9" is an IP address, not the name of a node',
    ]) {
      expect(ran.stderr).toContain(`${line}`);
    }
    expect(ran.stderr).not.toContain('cluster.yaml');
    expect(filesOf(dir)).toEqual([]);
  });

  test('what it prints at its end works from where it was run, with another file and an odd directory', () => {
    const dir = emptyDir();
    mkdirSync(join(dir, 'files'));
    const ran = bootstrap(dir, 'init', ...HA_OPTIONS, '--dir', 'my dir', '-f', 'files/prod.yaml');
    expect([ran.status, ran.stderr]).toEqual([0, '']);
    expect(ran.stdout).toContain("bootstrap render --dir 'my dir' --file files/prod.yaml");
    const next = ran.stdout.slice(ran.stdout.indexOf('\nNext'));
    const explain = /bootstrap (explain .*)/.exec(next)?.[1] ?? '';
    const shell = (command: string) => spawnSync('bash', ['-ec', command], { cwd: dir, encoding: 'utf8' });
    expect(shell(`"${process.execPath}" "${BOOTSTRAP}" ${explain}`).status).toBe(0);
    // the nodes are not there: the command is understood, and says whom it cannot reach
    const plan = /bootstrap (plan .*\S) {5}/.exec(next)?.[1] ?? '';
    const reach = "--set 'spec.ssh={host: 127.0.0.1, port: 1, configFile: /dev/null}'";
    expect(shell(`"${process.execPath}" "${BOOTSTRAP}" ${plan} ${reach}`)).toMatchObject({
      status: 69,
      stderr: expect.stringContaining('cp1'),
    });
  });

  test('--quiet prints one line', () => {
    const dir = emptyDir();
    const ran = bootstrap(dir, 'init', '-q', ...HA_OPTIONS);
    expect(ran.stdout).toMatch(/^Made a control plane .*\n$/);
    expect(bootstrap(dir, 'render', '-q', '--set', 'spec.apiServer.extraArgs.v=4').stdout).toBe(
      '3 files changed, 120 unchanged\n',
    );
  });

  test('--profile single with nothing else describes this machine', () => {
    const dir = emptyDir();
    const ran = bootstrap(dir, 'init', '--profile', 'single');
    expect([ran.status, ran.stderr]).toEqual([0, '']);
    expect(readFileSync(join(dir, 'cluster.yaml'), 'utf8')).toContain(`name: ${hostname().toLowerCase()}`);
  });

  test('--set is written into a new cluster file and the text of numbers is kept', () => {
    const dir = emptyDir();
    expect(bootstrap(dir, 'init', ...HA_OPTIONS, '--set', 'spec.apiServer.extraArgs.goaway-chance=0.0010').status).toBe(
      0,
    );
    expect(readFileSync(join(dir, 'cluster.yaml'), 'utf8')).toContain('goaway-chance: 0.0010');
    expect(readFileSync(join(dir, 'nodes/cp1/etc/kubernetes/manifests/kube-apiserver.yaml'), 'utf8')).toContain(
      '--goaway-chance=0.0010',
    );
    expect(bootstrap(dir, 'render').stdout).toContain('nothing to change');
  });

  test('dual-stack nodes are taken as name=v4,v6', () => {
    const dir = emptyDir();
    const ran = bootstrap(
      dir,
      'init',
      '--node',
      'cp1=10.0.0.11,fd00::11',
      '--set',
      'spec.networking.serviceSubnet=10.96.0.0/16,fd00:96::/112',
    );
    expect([ran.status, ran.stderr]).toEqual([0, '']);
    expect(
      readFileSync(join(dir, 'nodes/cp1/etc/systemd/system/kubelet.service.d/20-bootstrap.conf'), 'utf8'),
    ).toContain('--node-ip=10.0.0.11,fd00::11');
  });

  test('writes nothing where the cluster file is wrong, down to a single flag', () => {
    const dir = clusterDir(file(`${THREE}\napiServer: {extraArgs: {audit-log-max-age: 30}}`));
    const ran = bootstrap(dir, 'init');
    expect(ran.status).toBe(65);
    expect(ran.stderr).toMatch(
      /^cluster\.yaml:9:46: spec\.apiServer\.extraArgs\.audit-log-max-age: .*did you mean "audit-log-maxage"\?/m,
    );
    expect(filesOf(dir)).toEqual(['cluster.yaml']);
  });

  test('--dry-run says what would be made and writes nothing', () => {
    const dir = emptyDir();
    const ran = bootstrap(dir, 'init', '--dry-run', ...HA_OPTIONS);
    expect([ran.status, ran.stderr]).toEqual([0, '']);
    expect(ran.stdout).toContain('Would make');
    expect(filesOf(dir)).toEqual([]);
  });

  test('takes over the CAs of an existing PKI byte for byte', () => {
    const [old, dir] = [emptyDir(), emptyDir()];
    bootstrap(old, 'init', ...HA_OPTIONS);
    const pki = join(old, 'nodes/cp1/etc/kubernetes/pki');
    const ran = bootstrap(dir, 'init', ...HA_OPTIONS, '--pki', join(old, 'pki'));
    expect(ran.status).toBe(0);
    for (const path of ['ca.crt', 'ca.key', 'sa.key', 'sa.pub', 'etcd/ca.crt', 'front-proxy-ca.crt']) {
      expect(readFileSync(join(dir, 'pki', path))).toEqual(readFileSync(join(old, 'pki', path)));
    }
    expect(readFileSync(join(dir, 'nodes/cp1/etc/kubernetes/pki/ca.crt'))).toEqual(readFileSync(join(pki, 'ca.crt')));
    const before = snapshot(dir);
    expect(bootstrap(dir, 'init', '--pki', join(old, 'pki')).status).toBe(0);
    expect(snapshot(dir)).toEqual(before);
  });
});

describe('safety of the directory', () => {
  test('no part of any private key is ever printed', () => {
    const dir = emptyDir();
    const runs = [
      ['init', ...HA_OPTIONS],
      ['init', '-o', 'json'],
      ['render', '--set', 'spec.apiServer.certSANs=[a.example.com]', '--dry-run', '--verbose'],
      ['config', 'show'],
      ['explain', 'spec.pki.algorithm'],
    ];
    const said = runs
      .map((args) => bootstrap(dir, ...args))
      .map((ran) => ran.stdout + ran.stderr)
      .join('\n');
    const keys = filesOf(dir)
      .map((path) => readFileSync(join(dir, path), 'utf8'))
      .flatMap((text) => [...text.matchAll(/PRIVATE KEY-----\n([^-]+)\n-----END/g)].map((m) => m[1] ?? ''));
    expect(keys.length).toBeGreaterThan(60);
    const lines = keys.flatMap((key) => key.split('\n')).filter((line) => line.length > 30);
    expect(lines.filter((line) => said.includes(line))).toEqual([]);
    expect(said).not.toMatch(/client-key-data|PRIVATE KEY/);
  });

  test('a second command is kept out, and told by whom, until the first has ended', async () => {
    const dir = emptyDir();
    bootstrap(dir, 'init', ...HA_OPTIONS);
    writeFileSync(
      join(dir, '.bootstrap.lock'),
      JSON.stringify({
        pid: process.pid,
        started: '',
        host: hostname(),
        command: 'bootstrap render',
        since: '2026-01-01T00:00:00.000Z',
      }),
    );
    const ran = bootstrap(dir, 'render');
    expect(ran.status).toBe(75);
    expect(ran.stderr).toContain(
      `\`bootstrap render\` (process ${process.pid} on ${hostname()}, since 2026-01-01T00:00:00.000Z)`,
    );
    // the lock of a process that is gone is taken over
    const gone = startBootstrap(dir, '--version');
    await once(gone, 'exit');
    writeFileSync(
      join(dir, '.bootstrap.lock'),
      JSON.stringify({ pid: gone.pid, started: '', host: hostname(), command: 'bootstrap render', since: '' }),
    );
    expect(bootstrap(dir, 'render').status).toBe(0);
    expect(existsSync(join(dir, '.bootstrap.lock'))).toBe(false);
  });

  test('two inits at once: one makes the cluster, the other waits its turn or is refused', async () => {
    const dir = emptyDir();
    const both = [startBootstrap(dir, 'init', ...HA_OPTIONS), startBootstrap(dir, 'init', ...HA_OPTIONS)];
    const ends = await Promise.all(both.map(async (child) => (await once(child, 'exit'))[0] as number));
    expect(ends).toContain(0);
    expect(ends.every((status) => status === 0 || status === 75)).toBe(true);
    expect(bootstrap(dir, 'init').stdout).toContain('nothing was changed');
  });

  test('SIGKILL at any moment leaves a directory from which the same command goes on', async () => {
    for (let delay = 20; delay <= 620; delay += 60) {
      const dir = emptyDir();
      const child = startBootstrap(dir, 'init', ...HA_OPTIONS);
      const timer = setTimeout(() => child.kill('SIGKILL'), delay);
      await once(child, 'exit');
      clearTimeout(timer);
      const ca = join(dir, 'pki/ca.crt');
      const caBefore = existsSync(ca) ? readFileSync(ca) : undefined;
      const keys = filesOf(dir).filter((path) => path.endsWith('.key') || /tmp-/.test(path));
      expect(
        keys.filter((path) => mode(join(dir, path)) !== '600' && !/\.(crt|yaml|pub|conf|gitignore)\.tmp/.test(path)),
        `after ${delay} ms`,
      ).toEqual([]);
      const again = bootstrap(dir, 'init', ...HA_OPTIONS);
      expect([again.status, again.stderr], `after ${delay} ms`).toEqual([0, '']);
      if (caBefore) expect(readFileSync(ca)).toEqual(caBefore);
      expect(
        filesOf(dir).filter((path) => /tmp-|\.lock/.test(path)),
        `after ${delay} ms`,
      ).toEqual([]);
      for (const node of ['cp1', 'cp2', 'cp3']) expect(filesOf(join(dir, 'nodes', node))).toEqual(NODE_FILES);
      expect(bootstrap(dir, 'init').stdout).toContain('nothing was changed');
    }
  }, 240_000);

  test('a file of the user’s in nodes/ is left alone and named', () => {
    const dir = emptyDir();
    bootstrap(dir, 'init', ...HA_OPTIONS);
    mkdirSync(join(dir, 'nodes/cp1/opt'));
    writeFileSync(join(dir, 'nodes/cp1/opt/mine'), 'mine');
    const ran = bootstrap(dir, 'render');
    expect(ran.stdout).toContain('nodes/cp1/opt/mine: not made by bootstrap, left alone');
    expect(readFileSync(join(dir, 'nodes/cp1/opt/mine'), 'utf8')).toBe('mine');
  });
});

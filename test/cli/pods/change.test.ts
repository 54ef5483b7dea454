import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { BOOTSTRAP, emptyDir, filesOf, type Ran, snapshot } from '../../support/cli.ts';
import { file } from '../../support/spec.ts';

const NODES = `controlPlaneEndpoint: api.example.com
nodes:
  - {name: cp1, addresses: [10.0.0.11]}   # the first
  - {name: cp2, addresses: [10.0.0.12]}
  - {name: cp3, addresses: [10.0.0.13]}
  - {name: n1, addresses: [10.0.0.21], role: node}`;

const pod = (name: string, more = '') =>
  `# ours\napiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\nspec:\n  containers:\n    - name: web\n      image: nginx:1.29\n${more}`;

/** A cluster directory, and beside it manifests that are not part of it. */
function site(spec = NODES): { readonly dir: string; readonly manifest: (name: string, text: string) => string } {
  const base = emptyDir();
  const dir = join(base, 'cluster');
  mkdirSync(dir);
  writeFileSync(join(dir, 'cluster.yaml'), file(spec));
  return {
    dir,
    manifest: (name, text) => {
      writeFileSync(join(base, name), text);
      return `../${name}`;
    },
  };
}

function run(dir: string, args: readonly string[], status = 0, input?: string): Ran {
  const { status: found, ...ran } = spawnSync(process.execPath, [BOOTSTRAP, 'pods', ...args], {
    cwd: dir,
    encoding: 'utf8',
    timeout: 60_000,
    ...(input === undefined ? { stdio: ['ignore', 'pipe', 'pipe'] } : { input }),
  });
  expect(found, `pods ${args.join(' ')}\n${ran.stdout}${ran.stderr}`).toBe(status);
  expect(`${ran.stdout}${ran.stderr}`).not.toMatch(/undefined|\[object|\n\s+at .+:\d+/);
  return { status: found, stdout: ran.stdout, stderr: ran.stderr };
}

/** The same, where it is refused: nothing at all may have changed. */
function refused(dir: string, args: readonly string[], status: number, input?: string): string {
  const before = snapshot(dir);
  const { stdout, stderr } = run(dir, args, status, input);
  expect(snapshot(dir)).toEqual(before);
  expect(stdout).toBe('');
  return stderr;
}

const only = (...args: readonly string[]) => [...args, '--no-apply'];
const clusterFile = (dir: string) => readFileSync(join(dir, 'cluster.yaml'), 'utf8');
const entries = (dir: string) => parse(clusterFile(dir)).spec.staticPods;

describe('pods add', () => {
  test('puts an entry into the cluster file and a copy of the manifest beside it, and says what is next', () => {
    const { dir, manifest } = site();
    const before = clusterFile(dir);
    const web = manifest('web.yaml', pod('static-web'));
    expect(run(dir, only('add', web, '--node', 'n1', '--node', 'cp2')).stdout).toBe(
      'cluster.yaml: default/static-web is added for cp2, n1\n' +
        '  manifest: static-pods/default_static-web.yaml\n' +
        'next: bootstrap apply --node cp2 --node n1\n',
    );
    expect(clusterFile(dir)).toBe(
      `${before}  staticPods:\n    - source: static-pods/default_static-web.yaml\n      nodes: [cp2, n1]\n`,
    );
    const copy = join(dir, 'static-pods/default_static-web.yaml');
    expect(readFileSync(copy, 'utf8')).toBe(pod('static-web'));
    expect(statSync(copy).mode & 0o777).toBe(0o600);
    run(dir, only('remove', 'static-web'));
    expect(clusterFile(dir)).toBe(before);
  });

  test('takes what comes through standard input, also JSON, under another name', () => {
    const { dir } = site();
    const json = JSON.stringify(parse(pod('static-web')), null, '\t');
    run(dir, only('add', '-', '--name', 'web2', '-q'), 0, json);
    expect(entries(dir)).toEqual([{ source: 'static-pods/default_web2.yaml', name: 'web2' }]);
    expect(readFileSync(join(dir, 'static-pods/default_web2.yaml'), 'utf8')).toBe(json);
    expect(run(dir, only('add', '-', '--name', 'web3', '-o', 'json'), 0, json).stdout).toBe(
      `${JSON.stringify(
        {
          pods: ['default/web3'],
          source: 'static-pods/default_web3.yaml',
          via: 'file',
          nodes: null,
          changed: true,
          applied: false,
        },
        null,
        2,
      )}\n`,
    );
  });

  test('refers to a manifest in the cluster directory as it is, but not to what is made anew there', () => {
    const { dir } = site();
    mkdirSync(join(dir, 'own'));
    writeFileSync(join(dir, 'own/proxy.yaml'), pod('proxy'));
    run(dir, only('add', 'own/proxy.yaml'));
    const rendered = join(dir, 'nodes/cp1/etc/kubernetes/manifests');
    mkdirSync(rendered, { recursive: true });
    writeFileSync(join(rendered, 'default_web.yaml'), pod('web'));
    run(dir, only('add', join(rendered, 'default_web.yaml'), '--node', 'cp3'));
    expect(entries(dir)).toEqual([
      { source: 'own/proxy.yaml' },
      { source: 'static-pods/default_web.yaml', nodes: ['cp3'] },
    ]);
    run(join(dir, 'own'), only('add', 'proxy.yaml', '--name', 'proxy2', '--dir', '..', '--node', 'n1'));
    expect(entries(dir)[2]).toEqual({ source: 'own/proxy.yaml', name: 'proxy2', nodes: ['n1'] });
  });

  test('keeps a source of several pods as it is, under the name of the first', () => {
    const { dir, manifest } = site();
    const two = `${pod('a')}---\n${pod('b')}`;
    expect(run(dir, only('add', manifest('two.yaml', two))).stdout).toContain('default/a, default/b are added\n');
    expect(readFileSync(join(dir, 'static-pods/default_a.yaml'), 'utf8')).toBe(two);
  });

  test('a second time finds it there, for more nodes is one entry still', () => {
    const { dir, manifest } = site();
    const web = manifest('web.yaml', pod('web'));
    run(dir, only('add', web, '--node', 'cp1'));
    const before = snapshot(dir);
    expect(run(dir, only('add', web, '--node', 'cp1')).stdout).toContain(
      'default/web is there already (cluster.yaml:11:7)\nnext: bootstrap apply --node cp1\n',
    );
    expect(snapshot(dir)).toEqual(before);
    run(dir, only('add', web, '--node', 'cp3'));
    expect(entries(dir)).toEqual([{ source: 'static-pods/default_web.yaml', nodes: ['cp1', 'cp3'] }]);
    run(dir, only('add', web));
    expect(entries(dir)).toEqual([{ source: 'static-pods/default_web.yaml' }]);
    expect(run(dir, only('add', web)).stdout).toContain('is there already');
  });

  test('says each fault of the manifest with its place there, and changes nothing', () => {
    const { dir, manifest } = site();
    const bad = pod('Static_Web', '      imag: x\n      ports: [{containerPort: 80, hostPort: "x"}]\n');
    expect(refused(dir, only('add', manifest('bad.yaml', bad)), 65).split('\n')).toEqual([
      '../bad.yaml:4:18: metadata.name: "Static_Web" is no name of a pod: lower-case letters, digits, "-" and "." only, a letter or digit at both ends; write "static-web"',
      '../bad.yaml:9:7: spec.containers[0].imag: unknown field; the kubelet would drop it without a word; did you mean "image"?',
      '../bad.yaml:10:45: spec.containers[0].ports[0].hostPort: must be a whole number, not "x"',
      'error: ../bad.yaml is not added: 3 errors',
      '',
    ]);
    expect(refused(dir, only('add', '-'), 65, 'kind: Pod\n')).toBe(
      'standard input:1:1: apiVersion: is missing\nerror: standard input is not added: it has 1 error\n',
    );
    expect(refused(dir, only('add', '-'), 65, '')).toContain('standard input:1:1: holds no pod');
    expect(refused(dir, only('add', '-'), 65, `# ${'x'.repeat(1 << 20)}`)).toContain('more than 1 MiB');
    expect(refused(dir, only('add', '..'), 65)).toBe('error: ..: is a directory, not a file\n');
    expect(refused(dir, only('add', 'no.yaml'), 64)).toMatch(/^error: no\.yaml: cannot be read: no such file/);
    const climber = pod('"../../../tmp/x"');
    expect(refused(dir, only('add', manifest('climber.yaml', climber)), 65)).toContain('is no name of a pod');
  });

  test('refuses names and ports that are taken, saying by whom', () => {
    const { dir, manifest } = site();
    const port = '      ports: [{containerPort: 80, hostPort: 8080}]\n';
    run(dir, only('add', manifest('web.yaml', pod('web', port)), '--node', 'cp1'));
    expect(
      refused(dir, only('add', manifest('other.yaml', pod('other', port))), 65)
        .split('\n')
        .slice(0, 2),
    ).toEqual([
      '../other.yaml:9:45: spec.containers[0].ports[0].hostPort: the pod default/other: port 8080/TCP of cp1 is taken by the pod default/web (static-pods/default_web.yaml:4); take another port',
      'error: ../other.yaml is not added: 1 error',
    ]);
    expect(refused(dir, only('add', manifest('web2.yaml', pod('web'))), 65)).toBe(
      '../web2.yaml:4:18: metadata.name: default/web is taken: cluster.yaml:11:7 has it from static-pods/default_web.yaml, which is not the same; to change that pod, edit that file and run `bootstrap apply`; for one beside it give --name\n' +
        'error: ../web2.yaml is not added: it has 1 error\n',
    );
    const named = refused(dir, only('add', manifest('web3.yaml', pod('web3')), '--name', 'web', '--node', 'cp1'), 65);
    expect(named).toContain('default/web is taken');
    writeFileSync(join(dir, 'own.yaml'), pod('web'));
    expect(refused(dir, only('add', 'own.yaml'), 65)).toMatch(
      /^own\.yaml:4:18: metadata\.name: cp1 has two pods called default\/web: this and the pod default\/web \(static-pods\/default_web\.yaml:4\)/,
    );
    expect(refused(dir, only('add', manifest('etcd.yaml', pod('etcd, namespace: kube-system'))), 65)).toContain(
      'cp1 has two pods called kube-system/etcd: this and the control plane',
    );
    mkdirSync(join(dir, 'static-pods'), { recursive: true });
    writeFileSync(join(dir, 'static-pods/default_left.yaml'), 'something');
    expect(refused(dir, only('add', manifest('left.yaml', pod('left'))), 65)).toContain(
      'static-pods/default_left.yaml is there already, and is not the same; remove that file',
    );
  });

  test('tells what is wrong with an option as that option', () => {
    const { dir, manifest } = site();
    const web = manifest('web.yaml', pod('web'));
    expect(refused(dir, only('add', web, '--name', 'Web'), 65)).toMatch(/^--name Web: "Web" is no name of a pod/);
    expect(refused(dir, only('add', web, '--via', 'http'), 65)).toMatch(/^--via http: needs spec\.serve/m);
    expect(refused(dir, only('add', web, '--via', 'ftp'), 64)).toContain('file, http');
    expect(refused(dir, only('add', web, '--node', 'cp9'), 64)).toContain('there is no node "cp9"');
    const two = manifest('two.yaml', `${pod('a')}---\n${pod('b')}`);
    expect(refused(dir, only('add', two, '--name', 'c'), 64)).toBe(
      'error: --name c: ../two.yaml holds 2 pods, and they cannot all have one name\n' +
        '  give each a file of its own, or leave --name out\n',
    );
  });

  test('by URL is said in the entry', () => {
    const { dir, manifest } = site(`${NODES}\nserve: {endpoint: pods.example.com}`);
    expect(run(dir, only('add', manifest('web.yaml', pod('web')), '--via', 'http', '--node', 'n1')).stdout).toContain(
      'default/web is added by URL for n1\n',
    );
    expect(entries(dir)).toEqual([{ source: 'static-pods/default_web.yaml', nodes: ['n1'], via: 'http' }]);
  });
});

describe('pods stop and start', () => {
  const spec = `${NODES}
staticPods:
  # the web
  - source: web.yaml   # ours
    nodes: [cp1, n1]
  - {source: two.yaml}`;
  const stoppedIn = (dir: string) => entries(dir).map(({ stopped }: { stopped?: unknown }) => stopped);

  function given() {
    const { dir } = site(spec);
    writeFileSync(join(dir, 'web.yaml'), pod('web'));
    writeFileSync(join(dir, 'two.yaml'), `${pod('a')}---\n${pod('b')}`);
    return dir;
  }

  test('say where it is stopped: everywhere, on some nodes, nowhere', () => {
    const dir = given();
    const before = clusterFile(dir);
    expect(run(dir, only('stop', 'web')).stdout).toBe(
      'cluster.yaml: default/web is stopped\nnext: bootstrap apply --node cp1 --node n1\n',
    );
    expect(clusterFile(dir)).toBe(before.replace('[cp1, n1]\n', '[cp1, n1]\n      stopped: true\n'));
    run(dir, only('start', 'default/web', '--node', 'n1'));
    expect(stoppedIn(dir)).toEqual([['cp1'], undefined]);
    run(dir, only('stop', 'web', '--node', 'n1'));
    expect(stoppedIn(dir)).toEqual([true, undefined]);
    expect(run(dir, only('start', 'web')).stdout).toContain('default/web is started\n');
    expect(clusterFile(dir)).toBe(before);
  });

  test('say so where there is nothing to do', () => {
    const dir = given();
    const before = snapshot(dir);
    expect(run(dir, only('start', 'web')).stdout).toContain('cluster.yaml: default/web is not stopped\n');
    expect(snapshot(dir)).toEqual(before);
    run(dir, only('stop', 'web', '--node', 'n1'));
    expect(run(dir, only('stop', 'web', '--node', 'n1')).stdout).toContain('default/web is stopped already on n1\n');
  });

  test('mean all pods of a source or none', () => {
    const dir = given();
    expect(refused(dir, only('stop', 'a'), 64)).toBe(
      'error: default/a comes with default/b from two.yaml (cluster.yaml:14:7)\n' +
        '  `bootstrap pods stop two.yaml` stops all of them; for this one alone give each an entry of its own\n',
    );
    run(dir, only('stop', 'two.yaml', '--node', 'cp2'));
    expect(stoppedIn(dir)).toEqual([undefined, ['cp2']]);
    run(dir, only('stop', 'two.yaml'));
    expect(stoppedIn(dir)).toEqual([undefined, true]);
  });

  test('refuse names that are none, and nodes that it is not for', () => {
    const dir = given();
    expect(refused(dir, only('stop', 'wbe'), 64)).toBe(
      'error: there is no static pod "wbe"\n  did you mean "default/web"?\n',
    );
    expect(refused(dir, only('stop', 'kube-apiserver'), 64)).toContain('is part of the control plane');
    expect(refused(dir, only('stop', 'web', '--node', 'cp2'), 64)).toBe(
      'error: default/web is not meant for cp2\n  by the cluster file it is for cp1, n1\n',
    );
    expect(refused(site().dir, only('stop', 'web'), 64)).toContain('`bootstrap pods add FILE` adds one');
  });
});

describe('pods remove', () => {
  test('takes one node, or all of it', () => {
    const { dir, manifest } = site();
    run(dir, only('add', manifest('web.yaml', pod('web'))));
    run(dir, only('stop', 'web', '--node', 'cp1', '--node', 'cp2'));
    expect(run(dir, only('remove', 'web', '--node', 'cp1')).stdout).toBe(
      'cluster.yaml: default/web is removed from cp1\nnext: bootstrap apply --node cp1\n',
    );
    expect(entries(dir)).toEqual([
      { source: 'static-pods/default_web.yaml', nodes: ['cp2', 'cp3', 'n1'], stopped: ['cp2'] },
    ]);
    run(dir, only('remove', 'web', '--node', 'cp3', '--node', 'n1'));
    expect(entries(dir)).toEqual([{ source: 'static-pods/default_web.yaml', nodes: ['cp2'], stopped: true }]);
    expect(run(dir, only('remove', 'web', '--node', 'cp2')).stdout).toBe(
      'cluster.yaml: default/web is removed from cp2\n' +
        'static-pods/default_web.yaml is kept, though nothing refers to it any more\n' +
        'next: bootstrap apply --node cp2\n',
    );
    expect(clusterFile(dir)).toBe(file(NODES));
  });

  test('of one of several pods is refused, with what to do', () => {
    const { dir, manifest } = site();
    run(dir, only('add', manifest('two.yaml', `${pod('a')}---\n${pod('b')}`)));
    expect(refused(dir, only('remove', 'b'), 64)).toBe(
      'error: default/b comes with default/a from static-pods/default_a.yaml (cluster.yaml:11:7)\n' +
        '  `bootstrap pods remove static-pods/default_a.yaml` removes all of them; for this one alone take it out of static-pods/default_a.yaml, then `bootstrap apply`\n',
    );
    run(dir, only('remove', 'static-pods/default_a.yaml'));
    expect(clusterFile(dir)).toBe(file(NODES));
  });

  test('takes out what stands in the cluster file itself, from every entry of that name', () => {
    const inline = (name: string, node: string) =>
      `  - nodes: [${node}]\n    manifest: ${JSON.stringify(parse(pod(name)))}\n`;
    const { dir } = site(
      `${NODES}\nstaticPods:\n${inline('web', 'cp1')}${inline('proxy', 'cp1')}${inline('web', 'cp2')}`,
    );
    expect(run(dir, only('remove', 'web')).stdout).toContain('next: bootstrap apply --node cp1 --node cp2\n');
    expect(entries(dir)).toHaveLength(1);
  });
});

describe('a change of the pods', () => {
  test('is not begun where nobody can be asked', () => {
    const { dir, manifest } = site();
    const web = manifest('web.yaml', pod('web'));
    const said =
      'error: nobody can be asked whether this shall be done: stdin or stderr is no terminal\n' +
      '  look at what it does with --dry-run, then add --yes, or --no-apply\n';
    for (const words of [
      ['add', web],
      ['remove', 'x'],
      ['stop', 'x'],
      ['start', 'x'],
    ]) {
      expect(refused(dir, words, 64)).toBe(said);
    }
  });

  test('is shown with --dry-run, and nothing is written', () => {
    const { dir, manifest } = site();
    const before = snapshot(dir);
    const { stdout } = run(dir, only('add', manifest('web.yaml', pod('web')), '--dry-run'));
    expect(stdout).toContain('+ static-pods/default_web.yaml\n@@ ');
    expect(stdout).toContain('\n+  staticPods:\n+    - source: static-pods/default_web.yaml\n');
    expect(snapshot(dir)).toEqual(before);
  });

  test('is refused where the pods come from a profile or an option, with where', () => {
    const { dir, manifest } = site(`profiles: [web]\n${NODES}`);
    mkdirSync(join(dir, 'profiles'));
    writeFileSync(
      join(dir, 'profiles/web.yaml'),
      'apiVersion: bootstrap/v1alpha1\nkind: Profile\nspec:\n  staticPods: [{source: web.yaml}]\n',
    );
    writeFileSync(join(dir, 'web.yaml'), pod('web'));
    const other = manifest('other.yaml', pod('other'));
    for (const words of [
      ['add', other],
      ['stop', 'web'],
      ['remove', 'web'],
    ]) {
      expect(refused(dir, only(...words), 65)).toBe(
        'error: spec.staticPods stands in the profile web (profiles/web.yaml:4:15), not in cluster.yaml\n' +
          '  a list there would replace it: change the profile, then run `bootstrap apply`\n',
      );
    }
    const own = site();
    run(own.dir, only('add', own.manifest('web.yaml', pod('web'))));
    expect(refused(own.dir, only('stop', 'web', '--set', 'spec.staticPods[0].nodes=[cp1]'), 64)).toContain(
      'spec.staticPods is given by --set spec.staticPods[0].nodes=[cp1], for this run only',
    );
  });

  test('is refused where the file cannot be changed by itself, with where', () => {
    const { dir } = site(`${NODES}\nstaticPods: &pods\n  - &web {source: web.yaml}\n  - <<: *web\n    name: web2`);
    writeFileSync(join(dir, 'web.yaml'), pod('web'));
    expect(refused(dir, only('stop', 'web'), 65)).toContain(
      'error: cluster.yaml cannot be changed by itself here\n  change it in an editor, then run `bootstrap apply`\n',
    );
    run(dir, only('stop', 'web2'));
    expect(entries(dir)[1]).toMatchObject({ name: 'web2', stopped: true });
  });

  test('tells what was wrong with the cluster file before, and touches nothing', () => {
    const { dir, manifest } = site(`${NODES}\nimageRepositry: x`);
    expect(refused(dir, only('add', manifest('web.yaml', pod('web'))), 65)).toContain(
      'cluster.yaml:10:3: spec.imageRepositry: unknown field',
    );
    expect(refused(emptyDir(), only('stop', 'web'), 64)).toContain('`bootstrap init` makes a cluster file');
  });

  test('keeps a link a link, its mode, and what no reader sees', () => {
    const { dir, manifest } = site();
    const real = join(dir, '../real.yaml');
    writeFileSync(real, `\ufeff${clusterFile(dir).replaceAll('\n', '\r\n')}`);
    chmodSync(real, 0o640);
    rmSync(join(dir, 'cluster.yaml'));
    symlinkSync(real, join(dir, 'cluster.yaml'));
    const before = readFileSync(real);
    run(dir, only('add', manifest('web.yaml', pod('web'))));
    const added = '  staticPods:\r\n    - source: static-pods/default_web.yaml\r\n';
    expect(readFileSync(real).equals(Buffer.concat([before, Buffer.from(added)]))).toBe(true);
    expect(statSync(real).mode & 0o777).toBe(0o640);
    run(dir, only('remove', 'web'));
    expect(readFileSync(real).equals(before)).toBe(true);
  });

  test('goes to the file that --file names, and to the directory of the cluster', () => {
    const { dir, manifest } = site();
    mkdirSync(join(dir, 'files'));
    renameSync(join(dir, 'cluster.yaml'), join(dir, 'files/staging.yaml'));
    const { stdout } = run(dir, only('add', manifest('web.yaml', pod('web')), '--file', 'files/staging.yaml'));
    expect(stdout).toContain('next: bootstrap apply --file files/staging.yaml\n');
    expect(parse(readFileSync(join(dir, 'files/staging.yaml'), 'utf8')).spec.staticPods).toEqual([
      { source: '../static-pods/default_web.yaml' },
    ]);
    expect(filesOf(dir)).toContain('static-pods/default_web.yaml');
  });

  test('is never lost to another one at the same time', async () => {
    const { dir, manifest } = site();
    const names = ['a', 'b', 'c', 'd'];
    const ended = await Promise.all(
      names.map(async (name) => {
        const words = ['pods', ...only('add', manifest(`${name}.yaml`, pod(name)))];
        const child = spawn(process.execPath, [BOOTSTRAP, ...words], { cwd: dir, stdio: 'ignore' });
        await once(child, 'close');
        return child.exitCode;
      }),
    );
    const done = names.filter((_, i) => ended[i] === 0);
    expect(done.length).toBeGreaterThan(0);
    expect(ended.filter((status) => status !== 0 && status !== 75)).toEqual([]);
    const there = (entries(dir) as { source: string }[]).map(({ source }) => source).sort();
    expect(there).toEqual(done.map((name) => `static-pods/default_${name}.yaml`));
    for (const name of names) {
      expect(existsSync(join(dir, `static-pods/default_${name}.yaml`))).toBe(done.includes(name));
    }
  });
});

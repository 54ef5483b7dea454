import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BOOTSTRAP, bootstrap, clusterDir, emptyDir, HA_OPTIONS } from '../support/cli.ts';
import { file, THREE } from '../support/spec.ts';
import { needTool } from '../support/tools.ts';

describe('config', () => {
  test('validate says that a good file is good, and lists every fault of a bad one', () => {
    const good = bootstrap(clusterDir(file(`profiles: [ha]\n${THREE}`)), 'config', 'validate');
    expect([good.status, good.stdout, good.stderr]).toEqual([
      0,
      'cluster.yaml is valid: 3 nodes, Kubernetes v1.36.4, ha\n',
      '',
    ]);
    const dir = clusterDir(file(`${THREE}\nimageRepositry: x\napiServer: {extraArgs: {secure-port: banana}}`));
    const bad = bootstrap(dir, 'config', 'validate');
    expect(bad.status).toBe(65);
    expect(bad.stderr).toContain(
      'cluster.yaml:9:3: spec.imageRepositry: unknown field; did you mean "imageRepository"?',
    );
    const json = bootstrap(dir, 'config', 'validate', '-o', 'json');
    expect(json.status).toBe(65);
    expect(JSON.parse(json.stdout)).toMatchObject({
      valid: false,
      faults: [
        { severity: 'error', file: 'cluster.yaml', line: 9, column: 3, path: 'spec.imageRepositry' },
        { severity: 'error', file: 'cluster.yaml', line: 10, path: 'spec.apiServer.extraArgs.secure-port' },
      ],
    });
  });

  test('show prints a cluster file that means the same', () => {
    const dir = clusterDir(file(`profiles: [ha, small]\n${THREE}`));
    const shown = bootstrap(dir, 'config', 'show');
    expect(shown.status).toBe(0);
    const again = clusterDir(shown.stdout);
    expect(bootstrap(again, 'config', 'show').stdout).toBe(shown.stdout);
    expect(JSON.parse(bootstrap(dir, 'config', 'show', '-o', 'json').stdout)).toMatchObject({
      kind: 'Cluster',
      spec: { imageRepository: 'registry.k8s.io' },
    });
  });

  test('schema is a JSON Schema that describes the cluster file', () => {
    const schema = JSON.parse(bootstrap(emptyDir(), 'config', 'schema').stdout);
    expect(schema.$defs.spec.properties.nodes.description).toBe(
      'The masters, and other hosts with a kubelet (role: node).',
    );
  });
});

describe('profiles', () => {
  test('list names the built-in ones and those beside the cluster file, which win', () => {
    const dir = clusterDir(file(THREE));
    mkdirSync(join(dir, 'profiles'));
    writeFileSync(
      join(dir, 'profiles/lab.yaml'),
      'apiVersion: bootstrap/v1alpha1\nkind: Profile\ndescription: ours\nextends: [ha, small]\nspec: {imageRepository: registry.lab.example}\n',
    );
    const { stdout } = bootstrap(dir, 'profiles', 'list');
    expect(stdout.split('\n').map((line) => line.split(' ')[0])).toEqual([
      'NAME',
      'ha',
      'ha-external-etcd',
      'lab',
      'rhel',
      'single',
      'small',
      '',
    ]);
    const shown = bootstrap(dir, 'config', 'show', '--profile', 'lab', '-o', 'json');
    expect(JSON.parse(shown.stdout).spec).toMatchObject({
      imageRepository: 'registry.lab.example',
      kubelet: { config: { maxPods: 50 } },
    });
    expect(bootstrap(dir, 'profiles', 'show', 'lab').stdout).toContain('extends: [ha, small]');
  });

  test('an unknown one is an error with the nearest name', () => {
    const ran = bootstrap(emptyDir(), 'profiles', 'show', 'smal');
    expect([ran.status, ran.stderr]).toEqual([64, 'error: there is no profile "smal"\n  did you mean "small"?\n']);
    for (const names of ['', 'ha,,small', ',ha'])
      expect([names, bootstrap(emptyDir(), 'config', 'show', '--profile', names).status]).toEqual([names, 64]);
  });

  test('a file that is no profile does not hide the others', () => {
    const dir = emptyDir();
    mkdirSync(join(dir, 'profiles'));
    writeFileSync(join(dir, 'profiles/bad.yaml'), 'x: [');
    const ran = bootstrap(dir, 'profiles', 'list');
    expect(ran.status).toBe(0);
    expect(ran.stdout).toMatch(/^bad +\(cannot be used\)$/m);
    expect(ran.stdout).toMatch(/^small /m);
    expect(ran.stderr).toContain('warning: profiles/bad.yaml:');
  });
});

describe('explain', () => {
  const spec = `profiles: [ha, small]\n${THREE}\napiServer:\n  extraArgs:\n    audit-log-maxage: 30`;

  test('says value, file and line of a field, its profile, or its default rule', () => {
    const dir = clusterDir(file(spec));
    const own = bootstrap(dir, 'explain', 'spec.apiServer.extraArgs.audit-log-maxage').stdout;
    expect(own).toMatch(/30/);
    expect(own).toContain('cluster.yaml:12:25');
    const profile = bootstrap(dir, 'explain', 'spec.apiServer.extraArgs.max-requests-inflight').stdout;
    expect(profile).toMatch(/100[\s\S]*small[\s\S]*profiles\/small\.yaml:\d+/);
    const standard = bootstrap(dir, 'explain', 'spec.networking.serviceSubnet').stdout;
    expect(standard).toMatch(/10\.96\.0\.0\/12[\s\S]*default[\s\S]*kubeadm/);
  });

  test('says the same of a rendered flag', () => {
    const dir = clusterDir(file(spec));
    const flag = bootstrap(dir, 'explain', 'cp1', 'kube-apiserver', '--etcd-servers');
    expect(flag.status).toBe(0);
    expect(flag.stdout).toMatch(/https:\/\/127\.0\.0\.1:2379[\s\S]*kube-apiserver\.yaml\.hbs:\d+/);
    expect(bootstrap(dir, 'explain', 'cp1', 'kube-apiserver', '--audit-log-maxage').stdout).toMatch(
      /30[\s\S]*cluster\.yaml:12:25/,
    );
    expect(bootstrap(dir, 'explain', 'cp2', 'etcd', '--quota-backend-bytes').stdout).toMatch(/1073741824[\s\S]*small/);
  });

  test.each([
    'cp1 kube-apiserver --etcd-servers --dir c',
    'cp1 kube-apiserver --etcd-servers -o json -d c',
    '-d c cp1 kube-apiserver --etcd-servers',
    'spec.nodes -o json --dir=c',
    'spec.pki.algorithm -d c --quiet',
    'cp1 kube-apiserver -d c -- --v',
    'cp1 kube-apiserver --v -d c',
    'cp1 kubelet --config -d c',
    'cp1 kube-apiserver --etcd-servers --help',
  ])('takes its options anywhere: %s', (words) => {
    const parent = emptyDir();
    mkdirSync(join(parent, 'c'));
    writeFileSync(join(parent, 'c/cluster.yaml'), file(spec));
    const ran = bootstrap(parent, 'explain', ...words.split(' '));
    expect([ran.status, ran.stderr]).toEqual([0, '']);
  });

  test('an unknown field, node, component or flag is an error with a suggestion', () => {
    const dir = clusterDir(file(spec));
    for (const [args, hint] of [
      [['spec.networking.serviceSubnets'], 'serviceSubnet'],
      [['cp7', 'etcd', '--name'], 'cp'],
      [['cp1', 'kube-apiservr', '--v'], 'kube-apiserver'],
      [['cp1', 'kube-apiserver', '--etcd-server'], 'etcd-servers'],
    ] as const) {
      const ran = bootstrap(dir, 'explain', ...args);
      expect([args, ran.status]).toEqual([args, 64]);
      expect(ran.stderr).toContain(hint);
    }
  });
});

describe('what render says', () => {
  test('certificates are compared by what is in them, and a node that has left is one line', () => {
    const dir = emptyDir();
    expect(bootstrap(dir, 'init', '-q', ...HA_OPTIONS).status).toBe(0);
    const changed = bootstrap(dir, 'render', '--dry-run', '--set', 'spec.apiServer.certSANs=[a.example.com]').stdout;
    expect(changed).toMatch(/^ certificate CN=kube-apiserver$/m);
    expect(changed).toMatch(/^\+ {2}for DNS:a\.example\.com$/m);
    expect(changed).not.toContain('BEGIN CERTIFICATE');
    const path = join(dir, 'cluster.yaml');
    const text = readFileSync(path, 'utf8')
      .replace(/ *- name: cp[23]\n.*\n/g, '')
      .replace('[ha]', '[single]');
    writeFileSync(path, text);
    expect(bootstrap(dir, 'render', '--dry-run').stdout).toMatch(/^ {2}- nodes\/cp3: 41 files to remove$/m);
    const { stdout } = bootstrap(dir, 'render');
    expect(stdout).toMatch(/^ {2}- nodes\/cp3: 41 files removed$/m);
    expect(stdout).not.toContain('nodes/cp3/');
  });
});

describe('the command line', () => {
  const commands = [
    [],
    ['init'],
    ['render'],
    ['profiles', 'list'],
    ['profiles', 'show'],
    ['config', 'validate'],
    ['config', 'show'],
    ['config', 'schema'],
    ['explain'],
    ['completion'],
    ['help'],
  ];

  test.each(commands.map((c) => [c.join(' ') || '(none)', c] as const))(
    '%s --help has examples and fits 80 columns',
    (_, command) => {
      const ran = bootstrap(emptyDir(), ...command, '--help');
      expect([ran.status, ran.stderr]).toEqual([0, '']);
      expect(ran.stdout).toContain('Examples:');
      expect(ran.stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    },
  );

  test('--version is that of the package', () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(bootstrap(emptyDir(), '--version').stdout).toBe(`${version}\n`);
  });

  test('wrong usage exits 64 and suggests what was meant', () => {
    const dir = emptyDir();
    for (const args of [
      ['redner'],
      ['render', '--drry-run'],
      ['render', '-o', 'xml'],
      ['profiles', 'show'],
      ['completion', 'tcsh'],
      ['render', '--set', 'x'],
      ['config'],
    ]) {
      expect([args, bootstrap(dir, ...args).status]).toEqual([args, 64]);
    }
    expect(bootstrap(dir, 'redner').stderr).toContain('render');
  });

  test('global options are understood in every position', () => {
    const dir = clusterDir(file(THREE));
    for (const args of [
      ['-q', 'config', 'validate'],
      ['config', '-v', 'validate'],
      ['config', 'validate', '--no-color', '--quiet', '--verbose'],
    ]) {
      expect([args, bootstrap(dir, ...args).status]).toEqual([args, 0]);
    }
  });

  test('help is that of the command named, and an error where there is none', () => {
    const dir = emptyDir();
    expect(bootstrap(dir, 'help', 'config', 'show').stdout).toBe(bootstrap(dir, 'config', 'show', '--help').stdout);
    const ran = bootstrap(dir, 'help', 'redner');
    expect([ran.status, ran.stdout, ran.stderr]).toEqual([
      64,
      '',
      'error: there is no command "redner"\n  did you mean "render"?\n',
    ]);
    expect(bootstrap(dir, 'render', '--drry-run').stderr).toContain('bootstrap render --help');
  });

  test('with -o json a failure is data on stdout, in the form of {error}', () => {
    const missing = bootstrap(emptyDir(), 'render', '-o', 'json');
    expect(missing.status).toBe(64);
    expect(JSON.parse(missing.stdout).error).toMatchObject({ code: 'usage', hint: expect.stringContaining('init') });
    const wrong = bootstrap(clusterDir(file(`${THREE}\nimageRepositry: x`)), 'config', 'show', '--output=json');
    expect(JSON.parse(wrong.stdout).error).toMatchObject({
      code: 'cluster-file',
      faults: [{ path: 'spec.imageRepositry', file: 'cluster.yaml' }],
    });
    expect(wrong.stderr).toContain('unknown field');
    const option = bootstrap(emptyDir(), 'render', '--drry-run', '-ojson');
    expect(JSON.parse(option.stdout).error.code).toBe('usage');
    expect(bootstrap(emptyDir(), 'render', '-o', 'text').stdout).toBe('');
  });

  test('a full disk, a directory that is gone and one that is a file give one line', () => {
    const shell = (command: string) =>
      spawnSync('bash', ['-c', command, 'bash', process.execPath, BOOTSTRAP], { cwd: emptyDir(), encoding: 'utf8' });
    for (const args of ['config schema', '--help']) {
      const full = shell(`"$1" "$2" ${args} >/dev/full`);
      expect([full.status, full.stderr]).toEqual([1, 'error: stdout cannot be written: no space left on device\n']);
    }
    const gone = shell('mkdir gone; cd gone; rmdir ../gone; "$1" "$2" render');
    expect([gone.status, gone.stderr]).toEqual([
      1,
      expect.stringContaining('error: the working directory is there no'),
    ]);
    const notOne = shell('touch f; "$1" "$2" render --dir f');
    expect([notOne.status, notOne.stderr]).toEqual([64, 'error: --dir f: is not a directory\n']);
  });

  test('a closed pipe is no error', () => {
    const ran = spawnSync(
      'bash',
      ['-c', `set -o pipefail; "${process.execPath}" "${BOOTSTRAP}" config schema | head -c 1 >/dev/null`],
      { encoding: 'utf8' },
    );
    expect(ran.stderr).toBe('');
  });

  test('binary, huge and unreadable cluster files give one clear line', () => {
    for (const [content, says] of [
      [Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0xff]), 'is not UTF-8 text'],
      [Buffer.from('a: b\0c\n'), 'NUL byte'],
      [Buffer.alloc(10 * 1024 * 1024, 'a'), '10 MiB'],
      [Buffer.from(''), 'is empty'],
    ] as const) {
      const dir = emptyDir();
      writeFileSync(join(dir, 'cluster.yaml'), content);
      const ran = bootstrap(dir, 'render');
      expect([ran.status, ran.stdout]).toEqual([65, '']);
      expect(ran.stderr).toContain(says);
      expect(ran.stderr).not.toMatch(/^\s+at /m);
    }
  });

  test('completion scripts are accepted by their shells and know commands and options', () => {
    const dir = emptyDir();
    for (const shell of ['bash', 'zsh', 'fish'])
      writeFileSync(join(dir, shell), bootstrap(dir, 'completion', shell).stdout);
    for (const shell of ['bash', 'zsh', 'fish']) if (needTool(shell)) execFileSync(shell, ['-n', join(dir, shell)]);
    const complete = (line: string) =>
      execFileSync(
        'bash',
        [
          '-c',
          `source ${join(dir, 'bash')}; COMP_WORDS=(${line} ""); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _bootstrap; printf '%s\\n' "\${COMPREPLY[@]}"`,
        ],
        { encoding: 'utf8' },
      ).split('\n');
    expect(complete('bootstrap')).toEqual(expect.arrayContaining(['init', 'render', 'config', '--no-color']));
    expect(complete('bootstrap config')).toEqual(expect.arrayContaining(['validate', 'show', 'schema']));
    expect(complete('bootstrap init --profile')).toEqual(expect.arrayContaining(['ha', 'single']));
    expect(complete('bootstrap profiles show')).toEqual(expect.arrayContaining(['ha', 'small']));
    expect(complete('bootstrap render --node')).toEqual(['', '']);
    if (needTool('shellcheck')) execFileSync('shellcheck', [join(dir, 'bash')]);
    if (needTool('fish')) {
      const fish = (line: string) =>
        execFileSync('fish', ['-c', `source ${join(dir, 'fish')}; complete -C '${line}'`], { encoding: 'utf8' });
      expect(fish('bootstrap -q config ')).toMatch(/^validate\t/m);
      expect(fish('bootstrap profiles show ')).toMatch(/^small$/m);
      expect(fish('bootstrap render -o ')).toMatch(/^yaml\t/m);
    }
  });
});

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BOOTSTRAP, bootstrap, clusterDir, emptyDir } from '../support/cli.ts';
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
      faults: [{ severity: 'error', file: 'cluster.yaml', line: 9, column: 3, path: 'spec.imageRepositry' }],
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
    expect(schema.$defs.spec.properties.nodes.description).toBe('The masters.');
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
    expect([ran.status, ran.stderr]).toEqual([65, expect.stringContaining('did you mean "small"?')]);
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
    if (needTool('fish')) {
      const fish = execFileSync('fish', ['-c', `source ${join(dir, 'fish')}; complete -C 'bootstrap config '`], {
        encoding: 'utf8',
      });
      expect(fish).toMatch(/^validate\t/m);
    }
  });
});

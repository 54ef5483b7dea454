import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { emitUnit, parseUnit } from '../../src/render/systemd-unit.ts';
import { readSystemdWord, systemdWord } from '../../src/render/template/systemd-quote.ts';
import type { Template } from '../../src/render/template/template.ts';
import { needTool } from '../support/tools.ts';
import { fileOf, render, specOf, textOf } from './fixtures.ts';

const CONFIG = '/var/lib/kubelet/config.yaml';
const DROP_IN = '/etc/systemd/system/kubelet.service.d/20-bootstrap.conf';
const UNIT = '/etc/systemd/system/kubelet.service';

const node = (more: object) => specOf(1, { nodes: [{ name: 'cp1', addresses: ['10.0.0.11'], ...more }] });
const command = (text: string) =>
  text
    .split('\n')
    .filter((line) => line.startsWith('    --'))
    .map((line) => line.trim().replace(/ \\$/, ''));

describe("the kubelet's drop-in", () => {
  it('resets the command of the unit and starts the kubelet with what it needs, one word a line', async () => {
    expect(textOf(await render(specOf(1)), DROP_IN)).toBe(
      `# Made by bootstrap; the next apply overwrites what is changed here.
[Service]
ExecStart=
ExecStart=/usr/bin/kubelet \\
    --config=/var/lib/kubelet/config.yaml \\
    --kubeconfig=/etc/kubernetes/kubelet.conf \\
    --node-ip=10.0.0.11
`,
    );
  });

  it('names all addresses of a dual-stack node', async () => {
    expect(command(textOf(await render(node({ addresses: ['10.0.0.11', 'fd00:0::11'] })), DROP_IN))).toContain(
      '--node-ip=10.0.0.11,fd00::11',
    );
  });

  it('overrides the host name only where it is not the name of the node', async () => {
    expect(command(textOf(await render(node({ hostname: 'cp1' })), DROP_IN)).join()).not.toContain('hostname-override');
    expect(command(textOf(await render(node({ hostname: 'machine-7.example.com' })), DROP_IN))).toContain(
      '--hostname-override=cp1',
    );
  });

  it('sets the labels that a kubelet may set, and leaves the others to an administrator', async () => {
    const labels = {
      'example.com/rack': 'r1',
      'topology.kubernetes.io/zone': 'a',
      'node-role.kubernetes.io/control-plane': '',
      'x.node.kubernetes.io/y': 'z',
      'node-restriction.kubernetes.io/a': 'b',
      'foo.k8s.io/a': 'b',
    };
    const flag = command(textOf(await render(node({ labels })), DROP_IN)).find((word) =>
      word.startsWith('--node-labels='),
    );
    expect(flag).toBe('--node-labels=example.com/rack=r1,topology.kubernetes.io/zone=a,x.node.kubernetes.io/y=z');
  });

  it("takes the user's flags by the same rule as manifests do", async () => {
    const output = await render(specOf(1, { kubelet: { extraArgs: { v: 2, 'node-ip': '10.0.0.99' } } }));
    expect(command(textOf(output, DROP_IN)).slice(-2)).toEqual(['--v=2', '--node-ip=10.0.0.99']);
    expect(command(textOf(output, DROP_IN)).filter((word) => word.startsWith('--node-ip'))).toHaveLength(1);
  });

  it('comes with the unit itself where that is asked for', async () => {
    const without = await render(specOf(1));
    expect(without.bundles[0]?.files.some(({ path }) => path === UNIT)).toBe(false);
    expect(fileOf(await render(specOf(1, { kubelet: { installUnit: true } })), UNIT)).toMatchObject({
      mode: 0o644,
      effect: { kind: 'kubelet-unit' },
    });
  });
});

describe("the kubelet's configuration", () => {
  it("is kubeadm's, with the user's fields over it and null for what is to go", async () => {
    const config = parse(
      textOf(
        await render(
          specOf(1, {
            kubelet: { config: { maxPods: 50, healthzPort: null, authentication: { webhook: { cacheTTL: '1m0s' } } } },
            nodes: [{ name: 'cp1', addresses: ['fd00::1'] }],
            networking: { serviceSubnet: 'fd00:96::/112' },
          }),
        ),
        CONFIG,
      ),
    ) as object;
    expect(config).toMatchObject({
      clusterDNS: ['fd00:96::a'],
      maxPods: 50,
      authentication: {
        anonymous: { enabled: false },
        webhook: { cacheTTL: '1m0s', enabled: true },
        x509: { clientCAFile: '/etc/kubernetes/pki/ca-bundle.crt' },
      },
    });
    expect(config).not.toHaveProperty('healthzPort');
  });

  it('is laid out for nobody but root, and secret where it holds headers', async () => {
    expect(fileOf(await render(specOf(1)), CONFIG)).toMatchObject({
      mode: 0o600,
      sensitive: false,
      effect: { kind: 'kubelet' },
    });
    const config = { staticPodURL: 'https://x/y', staticPodURLHeader: { Authorization: ['Bearer x'] } };
    expect(fileOf(await render(specOf(1, { kubelet: { config } })), CONFIG).sensitive).toBe(true);
  });
});

/** An argument of a process may hold anything but NUL. */
const argument = fc
  .oneof(
    fc.string({ unit: 'binary' }),
    fc.string({
      unit: fc.constantFrom('%', '$', '"', '\\', "'", ' ', '\n', '\t', ';', '#', '{', '}', 'n', 'x', '0', 'é'),
    }),
  )
  .map((s) => `--flag=${s.replace(/[\0\p{Surrogate}]/gu, '')}`);

describe('systemdWord', () => {
  it('is one line, and read back unchanged', () => {
    fc.assert(
      fc.property(fc.array(argument, { minLength: 1, maxLength: 4 }), (words) => {
        const text = emitUnit({ before: ['[Service]'], after: ['Restart=always'], command: ['/bin/true', ...words] });
        expect(text.split('\n')).toHaveLength(words.length + 4);
        expect(parseUnit(text, { file: 'x' } as Template).command).toEqual(['/bin/true', ...words]);
        expect(words.map((word) => readSystemdWord(systemdWord(word)))).toEqual(words);
      }),
    );
  });

  it('leaves out NUL, which no argument can hold', () => {
    expect(systemdWord('a\0b')).toBe('"ab"');
  });
});

const hasAnalyze = needTool('systemd-analyze');

describe.skipIf(!hasAnalyze)('systemd', () => {
  const dir = mkdtempSync(join(tmpdir(), 'units-'));
  chmodSync(dir, 0o755);
  afterAll(() => rmSync(dir, { recursive: true }));

  function write(unit: string, dropIn: string): void {
    mkdirSync(join(dir, 'kubelet.service.d'), { recursive: true });
    writeFileSync(join(dir, 'kubelet.service'), unit.replaceAll('/usr/bin/kubelet', '/bin/true'));
    writeFileSync(join(dir, 'kubelet.service.d/20-bootstrap.conf'), dropIn.replaceAll('/usr/bin/kubelet', '/bin/true'));
  }

  it('finds nothing wrong with unit and drop-in', async () => {
    const output = await render(
      specOf(1, { kubelet: { installUnit: true, extraArgs: { 'node-labels': 'a=b,c="d e"%n$HOME\\' } } }),
    );
    write(textOf(output, UNIT), textOf(output, DROP_IN));
    const result = spawnSync(
      'systemd-analyze',
      ['verify', '--recursive-errors=no', '--man=no', join(dir, 'kubelet.service')],
      { encoding: 'utf8' },
    );
    expect(result.stderr.split('\n').filter((line) => line.includes('kubelet'))).toEqual([]);
    expect(result.status).toBe(0);
  });

  const manager = ['/lib/systemd/systemd', '/usr/lib/systemd/systemd'].find(existsSync);

  /** The command lines that a manager in test mode has read; it refuses to run as root. Undefined where it does not run here. */
  function dumpedCommand(): string | undefined {
    if (!manager) return undefined;
    writeFileSync(join(dir, 'default.target'), '[Unit]\nDefaultDependencies=no\nWants=kubelet.service\n');
    const drop = process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];
    const [program = '', ...args] = [...drop, manager, '--test', '--system', '--no-pager', '--unit=default.target'];
    const env = {
      PATH: process.env['PATH'],
      SYSTEMD_UNIT_PATH: dir,
      SYSTEMD_LOG_LEVEL: 'debug',
      SYSTEMD_LOG_TARGET: 'console',
    };
    const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 20_000, env });
    return /Command Line: \/bin\/true (.*)/.exec(`${stdout}${stderr}`)?.[1];
  }

  it.skipIf(!manager)('gives the process just the argument that was meant', (context) => {
    const value = `--flag=a b"c\\d%n%%$HOME\${X}\t;#'é*{}`;
    write(
      '[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/true\n',
      emitUnit({ before: ['[Service]', 'ExecStart='], after: [], command: ['/bin/true', value] }),
    );
    const dumped = dumpedCommand();
    if (dumped === undefined) return context.skip();
    const shown = execFileSync('bash', ['-c', `printf %s ${dumped.replaceAll('\\t', '\t')}`], { encoding: 'utf8' });
    // `$$` becomes `$` when the process is started.
    expect(shown.replaceAll('$$', '$')).toBe(value);
  });
});

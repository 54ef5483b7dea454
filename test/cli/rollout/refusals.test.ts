import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BOOTSTRAP } from '../../support/cli.ts';
import { type Sshd, startSshd } from '../../support/sshd.ts';
import { needTool } from '../../support/tools.ts';
import { clusterFile, nodePorts, PORTS_PER_NODE } from '../../world/cluster-file.ts';
import { type Json, listAt, textAt } from '../../world/json.ts';
import { PATIENCE, parsed, run } from './site.ts';

/** Gives a program a terminal (util-linux). */
const SCRIPT = '/usr/bin/script';
const NAMES = ['cp1', 'cp2', 'cp3'];

const asRoot = (...argv: readonly string[]): boolean => {
  const [program = '', ...args] = process.geteuid?.() === 0 ? argv : ['sudo', '-n', ...argv];
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
};

/** Bare machines on which no program is but sshd and what every machine has. */
describe.runIf(needTool('sshd'))('machines that bootstrap cannot work on', { timeout: PATIENCE }, () => {
  const base = mkdtempSync(join(tmpdir(), 'bootstrap-refusals-'));
  const dir = join(base, 'cluster');
  const root = (name: string) => join(base, name);
  const sshds = new Map<string, Sshd>();
  let isMounted = false;

  /** How a node is reached: as its own sshd wants it, but for this. */
  function sayNodes(other: Readonly<Record<string, Json>> = {}): void {
    const entries = NAMES.map((name, i) => {
      const sshd = sshds.get(name);
      if (!sshd) throw new Error(`${name} has no sshd`);
      const ports = nodePorts(Array.from({ length: PORTS_PER_NODE }, (_, j) => 20_000 + 10 * i + j));
      return { name, address: `10.250.0.${11 + i}`, ports, sshd };
    });
    const nodes = Object.fromEntries(Object.entries(other).map(([name, ssh]) => [name, { ssh }]));
    writeFileSync(join(dir, 'cluster.yaml'), clusterFile(entries, 20_100, { nodes }));
  }

  /** An ssh_config like that of a node, with this said before. */
  function sshConfig(name: string, ...lines: readonly string[]): string {
    const path = join(base, `ssh_config-${readdirSync(base).length}`);
    writeFileSync(path, `${lines.join('\n')}\n${readFileSync(sshds.get(name)?.configFile ?? '', 'utf8')}`);
    return path;
  }

  const left = () => NAMES.map((name) => readdirSync(root(name)));
  const untouched = [[], [], []];

  beforeAll(async () => {
    for (const path of [dir, ...NAMES.map(root)]) mkdirSync(path);
    const options = `size=80m,mode=700,uid=${process.geteuid?.()},gid=${process.getegid?.()}`;
    isMounted = asRoot('mount', '-t', 'tmpfs', '-o', options, 'bootstrap-test', root('cp2'));
    if (!isMounted) console.warn('SKIPPED: no file system can be mounted, so no full disk is tried');
    await Promise.all(NAMES.map(async (name) => sshds.set(name, await startSshd({ root: root(name) }))));
    sayNodes();
    run(dir, ['init'], { status: 0 });
  }, PATIENCE);
  afterAll(async () => {
    if (isMounted) asRoot('umount', root('cp2'));
    for (const sshd of sshds.values()) await sshd.stop();
    rmSync(base, { recursive: true, force: true });
  }, PATIENCE);

  test('because nobody has said yes to their host key are named with the command that does', () => {
    writeFileSync(join(base, 'none-known'), '');
    sayNodes({ cp2: { configFile: sshConfig('cp2', `UserKnownHostsFile ${join(base, 'none-known')}`) } });
    const { stderr } = run(dir, ['apply', '--yes'], { status: 69 });
    expect(stderr).toMatch(
      /error: cp2: cannot connect to \S+: its host key \(ED25519\) is not known here yet, as \[127/,
    );
    expect(stderr).toMatch(
      /\n {2}ssh .*-o StrictHostKeyChecking=ask .*127\.0\.0\.1.* accepts it; on the machine itself, ssh-keygen/,
    );
    expect(readFileSync(join(base, 'none-known'), 'utf8')).toBe('');
    const status = parsed(run(dir, ['status', '-o', 'json'], { status: 2 }));
    const problem = listAt(status, 'problems').find((each) => textAt(each, 'node') === 'cp2');
    expect(textAt(problem, 'hint')).toContain('StrictHostKeyChecking=ask');
    expect(left()).toEqual(untouched);
  });

  test('because their host key is another one than it was are named with the command that forgets it', () => {
    const known = join(base, 'another-known');
    const other = readFileSync(sshds.get('cp1')?.knownHosts ?? '', 'utf8')
      .split(' ')
      .slice(1)
      .join(' ');
    writeFileSync(known, `[127.0.0.1]:${sshds.get('cp3')?.port} ${other}`);
    sayNodes({ cp3: { configFile: sshConfig('cp3', `UserKnownHostsFile ${known}`) } });
    const { stderr } = run(dir, ['plan'], { status: 69 });
    expect(stderr).toMatch(/error: cp3: .*its host key has CHANGED \(it is SHA256:\S+ now\)/);
    expect(stderr).toMatch(/ssh-keygen -R .*127\.0\.0\.1.* -f \S*another-known/);
    expect(stderr.match(/error:/g)).toHaveLength(1);
    expect(left()).toEqual(untouched);
  });

  test('because their sudo wants a password are named with the rule that lets it be', async () => {
    const bin = join(base, 'bin');
    mkdirSync(bin);
    for (const [name, text] of [
      ['id', '[ "$*" = -u ] && echo 1000 || echo ubuntu'],
      ['sudo', 'echo "sudo: a password is required" >&2; exit 1'],
    ] as const)
      writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    for (const name of ['sh', 'timeout']) symlinkSync(`/bin/${name}`, join(bin, name));
    const sshd = await startSshd({ path: bin, env: { BOOTSTRAP_NODE_ROOT: '' } });
    try {
      sayNodes({ cp1: { port: sshd.port, identityFile: sshd.identityFile, configFile: sshd.configFile } });
      const { stderr } = run(dir, ['apply', '--yes'], { status: 69 });
      expect(stderr).toMatch(
        /error: cp1: ubuntu at \S+@127\.0\.0\.1:\d+ is not root, and sudo asks for a password\n {2}on cp1, as root: .*NOPASSWD/,
      );
      expect(left()).toEqual(untouched);
    } finally {
      await sshd.stop();
    }
  });

  test('because they do not answer are all named, and no other one is touched', () => {
    sayNodes({ cp2: { port: 1 }, cp3: { port: 1, identityFile: '/nowhere/id' } });
    const { stderr } = run(dir, ['apply', '--yes'], { status: 69 });
    expect(stderr).toMatch(
      /^error: 2 masters cannot be reached\n {2}cp2: .*nothing listens on port 1 of 127\.0\.0\.1\n/m,
    );
    expect(stderr).toMatch(/^ {2}cp3: .*nothing listens on port 1 of/m);
    expect(run(dir, ['token', 'create'], { status: 69 }).stderr).toMatch(/error: no apiserver is ready \(cp1: /);
    expect(left()).toEqual(untouched);
  });

  test('because their disk is full, or cannot be written, are left as they were', () => {
    if (!isMounted) return;
    sayNodes();
    const remount = (how: string) => expect(asRoot('mount', '-o', `remount,${how}`, root('cp2'))).toBe(true);
    remount('size=1m');
    const small = run(dir, ['apply', '--yes'], { status: 76 });
    expect(small.stderr).toMatch(/cp2: only \d MiB are free where \/var\/lib\/bootstrap lies; 64 MiB are needed\n/);
    remount('size=80m,nr_inodes=25');
    const full = run(dir, ['apply', '--yes'], { status: 1 });
    expect(full.stderr).toMatch(
      /\nerror: cp2: the files cannot be kept on this node: no space left on the file system of \/var\/lib\/bootstrap \(\d+ KiB and 0 inodes free\)/,
    );
    remount('nr_inodes=1000,ro');
    const readOnly = run(dir, ['apply', '--yes']);
    expect(readOnly.status).toBe(1);
    expect(readOnly.stderr).toMatch(/error: cp2: .*Read-only file system/);
    for (const name of NAMES) {
      expect(existsSync(join(root(name), 'etc/kubernetes')), name).toBe(false);
      expect(existsSync(join(root(name), 'var/lib/bootstrap/lock')), name).toBe(false);
    }
    remount('rw');
  });

  test.runIf(existsSync(SCRIPT))(
    'are asked for on a terminal, in colour unless that is not wanted, and No is an answer',
    async () => {
      sayNodes();
      const { NO_COLOR: _, ...env } = process.env;
      const onTerminal = async (words: string, more: Readonly<Record<string, string>> = {}) => {
        const command = `stty cols 80; ${process.execPath} ${BOOTSTRAP} ${words}`;
        const child = spawn(SCRIPT, ['-qefc', command, '/dev/null'], {
          cwd: dir,
          env: { ...env, TERM: 'xterm', ...more },
          stdio: ['pipe', 'pipe', 'ignore'],
        });
        let said = '';
        let hasAnswered = false;
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          said += text;
          if (hasAnswered || !said.includes('Do this?')) return;
          hasAnswered = true;
          child.stdin.write('n');
        });
        await once(child, 'close');
        return { said, status: child.exitCode };
      };
      const asked = await onTerminal('apply');
      expect(asked.said).toContain('Nothing was changed.');
      expect(asked.said).toContain('\u001b[32m+');
      expect(asked.status).toBe(130);
      const plain = await onTerminal('plan', { NO_COLOR: '1' });
      expect(plain.status).toBe(2);
      expect(plain.said).not.toMatch(/\u001b\[\d+m/);
      expect((await onTerminal('plan --no-color')).said).not.toMatch(/\u001b\[\d+m/);
      expect(existsSync(join(root('cp1'), 'etc/kubernetes'))).toBe(false);
    },
  );
});

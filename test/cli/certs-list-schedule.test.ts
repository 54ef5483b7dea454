import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readSystemdWord } from '../../src/render/template/systemd-quote.ts';
import { BOOTSTRAP, bootstrap, emptyDir } from '../support/cli.ts';
import { needTool } from '../support/tools.ts';

const ODD = 'a b%c$d\'e"f\\g';

/** A cluster in a directory with everything in its name that somebody could take for something else. */
function oddDir(...more: readonly string[]): string {
  const dir = join(emptyDir(), ODD);
  mkdirSync(dir);
  const { status, stderr } = bootstrap(
    dir,
    'init',
    '--quiet',
    '--profile',
    'single',
    '--node',
    'cp1=10.0.0.11',
    ...more,
  );
  expect(status, stderr).toBe(0);
  return dir;
}

/** What was printed, by the file it belongs into. */
function unitsIn(stdout: string): ReadonlyMap<string, string> {
  const parts = stdout.split(/^# (\/etc\/systemd\/system\/\S+)\n/m).slice(1);
  return new Map(parts.flatMap((path, i) => (i % 2 ? [] : [[path.split('/').at(-1) ?? '', parts[i + 1] ?? '']])));
}

/** The words of `ExecStart=`, as systemd reads them. */
function commandIn(unit: string | undefined): readonly string[] {
  const line = /^ExecStart=(.*)$/m.exec(unit ?? '')?.[1] ?? '';
  return (line.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? []).map(readSystemdWord);
}

describe('certs schedule', () => {
  test('prints a service and a timer with absolute paths, and says on stderr where they go', () => {
    const dir = oddDir();
    const { status, stdout, stderr } = bootstrap(dir, 'certs', 'schedule');
    expect(status).toBe(0);
    const units = unitsIn(stdout);
    expect([...units.keys()]).toEqual([
      'bootstrap-certs-renew-kubernetes.service',
      'bootstrap-certs-renew-kubernetes.timer',
    ]);
    expect(commandIn(units.get('bootstrap-certs-renew-kubernetes.service'))).toEqual([
      process.execPath,
      BOOTSTRAP,
      ...['certs', 'renew', '--expires-within', '30d', '--apply', '--yes', '--dir', dir],
    ]);
    const timer = units.get('bootstrap-certs-renew-kubernetes.timer');
    expect(timer).toMatch(/^OnCalendar=daily\nRandomizedDelaySec=\S+\nPersistent=true$/m);
    expect(stderr.replace(/\s+/g, ' ')).toContain('`systemctl enable --now bootstrap-certs-renew-kubernetes.timer`');
  });

  test('writes the metrics too where it is told to, and takes a time of systemd', () => {
    const dir = oddDir();
    const { stdout } = bootstrap(
      dir,
      'certs',
      'schedule',
      '--prometheus',
      'x y%.prom',
      '--on-calendar',
      'Mon *-*-* 03:00',
    );
    const units = unitsIn(stdout);
    expect(units.get('bootstrap-certs-renew-kubernetes.timer')).toContain('OnCalendar=Mon *-*-* 03:00\n');
    expect(commandIn(units.get('bootstrap-certs-metrics-kubernetes.service'))).toEqual([
      process.execPath,
      BOOTSTRAP,
      ...['certs', 'list', '--prometheus', join(dir, 'x y%.prom'), '--dir', dir],
    ]);
  });

  test('looks more often after certificates that do not last long', () => {
    const dir = oddDir('--set', 'spec.pki.certValidity=24h');
    const { stdout } = bootstrap(dir, 'certs', 'schedule', '--set', 'spec.pki.certValidity=24h');
    expect(stdout).toContain('--expires-within 480m');
    expect(stdout).toContain('OnCalendar=hourly\n');
    expect(
      bootstrap(dir, 'certs', 'schedule', '--set', 'spec.pki.certValidity=24h', '--expires-within', '24h'),
    ).toMatchObject({ status: 64, stderr: expect.stringContaining('not shorter than certificates are valid') });
  });

  test.runIf(needTool('systemd-analyze'))('prints units that systemd takes', () => {
    const { stdout } = bootstrap(oddDir(), 'certs', 'schedule', '--prometheus', ODD);
    const out = emptyDir();
    const units = unitsIn(stdout);
    expect(units.size).toBe(4);
    for (const [name, text] of units) writeFileSync(join(out, name), text);
    const files = [...units.keys()].map((name) => join(out, name));
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...files], { encoding: 'utf8' });
    expect([status, stderr.split('\n').filter((line) => line.includes('bootstrap-certs'))]).toEqual([0, []]);
  });

  test('prints a line for cron that a shell reads as it was meant, whether cron takes the backslashes or not', () => {
    const dir = oddDir();
    const { status, stdout, stderr } = bootstrap(dir, 'certs', 'schedule', '--cron');
    expect([status, stderr]).toEqual([0, expect.stringContaining('crontab -e')]);
    const [, command = ''] = /^\d{1,2} [1-5] \* \* \* (.*)\n$/s.exec(stdout) ?? [];
    expect(command).not.toMatch(/(?<!\\)%/);
    for (const seen of [command, command.replaceAll('\\%', '%')]) {
      const { stdout: words } = spawnSync('sh', ['-c', `printf '%s\\0' ${seen}`], { encoding: 'utf8' });
      expect(words.split('\0').slice(0, -1)).toEqual([
        process.execPath,
        BOOTSTRAP,
        ...['certs', 'renew', '--expires-within', '30d', '--apply', '--yes', '--dir', dir],
      ]);
    }
    expect(bootstrap(dir, 'certs', 'schedule', '--cron').stdout).toBe(stdout);
  });

  test('refuses what it cannot print', () => {
    const dir = oddDir();
    const refused = (...args: readonly string[]) => bootstrap(dir, 'certs', 'schedule', ...args).status;
    expect(refused('--cron', '--systemd')).toBe(64);
    expect(refused('--cron', '--on-calendar', 'daily')).toBe(64);
    expect(refused('--on-calendar', 'daily\nExecStart=/bin/false')).toBe(64);
    expect(refused('--prometheus', '-')).toBe(64);
    expect(refused('--expires-within', '3 weeks')).toBe(64);
  });
});

import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { publishServed } from '../../../src/deliver/serve/publish.ts';
import { loopbackPair, wantedFor } from '../../deliver/serve/fixtures.ts';
import { bootstrap, emptyDir } from '../../support/cli.ts';
import { needTool } from '../../support/tools.ts';

describe('`bootstrap serve --unit`', () => {
  test.runIf(needTool('systemd-analyze'))(
    'prints a service that systemd takes, also for a directory with odd letters',
    async () => {
      const dir = join(emptyDir(), 'a b%c$d');
      mkdirSync(dir);
      await publishServed(join(dir, 'serve'), wantedFor(['cp1'], loopbackPair()));
      const { status, stdout } = bootstrap(dir, 'serve', '--unit', '--listen', '443');
      expect(status).toBe(0);
      expect(stdout).toMatch(/^CapabilityBoundingSet=CAP_NET_BIND_SERVICE$/m);
      const unit = join(dir, 'bootstrap-serve.service');
      writeFileSync(unit, stdout);
      const verified = spawnSync('systemd-analyze', ['verify', unit], { encoding: 'utf8' });
      expect(verified.stderr.split('\n').filter((line) => line.includes('bootstrap-serve'))).toEqual([]);
    },
  );
});

describe('`bootstrap serve`', () => {
  const refused = (...args: readonly string[]) => {
    const { status, stderr } = bootstrap(emptyDir(), 'serve', ...args);
    return `${status} ${stderr}`;
  };

  test('says where there is nothing to serve yet', () => {
    expect(refused()).toMatch(/^64 error: .*\/serve: there is no such directory\n.*`bootstrap apply` makes it/s);
    expect(refused('--from', 'x')).toMatch(/^64 error: .*\/x: there is no such directory\n.*copy the serve\//s);
  });

  test('refuses places at which nobody can listen', async () => {
    const dir = emptyDir();
    await publishServed(join(dir, 'serve'), wantedFor(['cp1'], loopbackPair()));
    const from = ['--from', join(dir, 'serve')];
    expect(refused(...from, '--listen', 'here')).toMatch(/^64 error: --listen here: must be host:port or a port/);
    expect(refused(...from, '--listen', '99999')).toMatch(/^64 error: --listen 99999: must be host:port or a port/);
    expect(refused(...from, '--metrics', 'on')).toMatch(/^64 error: --metrics on: must be host:port or a port/);
    expect(refused(...from, '--listen', '192.0.2.1:8443', '--metrics', 'off')).toMatch(
      /^1 .*error: cannot listen on 192\.0\.2\.1:8443: this machine has no such address/s,
    );
  });
});

import { spawnSync } from 'node:child_process';
import { realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { serveUnit } from '../../../src/cli/serve/unit.ts';
import { publishServed } from '../../../src/deliver/serve/publish.ts';
import { loopbackPair, wantedFor } from '../../deliver/serve/fixtures.ts';
import { bootstrap, emptyDir } from '../../support/cli.ts';
import { needTool } from '../../support/tools.ts';

const tls = loopbackPair();

/** A cluster directory that has published something for a port. */
async function clusterDirectory(name: string, port = 8443): Promise<string> {
  const dir = join(realpathSync(emptyDir()), name);
  await publishServed(join(dir, 'serve'), { ...wantedFor(['cp1'], tls), endpoint: `pods.example.com:${port}` });
  return dir;
}

/** What systemd itself has to say of it. */
function verified(unit: string): string {
  const dir = emptyDir();
  const path = join(dir, 'bootstrap-serve.service');
  writeFileSync(path, unit);
  const { stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', '--recursive-errors=no', path], {
    encoding: 'utf8',
  });
  return (stdout + stderr)
    .split('\n')
    .filter((line) => line.includes('bootstrap-serve'))
    .join('\n');
}

const setting = (unit: string, name: string) =>
  [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value]) => value);

describe('`serve --unit`', () => {
  test('prints a service that runs as the owner of the directory and sees no key of the cluster', async () => {
    const dir = await clusterDirectory('prod');
    const { status, stdout, stderr } = bootstrap(dir, 'serve', '--unit', '--quiet', '--log', 'json');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain(
      `serve \\\n    --dir \\\n    ${dir} \\\n    --metrics \\\n    127.0.0.1:9446 \\\n    --log \\\n    json \\\n    --quiet\n`,
    );
    expect(setting(stdout, 'User')).toEqual([String(process.getuid?.())]);
    expect(setting(stdout, 'ReadOnlyPaths')).toEqual([`-${dir}/serve`]);
    expect(setting(stdout, 'InaccessiblePaths')).toContain(`-${dir}/pki`);
    expect(setting(stdout, 'CapabilityBoundingSet')).toEqual(['']);
    // it would not find the directory in a /tmp of its own
    expect(setting(stdout, 'PrivateTmp')).toEqual([String(!/^\/(?:var\/)?tmp\//.test(dir))]);
  });

  test('lets it take a port below 1024, and nothing more', async () => {
    const { stdout } = bootstrap(await clusterDirectory('prod', 443), 'serve', '--unit');
    for (const name of ['CapabilityBoundingSet', 'AmbientCapabilities'])
      expect(setting(stdout, name)).toEqual(['CAP_NET_BIND_SERVICE']);
  });

  test('of a copy hides nothing: nothing else is there', async () => {
    const dir = await clusterDirectory('prod');
    const { stdout } = bootstrap(emptyDir(), 'serve', '--from', join(dir, 'serve'), '--unit');
    expect(setting(stdout, 'InaccessiblePaths')).toEqual([]);
    expect(stdout).toContain(`--from \\\n    ${dir}/serve`);
  });

  test.runIf(needTool('systemd-analyze'))('is what systemd takes, whatever the directory is called', async () => {
    for (const name of ['prod', 'my cluster', '50% of $HOME $$', `it's "so"`, 'back\\slash']) {
      const dir = await clusterDirectory(name);
      const { stdout } = bootstrap(dir, 'serve', '--unit');
      expect(verified(stdout), name).toBe('');
      expect(setting(stdout, 'ReadOnlyPaths').length, name).toBe(/["'\\]/.test(name) ? 0 : 1);
    }
    const wrong = bootstrap(await clusterDirectory('prod'), 'serve', '--unit').stdout.replace('Restart=', 'Restrt=');
    expect(verified(wrong)).toContain('Restrt');
  });

  test('keeps what its paths are called', () => {
    const unit = serveUnit({
      argv: ['/opt/$x/node', 'a $b'],
      dir: '/srv/50% $x',
      clusterDir: undefined,
      owner: { uid: 5, gid: 6 },
      isPrivileged: false,
    });
    expect(setting(unit, 'ReadOnlyPaths')).toEqual(['"-/srv/50%% $x"']);
    expect(unit).toContain('ExecStart="/opt/$x/node" \\\n    "a $$b"\n');
    expect(setting(unit, 'PrivateTmp')).toEqual(['true']);
  });
});

describe('`bootstrap serve`', () => {
  const refused = (...args: readonly string[]) => {
    const { status, stderr } = bootstrap(emptyDir(), 'serve', ...args);
    return `${status} ${stderr}`;
  };

  test('says where there is nothing to serve yet', () => {
    expect(refused()).toMatch(/^64 error: .*\/serve: there is no such directory\n.*`bootstrap apply` makes it/s);
    expect(refused('--from', 'x')).toMatch(/^64 error: .*\/x: there is no such directory\n.*copy the serve\//s);
    expect(refused('--from', '.', '--dir', '.')).toMatch(/^64 error: --dir and --from exclude each other/);
    expect(refused('--from', '.')).toMatch(/^64 error: the port cannot be told.*\n {2}say it: --listen 8443/);
  });

  test('refuses places at which nobody can listen', async () => {
    const dir = emptyDir();
    await publishServed(join(dir, 'serve'), wantedFor(['cp1'], tls));
    const from = ['--from', join(dir, 'serve')];
    expect(refused(...from, '--listen', 'here')).toMatch(/^64 error: --listen here: must be host:port or a port/);
    expect(refused(...from, '--listen', '99999')).toMatch(/^64 error: --listen 99999: must be host:port or a port/);
    expect(refused(...from, '--metrics', 'on')).toMatch(/^64 error: --metrics on: must be host:port or a port/);
    expect(refused(...from, '--listen', '192.0.2.1:8443', '--metrics', 'off')).toMatch(
      /^1 .*error: cannot listen on 192\.0\.2\.1:8443: this machine has no such address/s,
    );
  });
});

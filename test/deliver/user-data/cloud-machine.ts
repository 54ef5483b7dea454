import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { metaData } from '../../../src/deliver/user-data/nocloud.ts';
import { needTool } from '../../support/tools.ts';
import { treeOf } from './scratch.ts';
import { CALLS, type Event, eventsOf } from './trace.ts';

/** What is laid over this machine's own, so that nothing of what cloud-init does stays. */
const LAID_OVER = ['etc', 'var', 'usr', 'opt', 'root'];

/** Only what user-data is for; the rest of an image's modules would grow disks and make SSH keys. */
const CLOUD_CFG = `datasource_list: [NoCloud]
network: {config: disabled}
users: []
disable_root: false
cloud_init_modules: [bootcmd, write-files, set_hostname]
cloud_config_modules: [runcmd]
cloud_final_modules: [scripts-per-once, scripts-per-boot, scripts-per-instance, scripts-user]
system_info: {distro: debian, paths: {cloud_dir: /var/lib/cloud, templates_dir: /etc/cloud/templates}}
`;

/** The stages of cloud-init, as its four units run them. */
const BOOT = `set -e
for each in ${LAID_OVER.join(' ')}; do
  mount -t overlay overlay -o "lowerdir=/$each,upperdir=$dir/$each,workdir=$dir/.work/$each" "/$each"
done
mount --bind "$dir/run" /run
[ ! -e /dev/console ] || mount --bind "$dir/console" /dev/console
rm -rf /etc/cloud/cloud.cfg.d/* /run/cloud-init
hostname "$(cat /etc/hostname)"
set +e
umask 022
stage() { echo "$1: $2" >>"$dir/statuses"; }
cloud-init init --local >/dev/null 2>&1; stage local $?
$trace cloud-init init >/dev/null 2>&1; stage init $?
cloud-init modules --mode=config >/dev/null 2>&1; stage config $?
cloud-init modules --mode=final; stage final $?
hostname >"$dir/hostname"
`;

export interface Booted {
  /** Exit statuses of the stages. */
  readonly statuses: string;
  /** What the last stage, which runs commands, said; cloud-init's own log lines are left out. */
  readonly output: string;
  readonly console: string;
  readonly hostname: string;
  /** What cloud-init complains of in /run/cloud-init/status.json, of all stages. */
  readonly errors: readonly string[];
  /** What systemctl was asked, but for questions. */
  readonly systemctl: readonly string[];
  /** What happened below /etc/bootstrap in the stage that writes files, where that was traced. */
  readonly events: readonly Event[];
}

/** Whether a machine can be played here: needs cloud-init, and root's right to mount in a namespace of its own. */
export function canBoot(): boolean {
  if (!needTool('cloud-init') || !needTool('unshare')) return false;
  const probe = mkdtempSync(join(memory(), 'bootstrap-probe-'));
  const script = `cd ${probe} && mkdir l u w m && mount -t overlay overlay -o lowerdir=l,upperdir=u,workdir=w m`;
  const can = unshared(script, {}).status === 0;
  rmSync(probe, { recursive: true, force: true });
  if (!can)
    console.warn('SKIPPED: nothing can be mounted here (it takes root), so cloud-init itself was not run on user-data');
  return can;
}

const memory = () => (existsSync('/dev/shm') ? '/dev/shm' : tmpdir());

function unshared(script: string, env: NodeJS.ProcessEnv) {
  const args = ['--mount', '--uts', '--propagation', 'private', 'sh', '-c', script];
  return spawnSync('unshare', args, { env: { PATH: process.env['PATH'], ...env }, encoding: 'utf8', timeout: 120_000 });
}

/** A machine of which only the changes to this one exist, with the real cloud-init and a systemctl that writes down. */
export function cloudMachine(userData: Buffer, node: string) {
  const dir = mkdtempSync(join(memory(), 'bootstrap-cloud-'));
  const write = (path: string, content: string | Buffer, mode = 0o644): void => {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), content, { mode });
  };
  for (const each of LAID_OVER) mkdirSync(join(dir, '.work', each), { recursive: true });
  for (const each of LAID_OVER) mkdirSync(join(dir, each), { recursive: true });
  write('etc/cloud/cloud.cfg', CLOUD_CFG);
  write('etc/hostname', 'image\n');
  write('var/lib/cloud/seed/nocloud/user-data', userData, 0o600);
  write('var/lib/cloud/seed/nocloud/meta-data', metaData('bootstrap-0123456789abcdef', node));
  const log = join(dir, 'systemctl.log');

  return {
    dir,
    write,
    /** @param more lines of the stand-in for systemctl */
    systemctl(more = '', unit: 'loaded' | 'not-found' = 'loaded'): void {
      const text = `#!/bin/sh\necho "$*" >>${log}\n[ "$1" != show ] || echo LoadState=${unit}\n${more}\n`;
      rmSync(join(dir, 'usr/bin/systemctl'), { force: true });
      write('usr/bin/systemctl', text, 0o755);
    },
    boot(isTraced = false): Booted {
      rmSync(join(dir, 'run'), { recursive: true, force: true });
      mkdirSync(join(dir, 'run'));
      for (const name of ['console', 'statuses', 'systemctl.log', 'hostname', 'strace'])
        writeFileSync(join(dir, name), '');
      const trace = isTraced ? `strace -f -s 4096 -o ${dir}/strace -e trace=${CALLS.join(',')}` : '';
      const { stdout, stderr } = unshared(BOOT, { dir, trace });
      const text = (name: string) => readFileSync(join(dir, name), 'utf8');
      const status = existsSync(join(dir, 'var/lib/cloud/data/status.json'))
        ? text('var/lib/cloud/data/status.json')
        : '{}';
      return {
        statuses: text('statuses').trim().replaceAll('\n', ', '),
        output: `${stdout}${stderr}`
          .split('\n')
          .filter((line) => !/^\d{4}-\d\d-\d\d |^Cloud-init v|^WARN: no logging|^Setting up basic/.test(line))
          .join('\n'),
        console: text('console'),
        hostname: text('hostname').trim(),
        errors: errorsIn(JSON.parse(status)),
        systemctl: text('systemctl.log')
          .split('\n')
          .filter((line) => line !== '' && !line.startsWith('show ')),
        events: eventsOf(readFileSync(join(dir, 'strace'), 'latin1'), '').filter(
          (event) => 'path' in event && event.path.startsWith('/etc/bootstrap'),
        ),
      };
    },
    /** What has changed, as `treeOf` shows it. */
    tree: (below: string) => treeOf(dir, below),
    has: (path: string): boolean => existsSync(join(dir, path)),
    remove: (): void => rmSync(dir, { recursive: true, force: true }),
  };
}

export type CloudMachine = ReturnType<typeof cloudMachine>;

function errorsIn(status: unknown): readonly string[] {
  if (Array.isArray(status)) return [];
  if (typeof status !== 'object' || status === null) return [];
  return Object.entries(status).flatMap(([key, value]) =>
    key === 'errors' && Array.isArray(value) ? value.map(String) : errorsIn(value),
  );
}

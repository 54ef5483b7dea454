import { existsSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Box, type Environment, program } from './node-box.ts';

/** Every program that the script calls. */
const PROGRAMS = [
  ...['cat', 'chmod', 'chown', 'cp', 'cut', 'date', 'dd', 'env', 'head', 'id', 'install', 'ln', 'ls', 'mkdir'],
  ...['mktemp', 'mv', 'paste', 'readlink', 'rm', 'rmdir', 'sha256sum', 'sleep', 'sort', 'stat', 'sync', 'systemctl'],
  ...['tail', 'tar', 'tr', 'uname'],
];

/**
 * Stand-ins for the programs that the script calls, which do what the real ones do until the `at`-th call. That one
 * `kill`s the script with all that it has started, as a power cut would, or `fail`s as on a full disk.
 */
export function shim(box: Box, at: number, action: 'kill' | 'fail'): Environment {
  const dir = mkdtempSync(join(box.dir, 'shim-'));
  const bin = join(dir, 'bin');
  const count = join(dir, 'count');
  mkdirSync(bin);
  writeFileSync(count, '');
  const PATH = `${join(box.dir, 'bin')}:${process.env['PATH']}`;
  const cases = PROGRAMS.flatMap((name) => {
    const path = PATH.split(':')
      .map((folder) => join(folder, name))
      .find((each) => existsSync(each));
    return path === undefined ? [] : [`*/${name}) exec ${path} "$@" ;;`];
  });
  program(
    join(dir, 'shim'),
    `printf . >>'${count}'
read -r dots <'${count}'
if [ "\${#dots}" = ${at} ]; then
  ${action === 'kill' ? 'kill -KILL 0' : `echo "\${0##*/}: cannot do that: No space left on device" >&2; exit 1`}
fi
case $0 in ${cases.join(' ')} esac`,
  );
  for (const name of PROGRAMS) symlinkSync(join(dir, 'shim'), join(bin, name));
  return { PATH: `${bin}:${PATH}` };
}

/**
 * Stand-ins that write down each call with its arguments in `calls`, and in `readable` every file with a key that others
 * could read just then.
 */
export function spy(box: Box): Environment {
  const dir = mkdtempSync(join(box.dir, 'spy-'));
  const PATH = `${join(box.dir, 'bin')}:${process.env['PATH']}`;
  writeFileSync(join(box.dir, 'calls'), '');
  writeFileSync(join(box.dir, 'readable'), '');
  for (const name of PROGRAMS)
    program(
      join(dir, name),
      `PATH='${PATH}'
echo "${name} $*" >>'${box.dir}/calls'
/usr/bin/find '${box.root}' -type f -perm /077 \\( -name '*.key' -o -name '.*.key.*' -o -path '*/.bootstrap-new/*.key' -o -path '*/undo/*' -o -path '*/revisions/*' \\) -exec grep -l '^key ' {} + >>'${box.dir}/readable' 2>/dev/null
exec ${name} "$@"`,
    );
  return { PATH: `${dir}:${PATH}` };
}

import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import { BootstrapError } from '../../base/errors.ts';
import { systemErrorReason } from '../../base/system-error.ts';
import { type Ran, runProgram } from '../transport/run-program.ts';

/** Any will do, so that the image is the same for the same files; of these programs only xorriso can be told one. */
const DATE = '2000010100000000';

/** The volume that cloud-init looks for (cloudinit/sources/DataSourceNoCloud.py, fs_label), with nothing in it for others to read. */
const VOLUME = '-quiet -volid cidata -joliet -rock -uid 0 -gid 0 -file-mode 0400 -dir-mode 0500'.split(' ');

const PROGRAMS: readonly (readonly string[])[] = [
  ['xorriso', '-as', 'mkisofs', `--modification-date=${DATE}`, '--set_all_file_dates', DATE],
  ['genisoimage'],
  ['mkisofs'],
];

/** What a shell gives where there is no such program (POSIX, Shell Command Language 2.8.2). */
const NOT_FOUND = 127;

/**
 * Writes an image for NoCloud: what a machine without a cloud is given as a CD or a disk.
 * @param dir holds user-data and meta-data; whatever else lies there, such as network-config, goes along
 * @param out the image's file, 0600, for it holds keys; it is replaced as a whole or not at all
 * @throws BootstrapError where no program for it is installed, or it has failed
 */
export async function writeIso(dir: string, out: string): Promise<void> {
  const names = readdirSync(dir);
  for (const name of ['user-data', 'meta-data']) {
    if (!names.includes(name)) throw new BootstrapError('failed', `${dir}: there is no ${name} to make an image of`);
  }
  for (const program of PROGRAMS) {
    // all of them write to standard output, so that no half of it ever has a name, nor rights that it should not have
    const { status, stdout, stderr } = await run([...program, ...VOLUME, resolve(dir)]);
    if (status === NOT_FOUND) continue;
    if (status === 0) return writeFileAtomic(out, stdout, 0o600);
    throw new BootstrapError('failed', `${out}: ${program[0]} could not make it (status ${status ?? 'none'})`, {
      hint: stderr.toString().trim().split('\n').slice(-3).join('\n  '),
    });
  }
  throw new BootstrapError('failed', `${out}: none of ${PROGRAMS.map(([name]) => name).join(', ')} is installed`, {
    hint: `install xorriso; or make an image with the volume cidata of ${dir} elsewhere, or run cloud-localds`,
  });
}

async function run(words: readonly string[]): Promise<Ran> {
  try {
    return await runProgram(words);
  } catch (error) {
    throw new BootstrapError('failed', `${words[0]} cannot be started: ${systemErrorReason(error)}`, { cause: error });
  }
}

import fs from 'node:fs';

/**
 * Kills this process just before its n-th step on the disk, so that every moment between two steps can be tried. Must be
 * imported first. KILL_AT=0 kills nothing; the number of steps is printed at the end.
 */
const killAt = Number(process.env['KILL_AT']);
let steps = 0;

function counted<T extends (...args: never[]) => unknown>(call: T, counts: (...args: Parameters<T>) => boolean): T {
  return ((...args: Parameters<T>) => {
    if (counts(...args) && ++steps === killAt) process.kill(process.pid, 'SIGKILL');
    return call(...args);
  }) as T;
}

fs.mkdirSync = counted(fs.mkdirSync, () => true);
fs.openSync = counted(fs.openSync, (_, flags) => flags === 'wx');
fs.writeFileSync = counted(fs.writeFileSync, () => true);
fs.renameSync = counted(fs.renameSync, () => true);
fs.rmSync = counted(fs.rmSync, () => true);

process.on('exit', () => fs.writeSync(1, `${steps}\n`));

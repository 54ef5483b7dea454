import { readFileSync } from 'node:fs';

/**
 * Start time of a process of this machine in clock ticks since boot (field 22 of /proc/PID/stat), so that a reused PID is
 * told apart; '' where it has ended, or there is no /proc.
 */
export function startTime(pid: number): string {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .trim()
      .split(' ');
    // what has ended and was not waited for is still listed
    return fields[0] === 'Z' || fields[0] === 'X' ? '' : (fields[19] ?? '');
  } catch {
    return '';
  }
}

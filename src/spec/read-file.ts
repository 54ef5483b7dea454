import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { BootstrapError } from '../base/errors.ts';
import { systemErrorCode, systemErrorReason } from '../base/system-error.ts';

const MAX_BYTES = 1024 * 1024;

/**
 * Reads a text file of the user's: at most 1 MiB, UTF-8, no NUL bytes; a byte-order mark and CRLF are taken away.
 * @param shown the name to use in messages
 * @throws BootstrapError `cluster-file` that says what is wrong with it; `usage` where it is not there
 */
export function readTextFile(path: string, shown: string): string {
  return textOf(readBytes(path, shown, MAX_BYTES), shown);
}

/** The same for what was read by other means. */
export function textOf(bytes: Buffer, shown: string): string {
  if (bytes.length > MAX_BYTES)
    throw new BootstrapError('cluster-file', `${shown}: is more than ${megabytes(MAX_BYTES)} large`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new BootstrapError('cluster-file', `${shown}: is not UTF-8 text (a binary file, or another encoding)`);
  }
  const nul = text.indexOf('\0');
  if (nul >= 0)
    throw new BootstrapError('cluster-file', `${shown}: holds a NUL byte at offset ${nul}; it is not a text file`);
  return text.replace(/\r\n/g, '\n');
}

/** Reads a file of at most `limit` bytes, with the same errors. */
export function readBytes(path: string, shown: string, limit: number): Buffer {
  let handle: number;
  try {
    // not blocking, because opening a named pipe would wait for its writer
    handle = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const missing = systemErrorCode(error) === 'ENOENT';
    throw new BootstrapError(
      missing ? 'usage' : 'cluster-file',
      `${shown}: cannot be read: ${systemErrorReason(error)}`,
    );
  }
  try {
    const stat = fstatSync(handle);
    if (!stat.isFile())
      throw new BootstrapError(
        'cluster-file',
        `${shown}: is ${stat.isDirectory() ? 'a directory' : 'a device or a pipe'}, not a file`,
      );
    if (stat.size > limit)
      throw new BootstrapError(
        'cluster-file',
        `${shown}: is ${megabytes(stat.size)} large; at most ${megabytes(limit)} are read`,
      );
    const bytes = readFileSync(handle);
    if (bytes.length > limit)
      throw new BootstrapError('cluster-file', `${shown}: is more than ${megabytes(limit)} large`);
    return bytes;
  } finally {
    closeSync(handle);
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1).replace(/\.0$/, '')} MiB`;
}

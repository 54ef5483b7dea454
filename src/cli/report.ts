import { BootstrapError } from '../base/errors.ts';
import { describeFault, describeOrigin, type Fault, uniqueFaults } from '../base/fault.ts';
import type { Json } from '../spec/tree.ts';
import { printResult } from './format.ts';
import type { Io } from './io.ts';
import type { CommonOptions } from './options.ts';

/** Prints warnings, one a line, each where it was found. */
export function reportFaults(faults: readonly Fault[], io: Io): void {
  for (const fault of uniqueFaults(faults)) {
    const line = describeFault(fault);
    io.err(
      fault.severity === 'warning' ? `${io.color.yellow('warning:')} ${line}` : `${io.color.red('error:')} ${line}`,
    );
  }
}

/** Prints an error for the user; a fault of this program with the request to report it. */
export function reportError(error: unknown, io: Io, verbose: boolean): void {
  if (error instanceof BootstrapError) {
    // the faults come bare, as compilers print them, so that editors and grep find the place
    for (const fault of uniqueFaults(error.faults)) {
      io.err(fault.severity === 'warning' ? `${describeFault(fault)} (warning)` : describeFault(fault));
    }
    io.err(`${io.color.red('error:')} ${error.message}`);
    if (error.hint) io.err(`  ${error.hint}`);
    return;
  }
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  io.err(`${io.color.red('internal error:')} ${name}: ${message}`);
  io.err(
    verbose
      ? (stack ?? '')
      : '  This is a fault in bootstrap. Run it again with --verbose for where it came from, and report that.',
  );
}

/** The same on stdout for `-o json` and `-o yaml`, so that a script finds data there in every case. */
export function reportErrorData(error: unknown, output: CommonOptions['output'], io: Io): void {
  if (output === undefined) return;
  const { code, message, hint, faults } =
    error instanceof BootstrapError ? error : new BootstrapError('internal', String(error));
  const data: Json = { code, message, ...(hint && { hint }), faults: uniqueFaults(faults).map(faultData) };
  printResult(io, output, { error: data }, () => '');
}

/** A fault as data for `-o json`. */
export function faultData(fault: Fault): { readonly [key: string]: Json } {
  const origin = fault.at?.origin;
  return {
    severity: fault.severity,
    message: fault.message,
    ...(fault.hint && { hint: fault.hint }),
    ...(fault.at?.path && { path: fault.at.path }),
    ...(origin && ('place' in origin ? { ...origin.place } : { source: describeOrigin(origin) })),
  };
}

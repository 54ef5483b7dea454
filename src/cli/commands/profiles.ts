import { BootstrapError } from '../../base/errors.ts';
import { errorAt, type Fault } from '../../base/fault.ts';
import { type ProfileFolder, profileNames, readProfile } from '../../spec/profiles.ts';
import { type Json, toJson } from '../../spec/tree.ts';
import { printResult, table } from '../format.ts';
import { processIo } from '../io.ts';
import type { CommonOptions } from '../options.ts';
import { checkProfileNames } from '../profile-names.ts';
import { faultData, reportFaults } from '../report.ts';
import { workspace } from '../workspace.ts';

/** `profiles list`: name, description and file of each. A file with faults does not hide the others. */
export function listProfiles(options: CommonOptions): number {
  const io = processIo(options);
  const { profileFolders } = workspace(options);
  const listed = profileNames(profileFolders).map((name) => ({ name, ...described(name, profileFolders) }));
  const data: readonly Json[] = listed.map(({ name, description, file, faults }) => ({
    name,
    description,
    file,
    ...(faults.length > 0 && { faults: faults.map(faultData) }),
  }));
  reportFaults(
    listed.flatMap(({ faults }) => faults.map((fault) => ({ ...fault, severity: 'warning' as const }))),
    io,
  );
  printResult(io, options.output, data, () =>
    table(
      ['NAME', 'WHAT IT IS', 'FILE'],
      listed.map(({ name, description, file }) => [name, description, file]),
    ),
  );
  return 0;
}

interface Described {
  readonly description: string;
  readonly file: string;
  readonly faults: readonly Fault[];
}

function described(name: string, folders: readonly ProfileFolder[]): Described {
  try {
    const { description, file } = readProfile(name, folders);
    return { description, file, faults: [] };
  } catch (error) {
    if (!(error instanceof BootstrapError)) throw error;
    const faults = error.faults.length ? error.faults : [errorAt(undefined, error.message)];
    return { description: '(cannot be used)', file: '', faults };
  }
}

/** `profiles show NAME`: the file as it is, or its data. */
export function showProfile(options: CommonOptions, name = ''): number {
  const { profileFolders } = workspace(options);
  checkProfileNames([name], profileFolders);
  const profile = readProfile(name, profileFolders);
  const data: Json = {
    name,
    description: profile.description,
    extends: profile.extends,
    requires: profile.requires as Json,
    spec: toJson(profile.spec),
  };
  printResult(processIo(options), options.output, data, () => profile.text.trimEnd());
  return 0;
}

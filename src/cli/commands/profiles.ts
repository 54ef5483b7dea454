import { profileNames, readProfile } from '../../spec/profiles.ts';
import { type Json, toJson } from '../../spec/tree.ts';
import { printResult, table } from '../format.ts';
import { processIo } from '../io.ts';
import type { CommonOptions } from '../options.ts';
import { workspace } from '../workspace.ts';

/** `profiles list`: name, description and file of each. */
export function listProfiles(options: CommonOptions): number {
  const { profileFolders } = workspace(options);
  const profiles = profileNames(profileFolders).map((name) => readProfile(name, profileFolders));
  const data = profiles.map(({ name, description, file }) => ({ name, description, file }));
  printResult(processIo(options), options.output, data, () =>
    table(
      ['NAME', 'WHAT IT IS', 'FILE'],
      data.map((p) => [p.name, p.description, p.file]),
    ),
  );
  return 0;
}

/** `profiles show NAME`: the file as it is, or its data. */
export function showProfile(options: CommonOptions, name = ''): number {
  const profile = readProfile(name, workspace(options).profileFolders);
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

import { BootstrapError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import { type ProfileFolder, profileNames } from '../spec/profiles.ts';

/**
 * Profiles that were named on the command line.
 * @throws BootstrapError `usage` with the nearest name where there is none of some name
 */
export function checkProfileNames(names: readonly string[], folders: readonly ProfileFolder[]): void {
  if (!names.length) return;
  const known = profileNames(folders);
  for (const name of names) {
    if (known.includes(name)) continue;
    throw new BootstrapError('usage', `there is no profile ${JSON.stringify(name)}`, {
      hint: didYouMean(name, known) ?? `profiles: ${known.join(', ')}`,
    });
  }
}

import parse from 'semver/functions/parse.js';

/** A Kubernetes release that this program knows: major 1, one of `KNOWN_MINORS`. */
export interface KubernetesVersion {
  /** With the leading v, as in image tags: `v1.36.2`, `v1.37.0-rc.1`. */
  readonly text: string;
  readonly minor: number;
  readonly patch: number;
}

export const KNOWN_MINORS = [33, 34, 35, 36, 37] as const;

/** Newest patch seen of each minor (tags of kubernetes/apiserver and Debian, November 2026). */
const NEWEST_PATCH: ReadonlyMap<number, number> = new Map([
  [33, 13],
  [34, 10],
  [35, 7],
  [36, 4],
  [37, 1],
]);

/** The newest patch of 1.36, the minor whose flags and behaviour were measured. */
export const DEFAULT_VERSION = 'v1.36.4';

const knownMinors = `the known minors are ${KNOWN_MINORS.map((m) => `1.${m}`).join(', ')}`;

export interface VersionError {
  readonly error: string;
  readonly hint?: string;
}

/**
 * Reads a Kubernetes version: `v1.36.2`, `1.36.2`, `v1.37.0-rc.1`.
 * Gives an error (message and hint, without a place) for anything else and for minors that are not known.
 */
export function parseVersion(text: string): KubernetesVersion | VersionError {
  const short = /^v?(\d{1,4})(?:\.(\d{1,4}))?$/.exec(text);
  if (short) return shortVersion(text, Number(short[1]), short[2] === undefined ? undefined : Number(short[2]));
  const version = /^v?\d/.test(text) ? parse(text) : null;
  if (!version || text !== text.trim()) {
    return {
      error: `${JSON.stringify(text)} is not a version`,
      hint: `write one such as ${DEFAULT_VERSION}; ${knownMinors}`,
    };
  }
  // An image tag cannot hold a plus sign.
  if (version.build.length > 0) {
    return { error: `"${text}" carries build metadata`, hint: `write v${version.version}` };
  }
  if (!isKnown(version.major, version.minor)) return unknownMinor(version.major, version.minor);
  return { text: `v${version.version}`, minor: version.minor, patch: version.patch };
}

function isKnown(major: number, minor: number): boolean {
  return major === 1 && NEWEST_PATCH.has(minor);
}

function shortVersion(text: string, major: number, minor: number | undefined): VersionError {
  if (minor === undefined) {
    return {
      error: `"${text}" is not a full version`,
      hint: `write one such as ${DEFAULT_VERSION}; ${knownMinors}`,
    };
  }
  if (!isKnown(major, minor)) return unknownMinor(major, minor);
  return {
    error: `"${text}" is not a full version: the patch number is missing`,
    hint: `write v1.${minor}.${newestPatch(minor)}, the newest known; ${knownMinors}`,
  };
}

function unknownMinor(major: number, minor: number): VersionError {
  return { error: `Kubernetes ${major}.${minor} is not known to this program`, hint: knownMinors };
}

/** The newest patch that this program has heard of; undefined for a minor that is not known. */
export function newestPatch(minor: number): number | undefined {
  return NEWEST_PATCH.get(minor);
}

/** Whether the version is newer than anything seen of its minor: worth a warning, no error. */
export function isBeyondKnown(version: KubernetesVersion): boolean {
  return version.patch > (newestPatch(version.minor) ?? -1);
}

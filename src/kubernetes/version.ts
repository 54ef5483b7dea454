import semver from 'semver';

/** A Kubernetes release that this program knows: major 1, one of `KNOWN_MINORS`. */
export interface KubernetesVersion {
  /** With the leading v, as in image tags: `v1.36.2`, `v1.37.0-rc.1`. */
  readonly text: string;
  readonly minor: number;
  readonly patch: number;
}

/** Newest patch seen of each minor when this version of bootstrap was made (reference: versions-and-flags). */
const NEWEST_PATCH: ReadonlyMap<number, number> = new Map([
  [33, 13],
  [34, 10],
  [35, 7],
  [36, 4],
  [37, 1],
]);

export const KNOWN_MINORS: readonly number[] = [...NEWEST_PATCH.keys()];

/** What a new cluster gets: the newest patch of the minor whose every flag was measured. */
export const DEFAULT_VERSION = 'v1.36.4';

export function newestPatch(minor: number): number | undefined {
  return NEWEST_PATCH.get(minor);
}

/** A release newer than any seen of its minor: it may well exist by now, so it is worth a warning only. */
export function isBeyondKnown({ minor, patch }: KubernetesVersion): boolean {
  return patch > (NEWEST_PATCH.get(minor) ?? 0);
}

const known = () => `known: ${KNOWN_MINORS.map((minor) => `1.${minor}`).join(', ')}`;

/** Reads `v1.36.2`, with or without the v; pre-releases too. */
export function parseVersion(text: string): KubernetesVersion | { readonly error: string; readonly hint?: string } {
  const show = JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
  const version = /^v?\d/.test(text) && !text.includes('+') ? semver.parse(text) : null;
  if (!version) {
    const minor = Number(/^v?1\.(\d+)$/.exec(text)?.[1]);
    const newest = newestPatch(minor);
    const hint = newest === undefined ? known() : `write v1.${minor}.${newest}, for example`;
    return { error: `${show} is not a full version such as ${DEFAULT_VERSION}`, hint };
  }
  if (version.major !== 1 || !KNOWN_MINORS.includes(version.minor)) {
    return { error: `${show} is of a Kubernetes minor that this version of bootstrap does not know`, hint: known() };
  }
  return { text: `v${version.version}`, minor: version.minor, patch: version.patch };
}

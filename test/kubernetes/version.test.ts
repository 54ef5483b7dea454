import { describe, expect, it } from 'vitest';
import {
  DEFAULT_VERSION,
  isBeyondKnown,
  KNOWN_MINORS,
  newestPatch,
  parseVersion,
} from '../../src/kubernetes/version.ts';

describe('a Kubernetes version', () => {
  it.each([
    ['v1.36.2', 'v1.36.2', 36, 2],
    ['1.33.0', 'v1.33.0', 33, 0],
    ['v1.37.0-rc.1', 'v1.37.0-rc.1', 37, 0],
    ['1.35.99', 'v1.35.99', 35, 99],
  ])('%s is read as %s', (text, expected, minor, patch) => {
    expect(parseVersion(text)).toEqual({ text: expected, minor, patch });
  });

  it('without a patch is refused and the newest patch offered', () => {
    expect(parseVersion('1.36')).toEqual({
      error: '"1.36" is not a full version: the patch number is missing',
      hint: 'write v1.36.4, the newest known; the known minors are 1.33, 1.34, 1.35, 1.36, 1.37',
    });
  });

  it.each(['v1.32.9', '1.38.0', 'v2.0.0', '1.3.0', 'v0.36.0', '1.32', '2.1'])(
    '%s is refused with the known minors',
    (text) => {
      const result = parseVersion(text);
      expect(result).toMatchObject({ error: expect.stringContaining('is not known to this program') });
      expect(result).toMatchObject({ hint: 'the known minors are 1.33, 1.34, 1.35, 1.36, 1.37' });
    },
  );

  it.each([
    'latest',
    'stable-1',
    '',
    'v',
    'v1.36.2.1',
    '1.036.2',
    ' v1.36.2',
    'v1.36.2 ',
    'vv1.36.2',
    'v1.36.x',
    '1',
    '9'.repeat(5000),
  ])('%j is refused with an example', (text) => {
    expect(parseVersion(text)).toMatchObject({ hint: expect.stringContaining('v1.36.4') });
  });

  it('with build metadata is refused, for no image tag holds a plus sign', () => {
    expect(parseVersion('v1.36.2+k3s1')).toEqual({
      error: '"v1.36.2+k3s1" carries build metadata',
      hint: 'write v1.36.2',
    });
  });

  it('has a newest patch in every known minor', () => {
    for (const minor of KNOWN_MINORS) expect(newestPatch(minor)).toBeGreaterThan(0);
    expect(newestPatch(32)).toBeUndefined();
  });

  it('beyond the newest patch is told from the others', () => {
    const beyond = (text: string) => {
      const version = parseVersion(text);
      return 'error' in version ? undefined : isBeyondKnown(version);
    };
    expect([beyond('v1.36.4'), beyond('v1.36.5'), beyond('v1.37.1-rc.0')]).toEqual([false, true, false]);
  });

  it('that is the default is a known one', () => {
    expect(parseVersion(DEFAULT_VERSION)).toEqual({ text: 'v1.36.4', minor: 36, patch: 4 });
  });
});

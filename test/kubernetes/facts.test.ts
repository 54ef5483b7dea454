import { describe, expect, it } from 'vitest';
import {
  etcdCheckFlags,
  etcdImageTag,
  etcdMinorFor,
  etcdMinorOfTag,
  factsOf,
  kubeletClientOrganization,
} from '../../src/kubernetes/facts.ts';
import { KNOWN_MINORS } from '../../src/kubernetes/version.ts';

describe('the facts of a minor', () => {
  it('are there for every known minor, in order of time', () => {
    const facts = KNOWN_MINORS.map(factsOf);
    expect(facts.map((f) => f.minor)).toEqual(KNOWN_MINORS);
    expect(facts.map((f) => f.endOfLife)).toEqual([...facts.map((f) => f.endOfLife)].sort());
    for (const f of facts) expect(f.endOfLife > f.generallyAvailable).toBe(true);
  });

  it('name an etcd image whose flags are known', () => {
    expect(KNOWN_MINORS.map((minor) => etcdMinorOfTag(etcdImageTag(minor)))).toEqual([
      '3.5',
      '3.6',
      '3.6',
      '3.6',
      '3.7',
    ]);
  });

  it('tell kubeadm 1.33 from the later ones', () => {
    expect(KNOWN_MINORS.map((minor) => factsOf(minor).probePort)).toEqual([
      'number',
      'named',
      'named',
      'named',
      'named',
    ]);
    expect(KNOWN_MINORS.filter((minor) => factsOf(minor).flexVolumeDir)).toEqual([33, 34, 35]);
  });

  it('are a fault of the program for a minor that is not known', () => {
    expect(() => factsOf(32)).toThrow('1.32');
  });
});

describe('the etcd of an image tag', () => {
  it.each([
    ['3.5.21-0', '3.5'],
    ['3.6.8-0', '3.6'],
    ['v3.7.1', '3.7'],
    ['3.6.0-rc.3-0', '3.6'],
    ['3.4.13-0', undefined],
    ['3.6', undefined],
    ['latest', undefined],
    ['13.6.8', undefined],
  ])('%s is etcd %s', (tag, minor) => {
    expect(etcdMinorOfTag(tag)).toBe(minor);
  });

  it('that says nothing is taken for that of the Kubernetes minor', () => {
    expect(etcdMinorFor('my-build', 33)).toBe('3.5');
    expect(etcdMinorFor('3.5.21-0', 34)).toBe('3.5');
  });

  it('decides how the consistency check is spelled', () => {
    expect(Object.keys(etcdCheckFlags('3.5'))).toEqual([
      'experimental-initial-corrupt-check',
      'experimental-watch-progress-notify-interval',
    ]);
    expect(etcdCheckFlags('3.6')).toEqual(etcdCheckFlags('3.7'));
  });
});

describe('the client certificate for the kubelet', () => {
  it.each([
    [{ minor: 33, patch: 0 }, 'kubeadm:cluster-admins'],
    [{ minor: 36, patch: 0 }, 'kubeadm:cluster-admins'],
    [{ minor: 36, patch: 1 }, undefined],
    [{ minor: 37, patch: 0 }, undefined],
  ])('has in %j the organization %s', (version, organization) => {
    expect(kubeletClientOrganization(version)).toBe(organization);
  });
});

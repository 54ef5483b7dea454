import { beforeAll, describe, expect, it } from 'vitest';
import { type Catalogue, loadCatalogue } from '../../src/kubernetes/catalogue.ts';
import { readGates } from '../../src/kubernetes/gates.ts';
import { KNOWN_MINORS } from '../../src/kubernetes/version.ts';

const catalogues = new Map<number, Catalogue>();
beforeAll(async () => {
  for (const minor of KNOWN_MINORS) catalogues.set(minor, await loadCatalogue(minor));
});
const check = (minor: number, gates: string) =>
  catalogues.get(minor)?.checkFlag('kube-apiserver', 'feature-gates', [gates]) ?? [];
const severities = (minor: number, gates: string) => check(minor, gates).map((f) => f.severity);

describe('a feature gate', () => {
  it('that is misspelled is an error with the nearest name', () => {
    expect(check(36, 'WatchLst=true')).toMatchObject([
      {
        severity: 'error',
        message: 'kube-apiserver 1.36 has no feature gate WatchLst',
        hint: 'did you mean "WatchList"?',
      },
    ]);
  });

  it.each([
    ['AppArmor', 33],
    ['PodDisruptionConditions', 34],
    ['ComponentSLIs', 35],
    ['StructuredAuthorizationConfiguration', 36],
    ['SidecarContainers', 37],
    ['APIServerTracing', 37],
  ])('%s is gone from 1.%i on', (gate, removed) => {
    for (const minor of KNOWN_MINORS) {
      const messages = check(minor, `${gate}=true`)
        .filter((f) => f.severity === 'error')
        .map((f) => f.message);
      const expected = `the feature gate ${gate} was removed in 1.${removed}: kube-apiserver 1.${minor} exits with "unrecognized feature gate"`;
      expect(messages).toEqual(minor < removed ? [] : [expected]);
    }
  });

  it.each([
    ['ClientsAllowCARotation', 36],
    ['PodCertificateRequest', 34],
    ['DefaultPodSysctls', 37],
  ])('%s is not there before 1.%i', (gate, added) => {
    for (const minor of KNOWN_MINORS) {
      const early = check(minor, `${gate}=true`).some((f) => f.message.includes(`it comes with 1.${added}`));
      expect(early).toBe(minor < added);
    }
  });

  it('that is locked cannot be changed, and to name it is idle', () => {
    expect(check(36, 'InPlacePodVerticalScaling=false')).toMatchObject([
      {
        severity: 'error',
        message: 'the feature gate InPlacePodVerticalScaling cannot be set to false: it is locked to true in 1.36',
      },
    ]);
    expect(severities(36, 'InPlacePodVerticalScaling=true')).toEqual(['warning']);
    expect(severities(34, 'InPlacePodVerticalScaling=false')).toEqual([]);
  });

  it.each(KNOWN_MINORS)('DynamicResourceAllocation is known in 1.%i', (minor) => {
    expect(severities(minor, 'DynamicResourceAllocation=true')).not.toContain('error');
  });

  it('that needs another one is an error without it, where the program checks that', () => {
    expect(check(36, 'GracefulNodeShutdown=false')).toMatchObject([
      { severity: 'error', hint: 'set GracefulNodeShutdownBasedOnPodPriority=false too' },
      { severity: 'error', hint: 'set WindowsGracefulNodeShutdown=false too' },
    ]);
    expect(check(35, 'DRADeviceTaintRules=true')).toMatchObject([
      { severity: 'error', hint: 'set DRADeviceTaints=true too' },
    ]);
    expect(check(35, 'DRADeviceTaintRules=true,DRADeviceTaints=true')).toEqual([]);
    expect(check(34, 'GracefulNodeShutdown=false')).toEqual([]);
  });

  it('AllAlpha alone ends the program from 1.35 on', () => {
    expect(KNOWN_MINORS.filter((minor) => severities(minor, 'AllAlpha=true').includes('error'))).toEqual([35, 36, 37]);
    expect(severities(36, 'AllAlpha=true,AllBeta=true')).toEqual([]);
  });

  it('that nobody knows is only doubted in the newest minor, whose list is not complete', () => {
    expect(severities(36, 'QuiteUnheardOf=true')).toEqual(['error']);
    expect(severities(37, 'QuiteUnheardOf=true')).toEqual(['warning']);
    expect(severities(37, 'WatchLst=true')).toEqual(['error']);
  });

  it.each(['constructor', '__proto__', 'toString'])('called %s is no more than unknown', (gate) => {
    expect(severities(36, `${gate}=true`)).toEqual(['error']);
  });

  it('of etcd follows the minor of etcd', () => {
    const catalogue = catalogues.get(36);
    const of = (etcd: '3.6' | '3.7', gates: string) =>
      catalogue?.withEtcd(etcd).checkFlag('etcd', 'feature-gates', [gates]);
    expect(of('3.6', 'InitialCorruptCheck=true')).toEqual([]);
    expect(of('3.6', 'FastLeaseKeepAlive=false')).toMatchObject([{ severity: 'error', hint: 'etcd 3.7 has it' }]);
    expect(of('3.7', 'FastLeaseKeepAlive=false')).toEqual([]);
    expect(of('3.7', 'InitialCorruptChek=true')).toMatchObject([{ hint: 'did you mean "InitialCorruptCheck"?' }]);
  });

  it('may carry the name of a component and stand in several values', () => {
    expect([...readGates(['kube:A=true, B=0', 'C=F', 'broken', '=true'])]).toEqual([
      ['A', true],
      ['B', false],
      ['C', false],
    ]);
  });
});

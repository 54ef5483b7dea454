import { expect, test } from 'vitest';
import type { Pem } from '../../../src/base/pem.ts';
import { readCertificate } from '../../../src/pki/certificate.ts';
import { comesFrom, trustIn, trustsAll } from '../../../src/rollout/rotation/cas.ts';
import { madeAuthority } from './authorities.ts';

const [old, fresh, other] = await Promise.all([madeAuthority(), madeAuthority(), madeAuthority('etcd')]);
const pair = { old: old.certificate, fresh: fresh.certificate };
const both = `${old.certificate}${fresh.certificate}` as Pem;

test('a bundle trusts the CAs that stand in it, though both have the same name', () => {
  expect(trustIn(old.certificate, pair)).toBe('old');
  expect(trustIn(fresh.certificate, pair)).toBe('fresh');
  expect(trustIn(both, pair)).toBe('both');
  expect(trustIn(other.certificate, pair)).toBe('neither');
  expect(trustIn('', pair)).toBe('neither');
});

test('another certificate of the same CA is as good as its own', async () => {
  const again = await madeAuthority('kubernetes', old.key);
  expect(again.certificate).not.toBe(old.certificate);
  expect(trustIn(again.certificate, pair)).toBe('old');
});

test('what is no certificate in a bundle takes nothing away from it', () => {
  expect(trustIn(`# our CAs\n${both}`, pair)).toBe('both');
  const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  const key = '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n';
  expect(trustIn(`${broken}${key}${old.certificate}`, pair)).toBe('old');
  expect(trustIn(old.certificate.slice(0, 200), pair)).toBe('neither');
});

test('a bundle is exactly what it shall be in whatever order, and at least that with more in it', () => {
  const turned = `${fresh.certificate}${old.certificate}`;
  expect(trustsAll(turned, both, 'exactly')).toBe(true);
  expect(trustsAll(both, fresh.certificate, 'exactly')).toBe(false);
  expect(trustsAll(both, fresh.certificate, 'at-least')).toBe(true);
  expect(trustsAll(old.certificate, both, 'at-least')).toBe(false);
});

test('who signed a certificate is told by the signature, not by the name', async () => {
  const leaf = readCertificate((await fresh.issue({ commonName: 'ann' })).certificate);
  expect(comesFrom(leaf, fresh.certificate)).toBe(true);
  expect(comesFrom(leaf, old.certificate)).toBe(false);
  expect(comesFrom(leaf, both)).toBe(true);
  expect(comesFrom(leaf, other.certificate)).toBe(false);
});

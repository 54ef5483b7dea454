import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { createColors } from 'picocolors';
import { describe, expect, test } from 'vitest';
import { type Bundle, makeBundle } from '../../src/bundle/bundle.ts';
import { planText } from '../../src/cli/plan-text.ts';
import { planDocument } from '../../src/rollout/plan/plan-document.ts';
import { mayHoldSecret } from '../../src/rollout/plan/secrets.ts';
import type { Plan } from '../../src/rollout/plan.ts';
import { render, specOf } from '../render/fixtures.ts';
import { bareNode, edited, type FakeNode, MANIFESTS, nodeWith, planOf } from './plan-fixtures.ts';

/** All that a plan is ever shown as. */
const shown = (plan: Plan): string =>
  [
    ...[true, false].map((verbose) =>
      planText(plan, { color: createColors(false), columns: 80, verbose, quiet: false }),
    ),
    planDocument(plan, { clusterDigest: '', at: '', by: '' }),
  ].join('\n');

const output = await render(specOf(1));
const [bundle] = output.bundles;
if (!bundle) throw new Error('nothing was rendered');

const secret = () => randomBytes(24).toString('hex');

/** The same bundle with a secret in every sensitive file. */
const withSecrets = (of: Bundle, text: string): Bundle =>
  makeBundle(
    of.node,
    of.directories,
    of.files.map((file) => (file.sensitive ? { ...file, content: Buffer.from(`key ${text} ${file.path}\n`) } : file)),
  );

describe('no secret is ever shown', () => {
  test('of sensitive files, whatever was there before and whatever comes', () => {
    fc.assert(
      fc.property(fc.subarray([...bundle.files]), fc.boolean(), (touched, isBare) => {
        const [old, fresh, odd] = [secret(), secret(), secret()];
        let node: FakeNode = isBare ? bareNode() : nodeWith(withSecrets(bundle, old));
        for (const { path, sensitive } of touched) if (sensitive) node = edited(node, path, `odd ${odd}\n`, 0o644);
        const text = shown(planOf([withSecrets(bundle, fresh)], [node]));
        for (const one of [old, fresh, odd]) expect(text).not.toContain(one);
      }),
      { numRuns: 20 },
    );
  });

  test('of files that are removed', () => {
    const gone = bundle.files.filter(({ sensitive }) => sensitive);
    const less = makeBundle(
      bundle.node,
      [],
      bundle.files.filter(({ sensitive }) => !sensitive),
    );
    const old = secret();
    const text = shown(planOf([less], [nodeWith(withSecrets(bundle, old))]));
    expect(text).toContain(`- ${gone[0]?.path}`);
    expect(text).not.toContain(old);
  });

  test.each([
    [
      'a kubeconfig with an embedded key, as kubeadm makes it',
      (text: string) => `users:\n- user:\n    client-key-data: ${text}\n`,
    ],
    ['the same in JSON', (text: string) => `{"users":[{"user":{"client-key-data":"${text}"}}]}`],
    ['a token', (text: string) => `users:\n- user: {token: ${text}}\n`],
    ['a key', (text: string) => `-----BEGIN EC PRIVATE KEY-----\n${text}\n-----END EC PRIVATE KEY-----\n`],
    [
      'a key in base64',
      (text: string) => `x: ${Buffer.from(`-----BEGIN PRIVATE KEY-----\n${text}`).toString('base64')}`,
    ],
    ['a header of staticPodURL', (text: string) => `staticPodURLHeader:\n  Authorization: ["Bearer ${text}"]\n`],
    ['keys of an EncryptionConfiguration', (text: string) => `- aescbc: {keys: [{name: a, secret: ${text}}]}\n`],
    [
      'a key after a certificate',
      (text: string) =>
        `-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n${text}\n-----END PRIVATE KEY-----\n`,
    ],
  ])('where %s lies in the place of an open file', (_, content) => {
    for (const path of [
      '/etc/kubernetes/controller-manager.conf',
      '/var/lib/kubelet/config.yaml',
      '/etc/kubernetes/pki/apiserver.crt',
      `${MANIFESTS}/etcd.yaml`,
    ]) {
      const text = secret();
      const plan = planOf([bundle], [edited(nodeWith(bundle), path, content(text))]);
      expect(plan.nodes[0]?.changes.map((change) => change.path)).toEqual([path]);
      expect(shown(plan)).not.toContain(text);
      expect(shown(plan)).not.toContain(Buffer.from(text).toString('base64').slice(4, 24));
    }
  });

  test('of strays', () => {
    const text = secret();
    const manifest = `metadata: {name: etcd, namespace: kube-system}\nspec: {containers: [{env: [{name: A, value: ${text}}]}]}\n`;
    const plan = planOf([bundle], [edited(nodeWith(bundle), `${MANIFESTS}/x`, manifest)]);
    expect(plan.nodes[0]?.clashes).toHaveLength(1);
    expect(shown(plan)).not.toContain(text);
  });

  test('nor more of its SHA-256 than tells two of them apart', () => {
    const plan = planOf([withSecrets(bundle, secret())], [nodeWith(withSecrets(bundle, secret()))]);
    const hashes = plan.nodes.flatMap(({ changes }) =>
      changes.filter(({ sensitive }) => sensitive).flatMap(({ before, after }) => [before?.sha256, after?.sha256]),
    );
    expect(hashes.length).toBeGreaterThan(10);
    for (const hash of hashes) {
      expect(shown(plan)).toContain(hash?.slice(0, 12));
      expect(shown(plan)).not.toContain(hash?.slice(0, 13));
    }
  });
});

test('no open file that is rendered passes for a secret', () => {
  for (const { path, content, sensitive } of bundle.files)
    if (!sensitive) expect(mayHoldSecret(content), path).toBe(false);
});

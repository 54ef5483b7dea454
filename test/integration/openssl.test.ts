import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { $ } from 'zx';
import { bootstrap, filesOf, HA_OPTIONS } from '../support/cli.ts';
import { needTool } from '../support/tools.ts';

const run = $({ sync: true, nothrow: true, quiet: true });

describe.runIf(needTool('openssl')).each(['ECDSA-P256', 'ECDSA-P384', 'RSA-2048'])(
  'OpenSSL on the files of a cluster with %s keys',
  (algorithm) => {
    const dir = mkdtempSync(join(tmpdir(), 'bootstrap-openssl-'));
    beforeAll(() => {
      expect(bootstrap(dir, 'init', ...HA_OPTIONS, '--set', `spec.pki.algorithm=${algorithm}`).status).toBe(0);
    });
    afterAll(() => rmSync(dir, { recursive: true, force: true }));

    const openssl = (...args: readonly string[]) => {
      const { exitCode, stdout, stderr } = run`openssl ${args}`;
      return { status: exitCode, said: stdout + stderr };
    };
    /** Which CA signs a certificate, and for what it must be good. */
    const RULES: readonly (readonly [RegExp, string, readonly string[]])[] = [
      [/\/etcd\/(server|peer)\.crt$/, 'etcd/ca-bundle.crt', ['sslserver', 'sslclient']],
      [/\/(etcd\/healthcheck-client|apiserver-etcd-client)\.crt$/, 'etcd/ca-bundle.crt', ['sslclient']],
      [/\/front-proxy-client\.crt$/, 'front-proxy-ca-bundle.crt', ['sslclient']],
      [/\/apiserver\.crt$/, 'ca-bundle.crt', ['sslserver']],
      [/\/(apiserver-kubelet-client|client)\.crt$/, 'ca-bundle.crt', ['sslclient']],
    ];

    test('every leaf passes the strict check for its purpose, and no other CA’s', () => {
      let checked = 0;
      for (const path of filesOf(join(dir, 'nodes'))) {
        const rule = RULES.find(([pattern]) => pattern.test(path));
        if (!rule) continue;
        const [, bundle, purposes] = rule;
        const pki = join(dir, 'nodes', path.split('/')[0] ?? '', 'etc/kubernetes/pki');
        for (const purpose of purposes) {
          const result = openssl(
            'verify',
            '-x509_strict',
            '-purpose',
            purpose,
            '-CAfile',
            join(pki, bundle),
            join(dir, 'nodes', path),
          );
          expect(result, path).toEqual({ status: 0, said: expect.stringContaining('OK') });
        }
        const other = bundle === 'ca-bundle.crt' ? 'etcd/ca-bundle.crt' : 'ca-bundle.crt';
        expect(openssl('verify', '-CAfile', join(pki, other), join(dir, 'nodes', path)).status, path).not.toBe(0);
        checked++;
      }
      expect(checked).toBe(3 * 10);
    });

    test('every key belongs to the certificate beside it', () => {
      const keys = filesOf(join(dir, 'nodes')).filter((path) => /(?<!sa|\/ca)\.key$/.test(path));
      expect(keys.length).toBe(3 * 10);
      for (const path of keys) {
        const key = join(dir, 'nodes', path);
        const fromCertificate = openssl('x509', '-noout', '-pubkey', '-in', key.replace(/\.key$/, '.crt')).said;
        expect(openssl('pkey', '-pubout', '-in', key).said, path).toBe(fromCertificate);
      }
    });
  },
);

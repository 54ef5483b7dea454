import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bootstrap, clusterDir, emptyDir, filesOf, type Ran, snapshot } from '../support/cli.ts';
import { file } from '../support/spec.ts';

function run(dir: string, args: readonly string[], status = 0): Ran {
  const ran = bootstrap(dir, 'certs', ...args);
  expect(ran.status, `${args.join(' ')}\n${ran.stdout}${ran.stderr}`).toBe(status);
  expect(ran.stdout + ran.stderr).not.toMatch(/PRIVATE KEY|undefined|\[object/);
  return ran;
}

function cluster(): string {
  const dir = clusterDir(file('nodes: [{name: cp1, addresses: [10.0.0.11]}]'));
  expect(bootstrap(dir, 'init').status).toBe(0);
  return dir;
}

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe('certs export', () => {
  test('copies a CA and its key for their owner only, and takes nothing away', () => {
    const [dir, safe] = [cluster(), join(emptyDir(), 'safe')];
    const before = snapshot(dir);
    expect(run(dir, ['export', 'etcd', 'kubernetes', '--out', safe]).stdout).toMatch(
      /^kubernetes: .*ca\.crt and .*ca\.key\netcd: /,
    );
    expect(filesOf(safe)).toEqual(['ca.crt', 'ca.key', 'etcd/ca.crt', 'etcd/ca.key']);
    for (const path of filesOf(safe))
      expect(readFileSync(join(safe, path), 'utf8')).toBe(readFileSync(join(dir, 'pki', path), 'utf8'));
    expect([safe, join(safe, 'etcd'), join(safe, 'ca.key'), join(safe, 'etcd/ca.key')].map(modeOf)).toEqual([
      '700',
      '700',
      '600',
      '600',
    ]);
    expect(snapshot(dir)).toEqual(before);
    expect(run(dir, ['export', 'etcd', '--out', safe]).stdout).toContain('were there already');
  });

  test('overwrites nothing that is something else', () => {
    const [dir, safe] = [cluster(), emptyDir()];
    writeFileSync(join(safe, 'ca.key'), 'mine');
    const ran = run(dir, ['export', 'kubernetes', '--out', safe, '--remove-key', '--yes'], 1);
    expect(ran.stderr).toContain(`${join(safe, 'ca.key')}: is something else`);
    expect(filesOf(safe)).toEqual(['ca.key']);
    expect(existsSync(join(dir, 'pki/ca.key'))).toBe(true);
  });

  test('removes the key once it is safe, everything is rendered without it, and import brings it back', () => {
    const [dir, safe] = [cluster(), emptyDir()];
    const before = snapshot(dir);
    const asked = run(dir, ['export', 'all', '--out', safe, '--remove-key'], 64);
    expect(asked.stderr).toMatch(/nobody can be asked[\s\S]*--yes/);
    expect(snapshot(dir)).toEqual(before);

    const ran = run(dir, ['export', 'all', '--out', safe, '--remove-key', '--yes']);
    expect(ran.stderr).toMatch(/the masters\s+lose\s+the key of the cluster CA too/);
    expect(ran.stdout).toContain('removed pki/ca.key, pki/etcd/ca.key, pki/front-proxy-ca.key');
    expect(filesOf(dir).filter((path) => /ca\.key$/.test(path))).toEqual([]);
    const manager = readFileSync(join(dir, 'nodes/cp1/etc/kubernetes/manifests/kube-controller-manager.yaml'), 'utf8');
    expect(manager).not.toContain('cluster-signing-key-file=/etc/kubernetes/pki/ca.key');
    expect(bootstrap(dir, 'render').stdout).toContain('nothing to change');
    expect(run(dir, ['export', 'etcd', '--out', safe], 1).stderr).toContain('etcd/ca.key: is missing');

    run(dir, ['import', safe]);
    expect(bootstrap(dir, 'render').status).toBe(0);
    const after = snapshot(dir);
    for (const path of Object.keys(before).filter((each) => !each.endsWith('.rendered.json')))
      expect(after[path], path).toBe(before[path]);
  });

  test('an unknown CA is wrong usage', () => {
    expect(run(cluster(), ['export', 'ectd', '--out', 'x'], 64).stderr).toContain(
      'there is no CA "ectd"\n  did you mean "etcd"?',
    );
  });
});

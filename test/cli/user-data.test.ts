import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { bootstrap, clusterDir, emptyDir, filesOf, type Ran, snapshot } from '../support/cli.ts';
import { file, THREE } from '../support/spec.ts';

const ONE = 'nodes: [{name: cp1, addresses: [10.0.0.11]}]';
const ALL_ECDSA = 'pki: {serviceAccountAlgorithm: ECDSA-P256}';
const ALL_RSA = 'pki: {algorithm: RSA-2048}';

function cluster(...spec: readonly string[]): string {
  const dir = clusterDir(file(spec.join('\n')));
  expect(bootstrap(dir, 'init')).toMatchObject({ status: 0 });
  return dir;
}

function run(dir: string, args: readonly string[], status = 0): Ran {
  const ran = bootstrap(dir, 'user-data', ...args);
  expect(ran.status, `${args.join(' ')}\n${ran.stdout}${ran.stderr}`).toBe(status);
  expect(ran.stderr).not.toMatch(/PRIVATE KEY|undefined|\[object/);
  return ran;
}

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe('user-data', () => {
  test('is one file a node, for its owner only, in a directory that git passes over', () => {
    const dir = cluster(THREE, ALL_ECDSA);
    const { stdout } = run(dir, []);
    expect(stdout).toMatch(/^NODE {2}BYTES {2}FILE\ncp1 +\d+ +user-data\/cp1\.yaml\ncp2 .*\ncp3 .*\n$/);
    const out = join(dir, 'user-data');
    expect(filesOf(out)).toEqual(['.gitignore', 'cp1.yaml', 'cp2.yaml', 'cp3.yaml']);
    expect([out, join(out, 'cp1.yaml')].map(modeOf)).toEqual(['700', '600']);
    expect(readFileSync(join(out, '.gitignore'), 'utf8')).toBe('*\n');
    const { hostname, runcmd } = parse(readFileSync(join(out, 'cp2.yaml'), 'utf8'));
    expect({ hostname, runcmd }).toEqual({ hostname: 'cp2', runcmd: [['sh', '/etc/bootstrap/install.sh']] });
  });

  test('is the same every time, to the byte, and under its other name', () => {
    const dir = cluster(THREE, ALL_ECDSA);
    run(dir, []);
    const before = snapshot(dir);
    run(dir, []);
    expect(bootstrap(dir, 'cloud-init')).toMatchObject({ status: 0 });
    expect(snapshot(dir)).toEqual(before);
  });

  test('of one ECDSA master is at most 10 KB for AWS', () => {
    const dir = cluster(THREE, ALL_ECDSA);
    run(dir, ['--provider', 'aws', '--node', 'cp1', '--out', 'aws']);
    const content = readFileSync(join(dir, 'aws/cp1.yaml.gz'));
    expect(content.length).toBeLessThanOrEqual(10 * 1024);
    expect(gunzipSync(content).toString()).toMatch(/^#cloud-config\n/);
  });

  test('goes to standard output for one node, and nothing else goes there', () => {
    const dir = cluster(THREE, ALL_ECDSA);
    const { stdout } = run(dir, ['--node', 'cp1', '--out', '-']);
    expect(parse(stdout).write_files.map(({ path }: { path: string }) => path)).toEqual([
      '/etc/bootstrap/install.sh',
      '/etc/bootstrap/settings',
      '/etc/bootstrap/payload',
    ]);
    expect(run(dir, ['--out', '-'], 64).stderr).toMatch(/one file at a time.*\n.*--node cp1/);
  });

  test('for NoCloud comes with meta-data', () => {
    const dir = cluster(THREE, ALL_ECDSA);
    run(dir, ['--provider', 'nocloud', '--out', 'seed', '--node', 'cp3']);
    expect(filesOf(join(dir, 'seed'))).toEqual(['.gitignore', 'cp3/meta-data', 'cp3/user-data']);
    expect(parse(readFileSync(join(dir, 'seed/cp3/meta-data'), 'utf8'))).toMatchObject({ 'local-hostname': 'cp3' });
  });

  test('with --secrets fetch says what is to be uploaded where, and prints neither key nor query', () => {
    const dir = cluster(THREE, ALL_ECDSA);
    const url = 'https://s3.example.com/b/{file}?X-Amz-Signature=5ec2e7';
    const ran = run(dir, ['--secrets', 'fetch', '--url', url, '--out', 'fetched']);
    const upload = filesOf(join(dir, 'fetched')).find((path) => path.startsWith('cp1-')) ?? '';
    expect(upload).toMatch(/^cp1-[0-9a-f]{16}\.bundle$/);
    expect(ran.stderr.replace(/\s+/g, ' ')).toContain(`upload fetched/${upload} to https://s3.example.com/b/${upload}`);
    expect(ran.stdout + ran.stderr).not.toContain('5ec2e7');
    const { write_files: files } = parse(readFileSync(join(dir, 'fetched/cp1.yaml'), 'utf8'));
    const key = files.find(({ path }: { path: string }) => path === '/etc/bootstrap/key').content.trim();
    expect(ran.stdout + ran.stderr).not.toContain(key);
    expect(readFileSync(join(dir, 'fetched/cp1.yaml'), 'utf8')).not.toContain('/etc/bootstrap/payload');
  });

  test('as Ignition fits AWS too, and as a tar is unpacked by hand', () => {
    const dir = cluster(THREE, ALL_ECDSA);
    const [ignition] = JSON.parse(run(dir, ['--format', 'ignition', '--provider', 'aws', '-o', 'json']).stdout).nodes;
    expect(ignition).toMatchObject({ node: 'cp1', file: 'user-data/cp1.ign', limit: 16384 });
    expect(ignition.bytes).toBeLessThanOrEqual(16384);
    expect(run(dir, ['--format', 'tar', '--compress', 'none']).stderr).toContain('tar -xpf user-data/cp1.tar -C /');
  });

  test('says who can read it, and what to do about that, for the provider', () => {
    const dir = cluster(THREE, ALL_ECDSA);
    const { stderr } = run(dir, ['--provider', 'aws']);
    expect(stderr).toMatch(/private keys[\s\S]*IMDSv2[\s\S]*fileb:\/\/user-data\/cp1\.yaml\.gz[\s\S]*apply --objects/);
    for (const line of stderr.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(run(dir, ['--provider', 'aws', '--quiet']).stderr).toBe('');
  });

  test('is refused where options do not go together, with what to do, and nothing is written', () => {
    const dir = cluster(THREE, ALL_ECDSA);
    writeFileSync(join(dir, 'own.yaml'), '#cloud-config\n{}\n');
    const before = snapshot(dir);
    const refusals: readonly (readonly [options: string, text: string])[] = [
      ['--secrets fetch', '--url'],
      ['--url https://x/', '--secrets fetch'],
      ['--secrets fetch --url https://x/one', 'one address'],
      ['--secrets fetch --url ftp://x/', 'http'],
      ['--iso', '--provider nocloud'],
      ['--format tar --secrets fetch --url https://x/', 'tar'],
      ['--format tar --provider aws', 'installer'],
      ['--format ignition --merge own.yaml', 'cloud-config'],
      ['--merge nowhere.yaml', 'no such file'],
      ['--provider digitalocean --compress gzip', 'plain text'],
      ['--node cp9', 'there is no node "cp9"'],
    ];
    for (const [options, text] of refusals) expect(run(dir, options.split(' '), 64).stderr, options).toContain(text);
    expect(snapshot(dir)).toEqual(before);
  });
});

describe('what a user has of their own', () => {
  test('is merged in: their commands run before ours, and a script becomes a part', () => {
    const dir = cluster(ONE);
    const own = join(emptyDir(), 'own.yaml');
    writeFileSync(own, '#cloud-config\npackages: [containerd]\nruncmd:\n- [modprobe, br_netfilter]\n');
    const { packages, runcmd } = parse(run(dir, ['--merge', own, '--out', '-']).stdout);
    expect({ packages, runcmd }).toEqual({
      packages: ['containerd'],
      runcmd: [
        ['modprobe', 'br_netfilter'],
        ['sh', '/etc/bootstrap/install.sh'],
      ],
    });
    writeFileSync(own, '#!/bin/sh\necho mine\n');
    const { stdout } = run(dir, ['--merge', own, '--out', '-']);
    expect(stdout).toMatch(/^MIME-Version: 1\.0\n[\s\S]*text\/x-shellscript[\s\S]*text\/cloud-config/);
    writeFileSync(own, '#cloud-config\nhostname: other\n');
    expect(run(dir, ['--merge', own], 64).stderr).toContain(`${own}:2:1: hostname`);
  });
});

describe('user-data that is too large', () => {
  test('is an error with what takes how much and what helps, and no user-data is written', () => {
    const dir = cluster(ONE, ALL_RSA);
    const { stderr } = run(dir, ['--provider', 'aws'], 65);
    expect(stderr).toMatch(/cp1: \d+ bytes of user-data, AWS EC2 takes 16384: \d+ too many/);
    expect(stderr).toMatch(/private keys +\d+ +\d+ %/);
    expect(stderr).toMatch(/--secrets fetch[\s\S]*ECDSA-P256/);
    expect(filesOf(dir).filter((path) => path.startsWith('user-data'))).toEqual([]);
    run(dir, ['--provider', 'azure']);
  });
});

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { inPlacingOrder, revisionIndex } from '../../src/bundle/revision-index.ts';
import { packFiles, unpackFiles } from '../../src/bundle/tar.ts';
import type { Outcome, Transport } from '../../src/deliver/transport/transport.ts';
import { openAgent } from '../../src/rollout/node/agent.ts';
import { parseFacts } from '../../src/rollout/node/parse-facts.ts';
import { bundle, facts, file, MANIFESTS, manifest, PACKAGE, thrown } from './node-box.ts';

/** A node that answers everything the same. */
function answering(outcome: Partial<Omit<Outcome, 'stdout'>> & { stdout?: string }) {
  const calls: (readonly string[])[] = [];
  const transport: Transport = {
    node: 'cp1',
    target: 'root@cp1',
    run: (argv) => {
      calls.push(argv);
      return Promise.resolve({ status: 0, stderr: '', ...outcome, stdout: Buffer.from(outcome.stdout ?? '') });
    },
    forward: () => Promise.reject(new Error('not here')),
    close: () => Promise.resolve(),
  };
  return { agent: openAgent(transport, { packageDir: PACKAGE }), calls };
}

describe('what a node answers', () => {
  test.each([
    [76, 'no', 'refused', 'cp1: no'],
    [75, 'busy', 'locked', 'cp1: busy'],
    [1, 'the disk is full\n', 'failed', 'cp1: the disk is full'],
    [124, '', 'failed', 'cp1: commit took longer than 60 s on the node'],
    [64, 'wrong', 'internal', 'cp1: wrong'],
    [127, '', 'failed', 'cp1: `commit` ended with status 127 on the node and said nothing'],
  ] as const)('with status %i becomes an error', async (status, stderr, code, message) => {
    expect(await thrown(answering({ status, stderr }).agent.commit(1))).toMatchObject({ code, message });
  });

  test('is refused where it is cut off or no answer at all', async () => {
    for (const stdout of ['', 'node\tcp1\t1\t1\n', 'Welcome to cp1!\nend\n'])
      expect((await thrown(facts(answering({ stdout }).agent))).message).toMatch(
        /^cp1: what the node answered to `facts`/,
      );
    expect((await thrown(answering({ stdout: 'no tar' }).agent.read(['/etc/hosts']))).message).toContain('`read`');
    expect((await thrown(answering({ stdout: 'no number' }).agent.stage(bundle([]), 'd', 'ann'))).code).toBe('failed');
  });

  test('names owners by number where the node has no name for them', () => {
    const answer = (owners: string) =>
      [
        'node\tcp1\t1700000000123456789\t5',
        `owners\t${owners}`,
        'kubelet\tabsent\tabsent',
        'disk\t1\tno',
        'etcd-data\tno',
        'index\tf\tx\t640\tetcd:etcd\tnone\t/etc/b',
        'stat\t81a0\tUNKNOWN\troot\t1234\t0\t./etc/a',
        'stat\t81a0\troot\troot\t0\t0\t./etc/b',
        `${'a'.repeat(64)}  ./etc/a`,
        'end\n',
      ].join('\n');
    const seen = parseFacts(answer('yes'));
    expect(seen.clock).toBe(1700000000123);
    expect(seen.files.get('/etc/a')).toEqual({
      type: 'file',
      sha256: 'a'.repeat(64),
      mode: 0o640,
      owner: '1234:root',
    });
    expect(seen.files.get('/etc/b')?.owner).toBe('root:root');
    // nobody can give files away there: they count as what they should be
    expect(parseFacts(answer('no')).files.get('/etc/b')?.owner).toBe('etcd:etcd');
    expect(parseFacts(answer('no')).files.get('/etc/a')?.owner).toBe('root:root');
  });

  test('as logs, holds no headers of staticPodURL', async () => {
    const stdout = 'a\nI1 "Adding pod URL with HTTP header" header={"Authorization":["secret"]}\nb\n\n';
    expect(await answering({ stdout }).agent.logs('kubelet', 3)).toBe('a\nb');
  });
});

describe('what a node is sent', () => {
  test('keeps its words apart and holds nothing but words', async () => {
    const { agent, calls } = answering({});
    await agent.lock('ann\t\non a desk');
    await agent.revert("it's $(broken)");
    expect(calls[0]?.slice(0, 2)).toEqual(['sh', '-c']);
    expect(calls[0]?.slice(3, 5)).toEqual(['bootstrap', 'lock']);
    expect(calls[0]?.at(-1)).toBe('ann on a desk');
    expect(calls[1]?.at(-1)).toBe("it's $(broken)");
    expect(calls.flat().join(' ').length).toBeLessThan(600);
  });

  test.each(['etc/relative', '/', '/etc/../x', '/etc//x', '/etc/x/', '/etc/./x', '/etc/a\tb', '/etc/a\nb'])(
    'is never the path %j',
    (path) => {
      expect(() => revisionIndex(bundle([file(path, 'x')]), Buffer.from(''))).toThrow(/cannot be a file's path/);
    },
  );

  test('comes in the order in which it is put in place: pairs, kubeconfigs, others, kubelet, manifests', () => {
    const files = [
      manifest('etcd', ''),
      file('/var/lib/kubelet/config.yaml', '', { kind: 'kubelet' }),
      file('/etc/kubernetes/pki/apiserver.key', ''),
      file('/etc/kubernetes/scheduler.conf', '', { kind: 'pods' }),
      file('/etc/systemd/system/kubelet.service.d/20-bootstrap.conf', '', { kind: 'kubelet-unit' }),
      file('/etc/kubernetes/pki/apiserver-etcd-client.crt', ''),
      file('/etc/kubernetes/audit/policy.yaml', ''),
      file('/etc/kubernetes/pki/apiserver.crt', ''),
      file('/etc/kubernetes/pki/apiserver-etcd-client.key', ''),
    ];
    expect(inPlacingOrder(files).map(({ path }) => path)).toEqual([
      '/etc/kubernetes/pki/apiserver-etcd-client.crt',
      '/etc/kubernetes/pki/apiserver-etcd-client.key',
      '/etc/kubernetes/pki/apiserver.crt',
      '/etc/kubernetes/pki/apiserver.key',
      '/etc/kubernetes/scheduler.conf',
      '/etc/kubernetes/audit/policy.yaml',
      '/etc/systemd/system/kubelet.service.d/20-bootstrap.conf',
      '/var/lib/kubelet/config.yaml',
      `${MANIFESTS}/etcd.yaml`,
    ]);
  });

  test('is a tar that GNU tar unpacks, with long and foreign names; and the other way round', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'bootstrap-tar-'));
    try {
      const files = ['index', `files/${'long-'.repeat(30)}/ü ${'x'.repeat(90)}`, 'files/empty'].map((path, i) => ({
        path,
        content: Buffer.alloc(i === 2 ? 0 : 700 * (i + 1), path),
      }));
      const tar = await packFiles(files);
      expect(await packFiles(files)).toEqual(tar);
      writeFileSync(join(dir, 'x.tar'), tar);
      expect(execFileSync('tar', ['-xf', 'x.tar', '-C', dir], { cwd: dir, encoding: 'utf8' })).toBe('');
      for (const { path, content } of files) expect(readFileSync(join(dir, path))).toEqual(content);
      const back = execFileSync('tar', ['-c', '-C', dir, '--', './index', `./${files[1]?.path}`, './files/empty']);
      expect([...(await unpackFiles(back))]).toEqual(files.map(({ path, content }) => [path, content]));
      expect([...(await unpackFiles(tar))]).toEqual(files.map(({ path, content }) => [path, content]));
      await expect(unpackFiles(tar.subarray(0, 700))).rejects.toThrow();
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

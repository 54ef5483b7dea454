import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { needTool } from '../../support/tools.ts';
import { at, type JsonMap, listAt } from '../../world/json.ts';
import { parsed, run } from '../rollout/site.ts';
import { sharedHost } from './host.ts';

const FILE = '/etc/kubernetes/manifests/default_static-web.yaml';
const web = (image: string, more: JsonMap = {}): JsonMap => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'static-web' },
  spec: { containers: [{ name: 'web', image, command: ['web'], ...more }] },
});

describe.runIf(needTool('sshd') && needTool('openssl'))('a host without any API server', { timeout: 120_000 }, () => {
  const given = sharedHost('node01');
  const say = (manifest: JsonMap, more: JsonMap = {}) => given().clusterFile({ staticPods: [{ manifest, ...more }] });
  const apply = (status = 0, ...args: readonly string[]) => run(given().dir, ['apply', '--yes', ...args], { status });
  const pod = () => given().node.pods()['static-web'];

  test('gets its kubelet and its pods, and no part of a control plane', () => {
    say(web('nginx:1.28'));
    run(given().dir, ['init'], { status: 0 });
    const plan = run(given().dir, ['plan'], { status: 2 });
    expect(plan.stdout).toContain('node01  first delivery');
    expect(plan.stdout).toMatch(/starts the kubelet, default\/static-web/);
    expect(plan.stdout).not.toMatch(/etcd|objects|order/);
    const { stdout, stderr } = apply();
    expect(stdout).toBe('node01 is at revision 1\n');
    expect(stderr).toMatch(/node01 {2}3 files in place, kubelet started/);
    expect(stderr).toMatch(/node01 {2}✓ revision 1 works/);
    expect(pod()).toMatchObject({ running: true, starts: 1 });
    expect(Object.keys(given().node.manifests())).toEqual(['default_static-web.yaml']);
    expect(given().node.systemctl().join('\n')).toContain('enable kubelet');
  });

  test('is left alone where all is as the cluster file says', () => {
    const before = pod();
    expect(apply().stdout).toBe('nothing to do: 1 node is as the cluster file says\n');
    expect(run(given().dir, ['plan'], { status: 0 }).stdout).toMatch(/^nothing to do: 1 node is at revision 1/);
    const status = run(given().dir, ['status'], { status: 0 });
    expect(status.stdout).toMatch(
      /^kubernetes {2}Kubernetes v1\.36\.2, 1 node\nNODE {4}KUBELET {2}REVISION\nnode01 {2}ok {7}1\n/,
    );
    expect(status.stdout).toContain('All is well.');
    expect(pod()).toEqual(before);
  });

  test('replaces a pod that changes, just as the plan that was kept says', () => {
    say(web('nginx:1.29'));
    const { stdout } = run(given().dir, ['plan', '--out', 'plan.json'], { status: 2 });
    expect(stdout).toContain('default/static-web restarts: image: nginx:1.28 → nginx:1.29');
    const before = pod();
    expect(run(given().dir, ['apply', 'plan.json'], { status: 0 }).stdout).toBe('node01 is at revision 2\n');
    expect(pod()).toMatchObject({ running: true, starts: 2 });
    expect(pod()?.pid).not.toBe(before?.pid);
    expect(run(given().dir, ['apply', 'plan.json'], { status: 76 }).stderr).toContain(
      'plan.json no longer holds:\n  node01: revision 1 then, revision 2 now',
    );
  });

  test('takes back a pod that crashes, with the last words of that', () => {
    say(web('nginx:1.30', { env: [{ name: 'FAIL_ON_PURPOSE', value: 'no such site' }] }));
    const { stderr } = apply(1);
    expect(stderr).toMatch(/error: revision 3 does not work on node01: default\/static-web: crashes \(\d+ restarts\)/);
    expect(stderr).toMatch(/last lines of default\/static-web:\n(?: {2}.*\n)* {2}.*no such site/);
    expect(stderr).toContain('node01 is back at what it had, and well');
    expect(given().node.read(FILE)).toContain('nginx:1.29');
    expect(pod()).toMatchObject({ running: true });
    expect(run(given().dir, ['status'], { status: 2 }).stdout).toContain('3 taken back');
  });

  test('goes back to an earlier revision, but not to one that was taken back', () => {
    say(web('nginx:1.31'));
    expect(apply(0).stdout).toBe('node01 is at revision 4\n');
    const { stdout } = run(given().dir, ['rollback', '--yes', '--node', 'node01'], { status: 0 });
    expect(stdout).toBe('node01 is back at revision 2\n');
    expect(given().node.read(FILE)).toContain('nginx:1.29');
    const [node] = listAt(parsed(run(given().dir, ['status', '-o', 'json'], { status: 2 })), 'nodes');
    expect(at(node, 'role')).toBe('node');
    expect(at(node, 'revision', 'wanted')).toBe(false);
  });

  test('gets its pods by URL once that is published, which alone is done for a change of them', () => {
    const serve = { endpoint: 'pods.example.com:8443' };
    const byUrl = (image: string) =>
      given().clusterFile({ serve, staticPods: [{ manifest: web(image), via: 'http' }] });
    const config = () => given().node.read('/var/lib/kubelet/config.yaml') ?? '';
    const published = (file: string) => readFileSync(join(given().dir, 'serve', file), 'utf8');
    byUrl('nginx:1.28');
    expect(run(given().dir, ['plan'], { status: 2 }).stdout).toContain('by URL   node01: default/static-web starts');
    expect(existsSync(join(given().dir, 'serve'))).toBe(false);
    expect(apply(0).stdout).toMatch(
      /^node01 is at revision \d+; published for node01: seen at the next poll of the URL\n$/,
    );
    const token = readFileSync(join(given().dir, 'pki/nodes/node01/static-pod-url.token'), 'utf8').trim();
    expect(config()).toContain('staticPodURL: https://pods.example.com:8443/v1/nodes/node01/pods');
    expect(config()).toContain(token);
    expect(given().node.manifests()).toEqual({});
    expect(published('nodes/node01.json')).toContain('nginx:1.28');

    byUrl('nginx:1.29');
    const { stdout } = run(given().dir, ['plan'], { status: 2 });
    expect(stdout).toContain('by URL   node01: default/static-web is replaced, at the next poll of the URL');
    expect(stdout).toContain('no node changes; other pods by URL for 1 node');
    expect(apply(0).stdout).toBe('published for node01: seen at the next poll of the URL\n');
    expect(published('nodes/node01.json')).toContain('nginx:1.29');
    expect(apply(0).stdout).toBe('nothing to do: 1 node is as the cluster file says\n');

    given().clusterFile({ serve, staticPods: [] });
    const { stdout: planned } = run(given().dir, ['plan', '--verbose'], { status: 2 });
    expect(planned + apply(0).stderr).not.toContain(token);
    expect(config()).not.toContain('staticPodURL');
    expect(existsSync(join(given().dir, 'serve/nodes/node01.json'))).toBe(false);
    expect(published('index.json')).not.toContain(token);
  });

  test('keeps a pod that is stopped without running it; another host that is down keeps nobody waiting', () => {
    const away = { name: 'node02', role: 'node', addresses: ['10.250.0.22'], ssh: { host: '127.0.0.1', port: 1 } };
    given().clusterFile({ staticPods: [{ manifest: web('nginx:1.28'), stopped: true }] }, [away]);
    const { stdout, stderr } = apply(69);
    expect(stdout).toMatch(/^node01 is at revision \d+\n$/);
    expect(stderr).toMatch(/error: node02 could not be reached, and was left out: /);
    expect(pod()).toMatchObject({ running: false });
    expect(given().node.manifests()).toEqual({});
    expect(given().node.read('/etc/kubernetes/stopped-pods/default_static-web.yaml')).toContain('nginx:1.28');
    expect(apply(69, '--node', 'node02').stderr).not.toContain('left out');
    expect(apply(0, '--node', 'node01').stdout).toBe('nothing to do: 1 node is as the cluster file says\n');
  });
});

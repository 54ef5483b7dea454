import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BOOTSTRAP, snapshot } from '../../support/cli.ts';
import { needTool } from '../../support/tools.ts';
import { textAt } from '../../world/json.ts';
import { alive, PATIENCE, run, sharedWorld } from '../rollout/site.ts';

/** Gives a program a terminal (util-linux). */
const SCRIPT = '/usr/bin/script';
const MANIFEST = '/etc/kubernetes/manifests/default_static-web.yaml';
const KEPT = '/etc/kubernetes/stopped-pods/default_static-web.yaml';

const web = (image: string) => `# the tutorial's
apiVersion: v1
kind: Pod
metadata:
  name: static-web
spec:
  containers:
    - {name: web, image: "${image}", command: [web]}
`;

describe.runIf(needTool('etcd') && needTool('sshd') && needTool('openssl'))(
  'pods of a cluster that lives',
  { timeout: PATIENCE },
  () => {
    const given = sharedWorld(1);
    const pods = (args: readonly string[], status = 0) => run(given().dir, ['pods', ...args], { status });
    const clusterFile = () => readFileSync(join(given().dir, 'cluster.yaml'), 'utf8');
    const hasCopy = () => existsSync(join(given().dir, 'static-pods/default_static-web.yaml'));
    const manifest = (image: string) => {
      const path = join(given().dir, '../static-web.yaml');
      writeFileSync(path, web(image));
      return path;
    };
    const image = async () => {
      const { status, body } = await given().api().request('/api/v1/namespaces/default/pods/static-web-cp1');
      return status === 404 ? undefined : textAt(body, 'spec', 'containers', 0, 'image');
    };
    const controlPlane = () => {
      const { 'static-web': _, ...others } = alive(given(), 'cp1').pods;
      return others;
    };
    let before = '';

    test('are shown with --dry-run, with the plan of what they would do', () => {
      before = clusterFile();
      expect(pods(['add', manifest('nginx:1.29'), '--dry-run'], 2).stderr).toContain(
        '+ static-pods/default_static-web.yaml',
      );
      expect(clusterFile()).toBe(before);
      run(given().dir, ['apply', '--yes'], { status: 0 });
    });

    test.runIf(existsSync(SCRIPT))('are asked for, and where the answer is No all is as it was', async () => {
      const files = snapshot(given().dir);
      const command = `stty cols 80; ${process.execPath} ${BOOTSTRAP} pods add ${manifest('nginx:1.29')}`;
      const child = spawn(SCRIPT, ['-qefc', command, '/dev/null'], {
        cwd: given().dir,
        env: { ...process.env, TERM: 'xterm' },
        stdio: ['pipe', 'pipe', 'ignore'],
      });
      let said = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        const hadAsked = said.includes('Do this?');
        said += text;
        if (!hadAsked && said.includes('Do this?')) child.stdin.write('n');
      });
      await once(child, 'close');
      expect(child.exitCode, said).toBe(130);
      expect(said).toContain('default/static-web starts: its manifest is new');
      expect(said).toContain('Nothing was changed.');
      expect(snapshot(given().dir)).toEqual(files);
    });

    test('are added: cluster file, copy, node, mirror pod', async () => {
      const others = controlPlane();
      const { stdout, stderr } = pods(['add', manifest('nginx:1.29'), '--node', 'cp1', '--yes']);
      expect(stdout).toBe('cp1 is at revision 2\n');
      expect(stderr).toContain('cluster.yaml: default/static-web is added for cp1\n');
      expect(clusterFile()).toBe(
        `${before}  staticPods:\n    - source: static-pods/default_static-web.yaml\n      nodes: [cp1]\n`,
      );
      expect([hasCopy(), await image()]).toEqual([true, 'nginx:1.29']);
      expect(controlPlane()).toEqual(others);
      expect(pods(['add', manifest('nginx:1.29'), '--node', 'cp1', '--yes']).stdout).toContain('nothing to do');
    });

    test('are stopped and started again', async () => {
      const others = controlPlane();
      const there = () => [MANIFEST, KEPT].map((path) => given().node('cp1').read(path) !== undefined);
      pods(['stop', 'static-web', '--yes']);
      expect([await image(), there()]).toEqual([undefined, [false, true]]);
      pods(['start', 'static-web', '--yes']);
      expect([await image(), there()]).toEqual(['nginx:1.29', [true, false]]);
      expect(controlPlane()).toEqual(others);
    });

    test('that do not get ready leave the cluster file changed, and it is said how that is taken back', async () => {
      const path = join(given().dir, '../broken.yaml');
      writeFileSync(path, web('missing.invalid/web:1').replace('static-web', 'broken'));
      const unchanged = clusterFile();
      const { stderr } = pods(['add', path, '--yes', '--timeout', '10s'], 1);
      expect(stderr).toContain(
        'cluster.yaml stays changed: `bootstrap apply` goes on from here;\n  `bootstrap pods remove default/broken` takes it back\n',
      );
      expect(clusterFile()).not.toBe(unchanged);
      pods(['remove', 'broken', '--yes']);
      expect(clusterFile()).toBe(unchanged);
    });

    test('are removed, with the copy', async () => {
      expect(pods(['remove', 'static-web', '--yes']).stderr).toContain('removed static-pods/default_static-web.yaml\n');
      expect(clusterFile()).toBe(before);
      expect([hasCopy(), await image(), given().node('cp1').read(MANIFEST)]).toEqual([false, undefined, undefined]);
      expect(existsSync(join(given().dir, 'static-pods'))).toBe(false);
    });
  },
);

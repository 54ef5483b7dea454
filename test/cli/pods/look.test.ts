import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { needTool } from '../../support/tools.ts';
import { at, type JsonMap, listAt, textAt } from '../../world/json.ts';
import { eventually } from '../../world/world.ts';
import { begin, PATIENCE, parsed, run, sharedWorld } from '../rollout/site.ts';

const MANIFESTS = '/etc/kubernetes/manifests';
const FILE = `${MANIFESTS}/default_static-web.yaml`;
const web = (image: string, more: JsonMap = {}): JsonMap => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'static-web', labels: { role: 'myrole' } },
  spec: { containers: [{ name: 'web', image, command: ['web'], ...more }] },
});

describe.runIf(needTool('etcd') && needTool('sshd') && needTool('openssl'))(
  'the truth about static pods',
  { timeout: PATIENCE },
  () => {
    const given = sharedWorld(1);
    const say = (...pods: readonly JsonMap[]) =>
      given().clusterFile({ staticPods: pods.map((manifest) => ({ manifest })) });
    const pods = (args: readonly string[], status?: number) =>
      run(given().dir, ['pods', ...args], status === undefined ? {} : { status });
    const list = (status?: number) => pods(['list'], status).stdout;
    /** What is wrong, without line breaks. */
    const problems = () => list(2).replaceAll(/\n +/g, ' ');
    const settled = (what: string, text: RegExp) => eventually(what, () => text.test(list().replaceAll(/\n +/g, ' ')));

    test('is nothing where nobody has declared one', () => {
      expect(list(0)).toBe('There is no static pod of your own. `bootstrap pods add FILE` adds one.\n');
      expect(parsed(pods(['list', '-o', 'json'], 0))).toEqual({
        ok: true,
        pods: [],
        nodes: [],
        notes: [],
      });
    });

    test('is that one is declared, then that it is in place, runs and is shown', async () => {
      say(web('nginx:1.28'));
      expect(problems()).toContain('default/static-web on cp1: is declared, but not applied yet');
      run(given().dir, ['apply', '--yes'], { status: 0 });
      await settled('it runs', /All is well/);
      const text = list(0);
      expect(text).toMatch(
        /^POD +NODE +SOURCE +RUNS +RESTARTS +MIRROR +LABELS\ndefault\/static-web +cp1 +in place +[\d.]+ \w+ +0 +Ready +role=myrole\n/,
      );
      expect(Math.max(...text.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(80);
      const [pod] = listAt(parsed(pods(['list', '-o', 'json'], 0)), 'pods');
      expect(pod).toMatchObject({
        pod: 'default/static-web',
        namespace: 'default',
        name: 'static-web',
        node: 'cp1',
        declared: { state: 'running', via: 'file' },
        source: 'in place',
        file: FILE,
        runtime: { state: 'running', restarts: 0, from: 'file', containers: [{ name: 'web', image: 'nginx:1.28' }] },
        mirror: { state: 'seen', ready: true, labels: { role: 'myrole' } },
        problems: [],
      });
      expect(at(pod, 'runtime', 'digest')).toBe(at(pod, 'declared', 'digest'));
    });

    test('shows one with its manifest, and knows what was meant', () => {
      const { stdout } = pods(['show', 'static-web'], 0);
      expect(stdout).toContain(`file      ${FILE}`);
      expect(stdout).toMatch(/declared {2}.*cluster\.yaml:\d+:\d+ \(spec\.staticPods\[0\]\)/);
      expect(stdout).toMatch(/container web: running, nginx:1\.28, since /);
      expect(stdout).toContain('mirror: Ready, labels role=myrole');
      expect(stdout).toContain('    bootstrap/manifest-digest: ');
      const data = parsed(pods(['show', 'default/static-web-cp1', '-o', 'json'], 0));
      expect(textAt(data, 'manifest', 'kind')).toBe('Pod');
      expect(pods(['show', 'static-wep'], 64).stderr).toContain('did you mean "default/static-web"?');
    });

    test('is what its container has written, and that of the control plane', () => {
      expect(pods(['logs', 'static-web'], 0).stdout).toMatch(/^web runs$/m);
      expect(pods(['logs', 'etcd', '--tail', '3'], 0).stdout.trimEnd().split('\n')).toHaveLength(3);
      expect(pods(['logs', 'static-web', '--previous'], 1).stderr).toContain(
        'no earlier run of default/static-web is kept',
      );
      expect(pods(['logs', 'nothing'], 64).stderr).toContain('there is no static pod "nothing"');
      expect(pods(['logs', 'static-web', '--tail', 'x'], 64).stderr).toContain('--tail x: not a number of lines');
    });

    test('goes on with what is written later', async () => {
      const following = begin(given().dir, ['pods', 'logs', 'static-web', '--tail', '1', '--follow']);
      let said = '';
      following.child.stdout?.on('data', (text: string) => {
        said += text;
      });
      await eventually('three more lines', () => said.split('\n').length > 4);
      following.child.kill('SIGINT');
      expect((await following.ended).status).toBe(130);
    });

    test('is that an older manifest runs, until it is applied', () => {
      say(web('nginx:1.29'));
      expect(problems()).toContain('has an older manifest on the node: the new one is not applied yet');
      expect(problems()).toContain('what to do: `bootstrap apply --node cp1`');
      run(given().dir, ['apply', '--yes'], { status: 0 });
      expect(list()).not.toContain('not applied');
    });

    test('is that somebody has put a file beside it, or taken its own away', async () => {
      const node = given().node('cp1');
      const stray = join(node.root, MANIFESTS, 'mine.yaml');
      writeFileSync(stray, JSON.stringify({ ...web('nginx'), metadata: { name: 'mine' } }));
      await settled('the stray pod runs', /default\/mine +cp1 +stray +\d/);
      expect(problems()).toContain(
        `default/mine on cp1: runs, but is in no cluster file: stray file ${MANIFESTS}/mine.yaml`,
      );
      rmSync(stray);
      const text = node.read(FILE) ?? '';
      rmSync(join(node.root, FILE));
      await settled('its own has ended', /default\/static-web +cp1 +missing +no/);
      expect(problems()).toContain('`bootstrap pods stop default/static-web` keeps it out');
      mkdirSync(join(node.root, MANIFESTS), { recursive: true });
      writeFileSync(join(node.root, FILE), text, { mode: 0o600 });
      await settled('it runs again', /All is well/);
    });

    test('is that its container ends again and again, with its last words', async () => {
      const node = given().node('cp1');
      const text = node.read(FILE) ?? '';
      const failing = web('nginx', { env: [{ name: 'FAIL_ON_PURPOSE', value: 'no such upstream' }] });
      writeFileSync(join(node.root, FILE), JSON.stringify(failing));
      await settled('it crashes', /its container web has ended \(\d+ restarts?\): ".*no such upstream/);
      expect(problems()).toContain('somebody has changed');
      expect(pods(['logs', 'static-web'], 0).stdout).toContain('no such upstream');
      expect(pods(['logs', 'static-web', '--previous'], 0).stdout).toContain('no such upstream');
      writeFileSync(join(node.root, FILE), text);
      await settled('it runs again', /All is well/);
    });

    test('is also known where no apiserver answers, and where the node cannot be reached', async () => {
      const node = given().node('cp1');
      await node.ssh('systemctl stop kubelet');
      rmSync(join(node.root, MANIFESTS, 'kube-apiserver.yaml'));
      const text = list();
      expect(text).toMatch(/default\/static-web +cp1 +in place/);
      await node.kill();
      const { stdout } = pods(['list'], 69);
      expect(stdout).toMatch(/default\/static-web +cp1 +\? +\? +-/);
      expect(stdout).toContain('cp1: cannot be reached: ');
    });
  },
);

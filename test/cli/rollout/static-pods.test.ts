import { describe, expect, test } from 'vitest';
import { needTool } from '../../support/tools.ts';
import { at, type JsonMap, textAt } from '../../world/json.ts';
import { alive, PATIENCE, run, sharedWorld } from './site.ts';

const FILE = '/etc/kubernetes/manifests/default_static-web.yaml';
const web = (image: string): JsonMap => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'static-web', labels: { role: 'myrole' } },
  spec: { containers: [{ name: 'web', image, command: ['web'] }] },
});

describe.runIf(needTool('etcd') && needTool('sshd') && needTool('openssl'))(
  'static pods',
  { timeout: PATIENCE },
  () => {
    const given = sharedWorld(1);
    const say = (...pods: readonly JsonMap[]) =>
      given().clusterFile({ staticPods: pods.map((manifest) => ({ manifest })) });
    const apply = (status = 0) => run(given().dir, ['apply', '--yes'], { status });
    const mirror = async () => {
      const { status, body } = await given().api().request('/api/v1/namespaces/default/pods/static-web-cp1');
      return status === 404
        ? undefined
        : {
            role: textAt(body, 'metadata', 'labels', 'role'),
            image: textAt(body, 'spec', 'containers', 0, 'image'),
            ready: textAt(body, 'status', 'conditions', 0, 'status'),
            owner: at(body, 'metadata', 'ownerReferences', 0, 'kind'),
          };
    };
    /** Process ids of the pods of the control plane. */
    const controlPlane = () => {
      const { 'static-web': _, ...others } = alive(given(), 'cp1').pods;
      return others;
    };

    test('come with the first boot, proven in their own namespace', async () => {
      say(web('nginx:1.28'));
      expect(apply().stdout).toContain('cp1 is at revision 1');
      expect(await mirror()).toEqual({ role: 'myrole', image: 'nginx:1.28', ready: 'True', owner: 'Node' });
      expect(run(given().dir, ['status'], { status: 0 }).stdout).not.toContain('stray');
      expect(run(given().dir, ['plan'], { status: 0 }).stdout).toContain('nothing to do');
    });

    test('are replaced alone when they change', async () => {
      const before = controlPlane();
      say(web('nginx:1.29'));
      expect(run(given().dir, ['plan'], { status: 2 }).stdout).toContain(
        'default/static-web restarts: image: nginx:1.28 → nginx:1.29\n',
      );
      apply();
      expect(await mirror()).toMatchObject({ image: 'nginx:1.29', ready: 'True' });
      expect(controlPlane()).toEqual(before);
    });

    test('go back to what they were where they do not get ready, with the reason', async () => {
      const before = controlPlane();
      say(web('missing.invalid/web:1'));
      const { stderr } = run(given().dir, ['apply', '--yes', '--timeout', '10s'], { status: 1 });
      expect(stderr).toContain('default/static-web: ErrImagePull: the image cannot be pulled');
      expect(given().node('cp1').read(FILE)).toContain('nginx:1.29');
      expect(controlPlane()).toEqual(before);
    });

    test('are checked before anything is touched', () => {
      say({ ...web('x'), metadata: { name: 'Static_Web' } });
      expect(apply(65).stderr).toMatch(/staticPods\[0\]\.manifest\.metadata\.name: "Static_Web" is no name of a pod/);
    });

    test('stop when they are taken out', async () => {
      const before = controlPlane();
      say();
      expect(run(given().dir, ['plan'], { status: 2 }).stdout).toContain(
        'default/static-web stops: its manifest goes\n',
      );
      apply();
      expect(await mirror()).toBeUndefined();
      expect(given().node('cp1').read(FILE)).toBeUndefined();
      expect(controlPlane()).toEqual(before);
      run(given().dir, ['rollback', '--yes', '--to', '2'], { status: 0 });
      expect(await mirror()).toMatchObject({ image: 'nginx:1.29', ready: 'True' });
    });
  },
);

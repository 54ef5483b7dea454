import { mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { parseRuntimePods } from '../../../src/rollout/runtime-pods.ts';
import { type Box, makeBox } from '../../node/node-box.ts';

/** As crictl 1.36 gave them on a machine with containerd 2 and six static pods. */
const measured = (name: string) => readFileSync(fileURLToPath(new URL(name, import.meta.url)), 'utf8');
const PODS = measured('./crictl-pods.json');
const CONTAINERS = measured('./crictl-ps.json');

const boxes: Box[] = [];
afterEach(() => {
  for (const box of boxes.splice(0)) box.remove();
});

describe('what crictl says', () => {
  const parsed = (pods = PODS, containers = CONTAINERS) =>
    parseRuntimePods(`source\tcrictl\npods\n${pods}\n\ncontainers\n${containers}\n\nend\n`);

  test('becomes pods with their containers, images as the manifest names them, and restarts', () => {
    const { source, pods, problem } = parsed();
    expect(source).toBe('crictl');
    expect(problem).toBeUndefined();
    expect(pods.map(({ namespace, name, ready }) => `${namespace}/${name} ${ready}`)).toEqual([
      'default/crash-w1 true',
      'default/netpod-w1 true',
      'default/nobin-w1 true',
      'default/nopull-w1 true',
      'default/static-web-w1 true',
      'kube-system/multi-w1 true',
    ]);
    expect(pods.find(({ name }) => name === 'static-web-w1')).toMatchObject({
      uid: 'b52130b926201706929acf0533f21ce7',
      configSource: 'file',
      annotations: { 'bootstrap/inputs-digest': 'abc' },
      createdAt: '2026-11-24T00:39:34.730Z',
      containers: [
        { name: 'web', image: 'nginx', state: 'running', restarts: 0, startedAt: '2026-11-24T00:39:35.773Z' },
      ],
    });
    expect(pods.find(({ name }) => name === 'crash-w1')?.containers).toMatchObject([
      { name: 'no', image: 'registry.k8s.io/etcd:3.6.8-0', state: 'exited', restarts: 3 },
    ]);
  });

  test('has init containers among the others, and none where no image came', () => {
    const { pods } = parsed();
    expect(pods.find(({ name }) => name === 'multi-w1')?.containers).toMatchObject([
      { name: 'init', state: 'exited' },
      { name: 'one', state: 'running' },
    ]);
    expect(pods.find(({ name }) => name === 'nopull-w1')?.containers).toEqual([]);
  });

  test('is read by the newest sandbox of a pod, the last container of a name, and one pod for each UID', () => {
    const sandbox = (id: string, uid: string, createdAt: string, state: string) => ({
      id,
      metadata: { name: 'web-w1', uid, namespace: 'default', attempt: 0 },
      state,
      createdAt,
    });
    const container = (id: string, podSandboxId: string, createdAt: string, state: string) => ({
      id,
      podSandboxId,
      metadata: { name: 'web', attempt: 7 },
      createdAt,
      state,
    });
    const { pods } = parsed(
      JSON.stringify({
        items: [
          sandbox('s1', 'u1', '1000000000000000000', 'SANDBOX_NOTREADY'),
          sandbox('s3', 'u2', '1000000003000000000', 'SANDBOX_READY'),
          sandbox('s2', 'u1', '1000000002000000000', 'SANDBOX_READY'),
        ],
      }),
      JSON.stringify({
        containers: [
          container('c3', 's2', '1000000004000000000', 'CONTAINER_RUNNING'),
          container('c2', 's2', '1000000002000000000', 'CONTAINER_EXITED'),
          container('c1', 's1', '1000000009000000000', 'CONTAINER_EXITED'),
          container('c4', 's3', '1000000009000000000', 'CONTAINER_UNKNOWN'),
        ],
      }),
    );
    expect(pods.map(({ uid, ready, containers }) => [uid, ready, containers.map(({ id }) => id)])).toEqual([
      ['u2', true, ['c4']],
      ['u1', true, ['c3']],
    ]);
    expect(pods[1]?.containers).toMatchObject([{ state: 'running', restarts: 7, image: '' }]);
    expect(pods[0]?.containers).toMatchObject([{ state: 'unknown' }]);
  });

  test('may be nothing, but not half of it', () => {
    expect(parsed('{"items": []}', '{"containers": []}').pods).toEqual([]);
    expect(parsed('{}', '').pods).toEqual([]);
    for (const text of ['', 'end\n', 'source\tcrictl\npods\n{}\nend\n', `source\tcrictl\npods\n${PODS}`]) {
      expect(() => parseRuntimePods(text), text).toThrow();
    }
    expect(() => parsed('{"items": [')).toThrow();
  });
});

describe.each(['dash', 'bash'])('on a node whose sh is %s', (shell) => {
  const newBox = (): Box => {
    const box = makeBox({ shell });
    boxes.push(box);
    return box;
  };
  const crictl = (box: Box, text: string): void => {
    box.write('/usr/bin/crictl', `#!/bin/sh\n${text}\n`, 0o755);
    box.write('/pods.json', PODS);
    box.write('/ps.json', CONTAINERS);
  };
  const ANSWERS = `echo "$*" >>"$BOOTSTRAP_NODE_ROOT/asked"
echo 'time="…" level=warning msg="something deprecated"' >&2
case "$*" in *' pods -o json') cat "$BOOTSTRAP_NODE_ROOT/pods.json" ;; *' ps -a -o json') cat "$BOOTSTRAP_NODE_ROOT/ps.json" ;; *) exit 9 ;; esac`;
  /** A cgroup of version 2, or where `procs` are given of version 1. */
  const cgroup = (box: Box, path: string, populated: boolean, version: 1 | 2 = 2): void => {
    if (version === 2) box.write(`/sys/fs/cgroup/${path}/cgroup.events`, `populated ${populated ? 1 : 0}\nfrozen 0\n`);
    else box.write(`/sys/fs/cgroup/${path}/cgroup.procs`, populated ? '4711\n' : '');
  };

  test('the runtime is asked where the kubelet finds it', async () => {
    const box = newBox();
    crictl(box, ANSWERS);
    const { source, pods } = await box.agent().runtimePods();
    expect([source, pods.length]).toEqual(['crictl', 6]);
    expect(box.read('/asked')).toBe('--timeout=10s pods -o json\n--timeout=10s ps -a -o json\n');
    for (const written of [
      'unix:///run/crio/crio.sock',
      '"unix:///run/crio/crio.sock"',
      "'unix:///run/crio/crio.sock' # x",
    ]) {
      box.write('/asked', '');
      box.write('/var/lib/kubelet/config.yaml', `kind: X\ncontainerRuntimeEndpoint: ${written}\nx: 1`);
      await box.agent().runtimePods();
      expect(box.read('/asked')).toContain(
        '--timeout=10s --runtime-endpoint=unix:///run/crio/crio.sock pods -o json\n',
      );
    }
  });

  test('without a crictl and without cgroups of pods nothing is known', async () => {
    expect(await newBox().agent().runtimePods()).toEqual({ source: 'none', pods: [] });
  });

  test('where crictl fails, its reason is told, and cgroups are looked at', async () => {
    const box = newBox();
    crictl(box, `echo 'first' >&2; echo 'FATA[0000] connection error: no such file' >&2; exit 1`);
    expect(await box.agent().runtimePods()).toEqual({
      source: 'none',
      pods: [],
      problem: 'FATA[0000] connection error: no such file',
    });
    mkdirSync(box.at('/sys/fs/cgroup/kubepods.slice'), { recursive: true });
    crictl(box, `case "$*" in *' pods -o json') echo '{}' ;; *) exit 1 ;; esac`);
    expect(await box.agent().runtimePods()).toEqual({
      source: 'cgroup',
      pods: [],
      problem: 'it failed and said nothing',
    });
  });

  test.each([
    [
      'systemd',
      'kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podUID.slice',
      'cri-containerd-ID.scope',
      2,
    ],
    ['systemd, guaranteed', 'kubepods.slice/kubepods-podUID.slice', 'crio-ID.scope', 2],
    [
      'systemd below another',
      'kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-podUID.slice',
      'cri-containerd-ID.scope',
      2,
    ],
    [
      'systemd, version 1',
      'systemd/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-podUID.slice',
      'cri-containerd-ID.scope',
      1,
    ],
    ['the kubelet itself', 'kubepods/besteffort/podUID', 'ID', 2],
    ['the kubelet itself, version 1', 'memory/kubepods/podUID', 'ID', 1],
  ] as const)(
    'cgroups that are made by %s tell which pods run, and which of their containers',
    async (_, pod, scope, version) => {
      const box = newBox();
      const group = (uid: string) => pod.replace('UID', uid);
      cgroup(box, group('aaa111'), version === 2, version);
      cgroup(box, `${group('aaa111')}/${scope.replace('ID', 'c0ffee')}`, true, version);
      cgroup(box, `${group('aaa111')}/${scope.replace('ID', 'dead01')}`, false, version);
      cgroup(box, group('bbb222'), false, version);
      box.write('/var/log/pods/default_web-cp1_aaa111/web/0.log', '');
      box.write('/var/log/pods/default_web-cp1_aaa111/web/3.log', '');
      box.write('/var/log/pods/default_web-cp1_aaa111/web-2/0.log', '');
      box.write('/var/log/pods/default_web-cp1_aaa111/new/0.log', '');
      box.write('/var/log/pods/default_gone-cp1_bbb222/web/0.log', '');
      box.write('/var/log/containers/web-cp1_default_web-c0ffee.log', '');
      box.write('/var/log/containers/web-cp1_default_web-0ld.log', '');
      box.write('/var/log/containers/web-cp1_default_web-2-dead01.log', '');
      const container = { image: '' };
      expect(await box.agent().runtimePods()).toEqual({
        source: 'cgroup',
        pods: [
          {
            namespace: 'default',
            name: 'web-cp1',
            uid: 'aaa111',
            configSource: undefined,
            annotations: {},
            ready: true,
            containers: [
              { ...container, name: 'new', id: '', state: 'unknown', restarts: 0 },
              { ...container, name: 'web', id: 'c0ffee', state: 'running', restarts: 3 },
              { ...container, name: 'web-2', id: 'dead01', state: 'exited', restarts: 0 },
            ],
          },
        ],
      });
    },
  );

  test('the UID of a pod of the API is what it is there', async () => {
    const box = newBox();
    cgroup(box, 'kubepods.slice/kubepods-pod1f_2e_3d.slice', true);
    box.write('/var/log/pods/default_web_1f-2e-3d/web/0.log', '');
    expect((await box.agent().runtimePods()).pods).toMatchObject([{ name: 'web', uid: '1f-2e-3d' }]);
  });
});

import { describe, expect, it } from 'vitest';
import type { Listener } from '../../../src/render/listeners.ts';
import { checkTogether, type Other, type Placed } from '../../../src/render/static-pods/check-together.ts';
import { othersOn } from '../../../src/render/static-pods/control-plane.ts';
import { container, manifest, podOf, short } from './fixtures.ts';

function placed(
  name: string,
  ports: readonly object[] = [],
  more: Partial<Placed> & { readonly spec?: object } = {},
): Placed {
  const { spec = {}, ...where } = more;
  const pod = podOf(manifest({ containers: [container({ ports })], ...spec }, { name }));
  return { pod, node: 'node01', via: 'file', ...where };
}

const listener = (who: string, component: Listener['component'], port: number, address = ''): Listener => ({
  who,
  component,
  address,
  port,
  scheme: 'HTTPS',
  at: undefined,
  isChosen: false,
});

const MASTER: readonly Other[] = othersOn({ name: 'node01', role: 'master' }, [
  listener('kube-apiserver (--secure-port)', 'kube-apiserver', 6443),
  listener('etcd (--listen-metrics-urls)', 'etcd', 2381, '127.0.0.1'),
  listener('kubelet (port)', 'kubelet', 10250, '0.0.0.0'),
  listener('kube-proxy (health)', 'kube-proxy', 10256),
]);

const together = (pods: readonly Placed[], others: readonly Other[] = MASTER) => short(checkTogether(pods, others));

describe('two pods of one name', () => {
  it('are refused on one node, and both are named', () => {
    expect(together([placed('web'), placed('web')])).toEqual([
      expect.stringMatching(
        /^error metadata\.name: node01 has two pods called default\/web: this and the pod default\/web \(pod\.yaml:\d+\); the kubelet would run now the one, now the other/,
      ),
    ]);
  });

  it('are refused also one by file and one by URL', () => {
    expect(together([placed('web'), placed('web', [], { via: 'http' })])).toEqual([
      expect.stringContaining('one by file and one by URL, the kubelet would run both'),
    ]);
  });

  it('may be on two nodes, or in two namespaces', () => {
    const other = {
      pod: podOf(manifest({}, { name: 'web', namespace: 'kube-system' })),
      node: 'node01',
      via: 'file',
    } as const;
    expect(together([placed('web'), placed('web', [], { node: 'node02' }), other])).toEqual([]);
  });

  it('are refused where one is of the control plane', () => {
    const etcd = {
      pod: podOf(manifest({}, { name: 'etcd', namespace: 'kube-system' })),
      node: 'node01',
      via: 'http',
    } as const;
    expect(together([etcd])).toEqual([
      expect.stringMatching(
        /two pods called kube-system\/etcd: this and the control plane's etcd; one by file and one/,
      ),
    ]);
    expect(together([{ ...etcd, node: 'node02' }])).toEqual([]);
    expect(together([etcd], othersOn({ name: 'node01', role: 'node' }, []))).toEqual([]);
  });

  it('are refused also where one is stopped: it is to be started some day', () => {
    expect(together([placed('web', [], { isStopped: true }), placed('web', [], { via: 'http' })])).toEqual([
      expect.stringContaining('; once both are started, one by file and one by URL, the kubelet would run both'),
    ]);
  });
});

describe('a port of the host', () => {
  const http = { containerPort: 80, hostPort: 8080 };

  it('is taken once, and both are named', () => {
    expect(together([placed('a', [http]), placed('b', [http])])).toEqual([
      expect.stringMatching(
        /^error spec\.containers\[0\]\.ports\[0\]\.hostPort: the pod default\/b: port 8080\/TCP of node01 is taken by the pod default\/a \(pod\.yaml:\d+\)/,
      ),
    ]);
  });

  it('is taken by every port of a pod in the network of the host', () => {
    const spec = { hostNetwork: true };
    expect(together([placed('a', [http]), placed('b', [{ containerPort: 8080 }], { spec })])).toHaveLength(1);
    expect(together([placed('a', [http]), placed('b', [{ containerPort: 8080 }])])).toEqual([]);
  });

  it.each([
    ['another protocol', { ...http, protocol: 'UDP' }, 0],
    ['another address', { ...http, hostIP: '10.0.0.2' }, 0],
    ['the same address', { ...http, hostIP: '10.0.0.1' }, 1],
    ['all addresses', { ...http, hostIP: '0.0.0.0' }, 1],
    ['no address', http, 1],
  ])('is another one with %s', (_, port, count) => {
    expect(together([placed('a', [{ ...http, hostIP: '10.0.0.1' }]), placed('b', [port])])).toHaveLength(count);
  });

  it('is free as long as the other one is stopped', () => {
    expect(together([placed('a', [http], { isStopped: true }), placed('b', [http])])).toEqual([]);
    expect(together([placed('a', [http]), placed('b', [http], { isStopped: true })])).toEqual([]);
  });

  it('is not that of the control plane or of the kubelet', () => {
    const ports = [6443, 10250, 10251].map((port) => ({ containerPort: port, hostPort: port }));
    expect(together([placed('a', ports)])).toEqual([
      expect.stringContaining('port 6443/TCP of node01 is taken by kube-apiserver (--secure-port)'),
      expect.stringContaining('port 10250/TCP of node01 is taken by kubelet (port)'),
    ]);
  });

  it('on one address is free beside one on loopback', () => {
    expect(together([placed('a', [{ containerPort: 1, hostPort: 2381, hostIP: '10.0.0.1' }])])).toEqual([]);
    expect(together([placed('a', [{ containerPort: 1, hostPort: 2381 }])])).toEqual([
      expect.stringContaining('is taken by etcd (--listen-metrics-urls), on 127.0.0.1'),
    ]);
  });

  it('of a kube-proxy is only warned of: it may not be there', () => {
    expect(together([placed('a', [{ containerPort: 1, hostPort: 10256 }])])).toEqual([
      expect.stringMatching(/^warning /),
    ]);
  });

  it('of an init container is taken only where that stays', () => {
    const initContainers = (more: object) => ({
      spec: { initContainers: [container({ name: 'i', ports: [http], ...more })] },
    });
    expect(together([placed('a', [http]), placed('b', [], initContainers({}))])).toEqual([]);
    expect(together([placed('a', [http]), placed('b', [], initContainers({ restartPolicy: 'Always' }))])).toHaveLength(
      1,
    );
  });
});

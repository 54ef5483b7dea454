import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { endpointsOf } from '../../src/rollout/probe/endpoints.ts';
import { listensIn } from '../../src/rollout/probe/listens.ts';

const COMPONENTS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];

function golden(profile: string) {
  return COMPONENTS.map((name) => {
    const path = `/etc/kubernetes/manifests/${name}.yaml`;
    return {
      path,
      text: readFileSync(fileURLToPath(new URL(`../golden/${profile}/cp1${path}`, import.meta.url)), 'utf8'),
    };
  });
}

function manifest(component: string, ...flags: readonly string[]) {
  const command = [component, ...flags];
  return {
    path: `/m/${component}.yaml`,
    text: JSON.stringify({ spec: { containers: [{ name: component, command }] } }),
  };
}

const apiServer = (...flags: readonly string[]) => endpointsOf([manifest('kube-apiserver', ...flags)]).apiServer;
const etcd = (...flags: readonly string[]) => endpointsOf([manifest('etcd', ...flags)]).etcd;

test('everything of a rendered master is found on loopback', () => {
  expect(endpointsOf(golden('ha'))).toEqual({
    apiServer: { address: '127.0.0.1', port: 6443, identity: '10.0.0.11' },
    etcd: { scheme: 'https', address: '127.0.0.1', port: 2379, identity: '127.0.0.1', member: 'cp1' },
    controllerManager: { address: '127.0.0.1', port: 10257 },
    scheduler: { address: '127.0.0.1', port: 10259 },
    reasons: new Map(),
  });
  expect(endpointsOf(golden('ipv6-1.33'))).toMatchObject({
    apiServer: { identity: expect.stringContaining(':') },
    etcd: { address: '::1' },
  });
});

test('what has no manifest does not run', () => {
  expect(endpointsOf([])).toEqual({
    apiServer: undefined,
    etcd: undefined,
    controllerManager: undefined,
    scheduler: undefined,
    reasons: new Map(),
  });
});

describe('the apiserver', () => {
  test.each([
    [[], { address: '127.0.0.1', port: 6443, identity: 'kubernetes' }],
    [['--bind-address=::', '--advertise-address=fd00::1'], { address: '::1', port: 6443, identity: 'fd00::1' }],
    [['--bind-address=0.0.0.0', '--secure-port=8443', '--secure-port=443'], { address: '127.0.0.1', port: 443 }],
    [
      ['--bind-address=10.0.0.9', '--advertise-address=192.0.2.1'],
      { address: '10.0.0.9', port: 6443, identity: '192.0.2.1' },
    ],
    [['--bind-address', '10.0.0.9'], { address: '10.0.0.9', port: 6443, identity: '10.0.0.9' }],
  ])('with %j', (flags, expected) => {
    expect(apiServer(...flags)).toMatchObject(expected);
  });
});

describe('etcd', () => {
  test.each([
    [['--listen-client-urls=https://10.0.0.1:2379,https://127.0.0.1:2379'], { address: '127.0.0.1', scheme: 'https' }],
    [['--listen-client-urls=https://10.0.0.1:2379,https://0.0.0.0:2380'], { address: '127.0.0.1', port: 2380 }],
    [['--listen-client-urls=https://[::]:2379'], { address: '::1', identity: '::1' }],
    [
      ['--listen-client-urls=https://10.0.0.1:2379', '--name=m'],
      { address: '10.0.0.1', identity: '10.0.0.1', member: 'm' },
    ],
    [['--listen-client-urls=http://127.0.0.1:2379'], { scheme: 'http' }],
    [['--listen-client-urls=unixs://a:1,https://10.0.0.1:2379'], { address: '10.0.0.1' }],
    // there, and nowhere else, is the JSON gateway
    [
      ['--listen-client-urls=https://127.0.0.1:2379', '--listen-client-http-urls=https://127.0.0.1:2382'],
      { address: '127.0.0.1', port: 2382 },
    ],
    [[], { address: 'localhost', port: 2379, scheme: 'http', member: 'default' }],
  ])('with %j', (flags, expected) => {
    expect(etcd(...flags)).toMatchObject(expected);
  });

  test('may have its settings in the environment', () => {
    const container = {
      name: 'etcd',
      args: ['--name=flag'],
      env: [
        { name: 'ETCD_NAME', value: 'env' },
        { name: 'ETCD_LISTEN_CLIENT_URLS', value: 'https://127.0.0.1:2399' },
      ],
    };
    const text = JSON.stringify({ spec: { containers: [container] } });
    expect(endpointsOf([{ path: 'etcd.json', text }]).etcd).toMatchObject({ port: 2399, member: 'flag' });
  });
});

test('a controller-manager or scheduler with --secure-port=0 does not serve, and that is no fault', () => {
  const found = endpointsOf([
    manifest('kube-controller-manager', '--secure-port=0'),
    manifest('kube-scheduler', '--secure-port=0'),
  ]);
  expect(found).toMatchObject({ controllerManager: undefined, scheduler: undefined, reasons: new Map() });
});

test.each([
  ['kube-scheduler', 'a: [', /not readable YAML/],
  ['kube-scheduler', '', /the manifest (is empty|is not a map)/],
  ['kube-scheduler', '- a', /not a map/],
  ['kube-scheduler', 'kind: Pod', /no container/],
  ['kube-scheduler', manifest('kube-scheduler', '--secure-port=x').text, /--secure-port=x is no port/],
  ['kube-apiserver', manifest('sleep', '1').text, /does not start kube-apiserver/],
  ['kube-apiserver', manifest('kube-apiserver', '--secure-port=0').text, /secure-port/],
  ['etcd', manifest('etcd', '--enable-grpc-gateway=false').text, /gateway is switched off/],
  ['etcd', manifest('etcd', '--config-file=/x').text, /--config-file/],
  ['etcd', manifest('etcd', '--listen-client-urls=nonsense').text, /no URL/],
] as const)('a manifest of %s that does not say it is undefined with a reason: %j', (component, text, reason) => {
  const found = endpointsOf([{ path: `/m/${component}.yaml`, text }]);
  expect(found).toMatchObject({ apiServer: undefined, etcd: undefined, scheduler: undefined });
  expect(found.reasons.get(component)).toMatch(reason);
});

test('of several documents in a file the first counts, as for the kubelet', () => {
  const text = `${manifest('kube-scheduler', '--secure-port=1').text}\n---\n${manifest('kube-scheduler').text}\n`;
  expect(endpointsOf([{ path: '/m/kube-scheduler.yaml', text }]).scheduler).toEqual({ address: '127.0.0.1', port: 1 });
});

describe('the kernel’s table of sockets', () => {
  const table = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 0100007F:094B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0',
    '   1: 0100007F:094C 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0',
    '  sl  local_address                         remote_address                        st',
    '   0: 00000000000000000000000000000000:192B 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00 0 0',
  ].join('\n');

  test('says who listens, which a mere connection does not', () => {
    expect([2379, 2380, 6443, 1].map((port) => listensIn(table, port))).toEqual([true, false, true, false]);
    expect(listensIn('', 2379)).toBeUndefined();
  });
});

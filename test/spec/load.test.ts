import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { clusterOf, faultsOf, file, THREE } from '../support/spec.ts';

const ONE = 'nodes: [{name: cp1, addresses: [10.0.0.11]}]';

describe('faults of a cluster file', () => {
  test('every fault is reported in one run, each with line, column and path', () => {
    const faults = faultsOf(
      file(`
kubernetesVersion: v1.36
controlPlaneEndpoint: api.example.com
netwroking: {}
nodes:
  - name: cp1
    addresses: [10.0.0.11]
  - name: CP2
    addresses: [10.0.0.999]
  - name: cp3
    adresses: [10.0.0.13]
apiServer:
  bindPort: 70000
  certSANs: [a..b]`),
    );
    expect(faults).toEqual([
      expect.stringMatching(/^cluster\.yaml:4:22: spec\.kubernetesVersion: .*1\.36/),
      'cluster.yaml:6:3: spec.netwroking: unknown field; did you mean "networking"?',
      'cluster.yaml:10:13: spec.nodes[1].name: "CP2" is not a node name (lower-case letters, digits, "-" and "."); write "cp2"',
      'cluster.yaml:11:19: spec.nodes[1].addresses[0]: "10.0.0.999" is not an IP address',
      'cluster.yaml:12:7: spec.nodes[2]: "addresses" is missing',
      'cluster.yaml:13:7: spec.nodes[2].adresses: unknown field; did you mean "addresses"?',
      'cluster.yaml:15:15: spec.apiServer.bindPort: 70000 is not <= 65535',
      'cluster.yaml:16:16: spec.apiServer.certSANs[0]: "a..b" is neither an IP address nor a DNS name',
    ]);
  });

  test.each([
    [
      'two nodes of one name',
      `${THREE}\n  - {name: cp1, addresses: [10.0.0.14]}\n  - {name: cp5, addresses: [10.0.0.15]}`,
      'cluster.yaml:9:14: spec.nodes[3].name: "cp1" is the node name of spec.nodes[0] already',
    ],
    [
      'two nodes with one address',
      `${THREE.replace('10.0.0.13', '10.0.0.11')}`,
      'spec.nodes[2].addresses[0]: "10.0.0.11" is the address of spec.nodes[0].addresses[0] already',
    ],
    [
      'the same IPv6 address in two spellings',
      THREE.replace('10.0.0.11', '10.0.0.11, fd00::1').replace('10.0.0.12', '10.0.0.12, "fd00:0::1"'),
      '"fd00:0::1" is the address of spec.nodes[0].addresses[1] already',
    ],
    [
      'overlapping subnets',
      `${ONE}\nnetworking: {serviceSubnet: 10.96.0.0/12, podSubnet: 10.96.0.0/16}`,
      'cluster.yaml:5:56: spec.networking.podSubnet: 10.96.0.0/16 overlaps the service subnet 10.96.0.0/12',
    ],
    [
      'a node inside the service subnet (a warning)',
      `${ONE}\nnetworking: {serviceSubnet: 10.0.0.0/16}`,
      '"10.0.0.11" lies in the service subnet 10.0.0.0/16',
    ],
    [
      'no endpoint for several nodes',
      THREE.replace(/^.*\n/, ''),
      'spec.controlPlaneEndpoint is missing: with 3 nodes there must be one address for all of them',
    ],
    [
      'an even number of etcd members',
      THREE.replace(/\n.*cp3.*/, ''),
      '2 nodes make 2 etcd members; an even number survives no more failures than 1',
    ],
    [
      'a service subnet that is too small',
      `${ONE}\nnetworking: {serviceSubnet: 10.96.0.0/29}`,
      '10.96.0.0/29 has 8 addresses; services need at least 16; use /28 or larger',
    ],
    [
      'a service subnet that is too large',
      `${ONE}\nnetworking: {serviceSubnet: 10.96.0.0/8}`,
      'is too large: the apiserver takes at most 20 host bits',
    ],
    [
      'certificates that outlive their CA',
      `${ONE}\npki: {caValidity: 8760h, certValidity: 9000h}`,
      'certificates would be valid for 9000h, longer than the 8760h of the CA that signs them',
    ],
    ['a version that does not exist', `${ONE}\nkubernetesVersion: v1.99.0`, '1.33'],
    [
      'a family that no pod network has',
      `${ONE}\nnetworking: {serviceSubnet: "10.96.0.0/16,fd00::/112", podSubnet: 10.244.0.0/16}`,
      'has no IPv6 network',
    ],
    [
      'an IPv6 service subnet for IPv4 nodes',
      `${ONE}\nnetworking: {serviceSubnet: "fd00::/112"}`,
      "but the nodes' first addresses are IPv4",
    ],
    ['a loopback address', 'nodes: [{name: cp1, addresses: [127.0.0.1]}]', '"127.0.0.1" is a loopback address'],
    [
      'two addresses of one family',
      'nodes: [{name: cp1, addresses: [10.0.0.1, 10.0.0.2]}]',
      'is a second IPv4 address',
    ],
    [
      'an unknown profile',
      `profiles: [haa]\n${ONE}`,
      'cluster.yaml:4:14: spec.profiles[0]: there is no profile "haa"; did you mean "ha"?',
    ],
    [
      'a profile that asks for more nodes',
      `profiles: [ha]\ncontrolPlaneEndpoint: api.example.com\n${ONE}`,
      'has 1 node, not at least 3, as profile "ha" requires',
    ],
    [
      'local and external etcd at once',
      `${ONE}\netcd: {local: {dataDir: /data}, external: {endpoints: ["http://10.1.0.1:2379"]}}`,
      'stands beside spec.etcd.external',
    ],
    [
      'a field of kubeadm that has another place',
      `${ONE}\nencryptionAlgorithm: RSA-2048`,
      'unknown field; it belongs at spec.pki.algorithm',
    ],
    [
      'a field at the wrong place',
      `${ONE}\npodSubnet: 10.244.0.0/16`,
      'unknown field; it belongs at spec.networking.podSubnet',
    ],
    ['extraArgs as a list', `${ONE}\napiServer: {extraArgs: [{name: v, value: "4"}]}`, 'must be a map, not a list'],
    [
      'a number where a text is wanted',
      `${ONE}\netcd: {local: {imageTag: 3.5}}`,
      'must be a text, not 3.5; write it in quotes: "3.5"',
    ],
    [
      'a file with content and source',
      `${ONE}\nfiles: [{path: /etc/a, content: x, source: y}]`,
      'holds both "content" and "source"',
    ],
    [
      'a source that is not there',
      `${ONE}\nfiles: [{path: /etc/a, source: no-such-file}]`,
      'no-such-file: cannot be read: no such file or directory',
    ],
    [
      'a patch for a node that does not exist',
      `${ONE}\npatches: [{target: etcd, patch: {}, nodes: [cp2]}]`,
      'there is no node "cp2"; did you mean "cp1"?',
    ],
    ['a relative path', `${ONE}\nfiles: [{path: etc/a, content: x}]`, '"etc/a" is not an absolute path'],
  ])('%s is caught and placed', (_, spec, message) => {
    const faults = faultsOf(file(spec));
    expect(faults.join('\n')).toContain(message);
    expect(faults.filter((f) => !/^(warning: )?cluster\.yaml:\d+:\d+: /.test(f))).toEqual([]);
  });

  test('a fault of a --set option names the option, and one of a profile the profile', () => {
    expect(faultsOf(file(ONE), { sets: ['spec.networking.podSubnet=10.0.0.0'] })).toEqual([
      '--set spec.networking.podSubnet=10.0.0.0: spec.networking.podSubnet: "10.0.0.0" is not an IP network such as 10.96.0.0/12',
    ]);
    expect(faultsOf(file(ONE), { profiles: ['hb'] }).join()).toContain('--profile hb: there is no profile "hb"');
  });
});

describe('input that is no cluster file', () => {
  const bomb = `a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n${Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(', ')}]`).join('\n')}\n`;
  test.each([
    ['empty', '', 'cluster.yaml:1:1: is empty'],
    ['only comments', '# nothing\n', 'cluster.yaml:1:1: is empty'],
    ['a list', '- a\n', 'must be a map'],
    ['broken YAML', 'spec: {nodes: [\n', 'not valid YAML'],
    ['a tab as indentation', 'spec:\n\tnodes: []\n', 'cluster.yaml:2:1'],
    ['the same key twice', 'kind: Cluster\nkind: Cluster\n', 'cluster.yaml:2:1: this key stands twice'],
    ['a bomb of anchors', bomb, 'once its aliases are resolved'],
    ['an alias of itself', 'a: &a [*a]\n', 'nested more than'],
    ['deep nesting', `spec: ${'['.repeat(20000)}`, 'cluster.yaml:'],
    ['two documents', `${file(ONE)}---\nkind: Cluster\n`, 'a second document begins here'],
    ['another kind', 'apiVersion: v1\nkind: Pod\nspec: {}\n', 'must be "Cluster", not "Pod"'],
  ])('%s gives a clear error', (_, text, message) => {
    const faults = faultsOf(text);
    expect(faults.join('\n')).toContain(message);
    expect(faults.join('\n')).not.toMatch(/ at .*\.ts:/);
  });
});

describe('a good cluster file', () => {
  test('is filled with defaults that say their rule', () => {
    const cluster = clusterOf(file(ONE));
    expect(cluster.networking).toEqual({
      serviceSubnets: ['10.96.0.0/12'],
      podSubnets: [],
      dnsDomain: 'cluster.local',
    });
    expect(cluster.pki).toEqual({
      algorithm: 'ECDSA-P256',
      serviceAccountAlgorithm: 'RSA-2048',
      caValidityHours: 87600,
      certValidityHours: 8760,
    });
    expect(cluster.nodes[0]?.taints).toEqual([{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }]);
  });

  test('keeps the text of numbers in flags as it was written', () => {
    const { nodes } = clusterOf(
      file(
        `${ONE}\napiServer: {extraArgs: {a: 1.10, b: 0x1F, c: 30, d: true, e: null, f: [1, two], g: 9007199254740993}}`,
      ),
    );
    expect(nodes[0]?.apiServer.extraArgs.map(({ name, values }) => [name, values])).toEqual([
      ['a', ['1.10']],
      ['b', ['0x1F']],
      ['c', ['30']],
      ['d', ['true']],
      ['e', null],
      ['f', ['1', 'two']],
      ['g', ['9007199254740993']],
    ]);
  });

  test('a node’s own block is merged over the cluster-wide one, and knows its line', () => {
    const { nodes } = clusterOf(
      file(`
apiServer: {extraArgs: {v: 2, profiling: false}}
controlPlaneEndpoint: api.example.com
nodes:
  - name: cp1
    addresses: [10.0.0.11]
    apiServer: {extraArgs: {v: 4}}
  - {name: cp2, addresses: [10.0.0.12]}
  - {name: cp3, addresses: [10.0.0.13]}`),
    );
    const v = (i: number) => nodes[i]?.apiServer.extraArgs.find((arg) => arg.name === 'v');
    expect(v(0)).toEqual({
      name: 'v',
      values: ['4'],
      at: {
        path: 'spec.nodes[0].apiServer.extraArgs.v',
        origin: { kind: 'file', place: { file: 'cluster.yaml', line: 9, column: 34 } },
      },
    });
    expect(v(1)?.values).toEqual(['2']);
    expect(nodes[0]?.apiServer.extraArgs.map((arg) => arg.name)).toEqual(['v', 'profiling']);
  });

  test('a field without a value is the same as no field, and takes a profile’s value away', () => {
    expect(clusterOf(file(`${ONE}\nnetworking:\ncontrollerManager: ~`)).networking.dnsDomain).toBe('cluster.local');
    const small = clusterOf(file(`profiles: [single, small]\n${ONE}\nscheduler: ~`));
    expect(small.nodes[0]?.scheduler.resources).toBeUndefined();
    expect(small.nodes[0]?.controllerManager.resources).toBeDefined();
  });

  test('--set takes YAML, lists, quoted keys and text', () => {
    const { nodes, networking } = clusterOf(file(ONE), {
      sets: [
        'spec.nodes[0].labels["example.com/zone"]=a',
        'spec.networking={dnsDomain: corp.example}',
        'spec.apiServer.extraArgs.goaway-chance=0.0010',
      ],
    });
    expect(nodes[0]?.labels).toEqual({ 'example.com/zone': 'a' });
    expect(networking.dnsDomain).toBe('corp.example');
    expect(nodes[0]?.apiServer.extraArgs[0]?.values).toEqual(['0.0010']);
  });

  test('anchors and merge keys can be used', () => {
    const { nodes } = clusterOf(
      file(
        `x: &x\n${ONE}`.replace(
          'x: &x\n',
          'apiServer: &c {extraArgs: {v: 3}}\ncontrollerManager: *c\nscheduler: {<<: *c}\n',
        ),
      ),
    );
    expect(nodes[0]?.scheduler.extraArgs[0]?.values).toEqual(['3']);
  });
});

describe('what a tester found', () => {
  test('a broken part does not hide what is wrong elsewhere', () => {
    const text = file(
      `${THREE}\napiServer: {bindPort: x}\nfiles: [{path: /etc/a, mode: "9"}, {path: /etc/b, source: no-such-file}]`,
    );
    expect(faultsOf(text).length).toBe(4);
  });

  test('a profile can extend the built-in one of its own name', () => {
    const dir = mkdtempSync(join(tmpdir(), 'bootstrap-profiles-'));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    const own = (name: string, text: string) =>
      writeFileSync(join(dir, `${name}.yaml`), `apiVersion: bootstrap/v1alpha1\nkind: Profile\n${text}\n`);
    own('small', 'extends: [small]\nspec: {imageRepository: registry.lab.example}');
    own('a', 'extends: [b]\nspec: {}');
    own('b', 'extends: [a]\nspec: {}');
    const profileFolders = [
      { path: dir, shown: 'mine' },
      { path: new URL('../../profiles', import.meta.url).pathname, shown: 'profiles' },
    ];
    const cluster = clusterOf(file(ONE), { profiles: ['small'], profileFolders });
    expect([cluster.imageRepository, cluster.nodes[0]?.scheduler.resources]).toEqual([
      'registry.lab.example',
      { requests: { cpu: '25m', memory: '32Mi' } },
    ]);
    expect(faultsOf(file(ONE), { profiles: ['a'], profileFolders }).join()).toContain(
      'extend each other in a circle: a → b → a',
    );
  });

  test.each([
    ['the name of a prototype', `${ONE}\n__proto__: {}`, 'spec.__proto__: unknown field; known here: profiles'],
    [
      'a version that YAML reads as a number',
      `${ONE}\nkubernetesVersion: 1.36`,
      '"1.36" is not a full version: the patch number is missing; write v1.36.4',
    ],
    ['an endpoint that nobody can reach', `${ONE}\ncontrolPlaneEndpoint: 0.0.0.0:6443`, 'is the wildcard address'],
    [
      'a service subnet of loopback addresses',
      `${ONE}\nnetworking: {serviceSubnet: 127.0.0.0/16}`,
      'begins with a loopback address',
    ],
    ['the root as a CA directory', `${ONE}\nhostCACertDirs: [/]`, '/ is not a directory of CA certificates'],
    [
      'one node without the second family',
      `${THREE.replace('10.0.0.11', '10.0.0.11, fd00::11').replace('10.0.0.12', '10.0.0.12, fd00::12')}\nnetworking: {serviceSubnet: "10.96.0.0/16,fd00:96::/112"}`,
      'warning: cluster.yaml:8:30: spec.nodes[2].addresses: has no IPv6 address',
    ],
  ])('%s is told', (_, spec, message) => {
    expect(faultsOf(file(spec)).join('\n')).toContain(message);
  });
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { kubeadmScript } from './kubeadm.ts';
import { printTimings, runOnce, type Subject, timeInTurns } from './measure.ts';
import { serveBench } from './serve.ts';
import { userDataSizes } from './user-data.ts';

/**
 * `npm run bench`: every figure is a ratio to something measured in the same run, in turns. ROUNDS (default 9) says how
 * often; KUBEADM names a kubeadm binary to compare with (it needs root, for its chroot).
 */

const root = fileURLToPath(new URL('../..', import.meta.url));
const bootstrap = join(root, 'dist/bootstrap.cjs');
const scratch = mkdtempSync(join(tmpdir(), 'bootstrap-bench-'));
const rounds = Number(process.env['ROUNDS'] ?? 9);
const { execPath: node } = process;
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

const dir = (name: string): string => {
  const path = join(scratch, name);
  mkdirSync(path, { recursive: true });
  return path;
};

function clusterFile(nodes: number, algorithm: string): string {
  const external = nodes > 7;
  const list = Array.from(
    { length: nodes },
    (_, i) => `    - {name: cp${i + 1}, addresses: [10.0.${Math.floor(i / 200)}.${(i % 200) + 11}]}`,
  );
  return [
    'apiVersion: bootstrap/v1alpha1',
    'kind: Cluster',
    'spec:',
    `  profiles: [${external ? 'ha-external-etcd' : 'ha'}]`,
    '  kubernetesVersion: v1.36.2',
    '  controlPlaneEndpoint: api.example.com',
    `  pki: {algorithm: ${algorithm}, serviceAccountAlgorithm: ${algorithm}}`,
    ...(external
      ? [
          '  etcd: {external: {endpoints: [https://10.9.0.1:2379], caFile: /etc/etcd/ca.crt, certFile: /etc/etcd/c.crt, keyFile: /etc/etcd/c.key}}',
        ]
      : []),
    '  nodes:',
    ...list,
    '',
  ].join('\n');
}

/** `init` into an empty directory that holds nothing but the cluster file. */
function initSubject(name: string, nodes: number, algorithm: string): Subject {
  const cwd = dir(`init-${nodes}-${algorithm}`);
  const prepare = () => {
    rmSync(cwd, { recursive: true, force: true });
    mkdirSync(cwd, { recursive: true });
    writeFileSync(join(cwd, 'cluster.yaml'), clusterFile(nodes, algorithm));
  };
  return { name, command: [node, bootstrap, '--quiet', 'init'], cwd, prepare };
}

function startup(): void {
  const empty = join(dirname(dir('empty/x')), 'empty.mjs');
  writeFileSync(empty, '');
  const init = initSubject('', 3, 'ECDSA-P256');
  runOnce(init);
  const { cwd = '' } = init;
  const fresh = () => rmSync(join(cwd, 'nodes'), { recursive: true, force: true });
  const subjects: readonly Subject[] = [
    { name: 'bare node', command: [node, empty] },
    { name: 'bootstrap --help', command: [node, bootstrap, '--help'] },
    { name: 'render, three masters, nothing to change', command: [node, bootstrap, 'render'], cwd },
    { name: 'render, three masters, into an empty nodes/', command: [node, bootstrap, 'render'], cwd, prepare: fresh },
  ];
  printTimings('Start and render (× bare Node)', timeInTurns(subjects, rounds * 2), {
    'bootstrap --help': 1.2,
    'render, three masters, nothing to change': 3,
    'render, three masters, into an empty nodes/': 3,
  });
}

/** As many keys as `init` makes for three masters (3 CAs, 35 leaves, the service-account key), and nothing else. */
function keyFloor(type: 'rsa' | 'ec'): Subject {
  const options = type === 'rsa' ? '{modulusLength:2048}' : "{namedCurve:'P-256'}";
  const code = `import{generateKeyPair as g}from'node:crypto';import{promisify}from'node:util';await Promise.all(Array.from({length:39},()=>promisify(g)('${type}',${options})))`;
  return {
    name: `39 ${type === 'rsa' ? 'RSA-2048' : 'ECDSA P-256'} keys, nothing else`,
    command: [node, '--input-type=module', '-e', code],
  };
}

function initAgainstFloor(): void {
  // the search for primes takes a random time, so this needs more rounds than the others to say anything
  printTimings(
    'init of three masters, RSA-2048 (× the same number of keys)',
    timeInTurns([keyFloor('rsa'), initSubject('init RSA-2048', 3, 'RSA-2048')], rounds * 2),
    { 'init RSA-2048': 1.1 },
  );
  printTimings(
    'init of three masters, ECDSA (× the same number of keys)',
    timeInTurns([keyFloor('ec'), initSubject('init ECDSA-P256', 3, 'ECDSA-P256')], rounds),
  );
}

function againstKubeadm(kubeadm: string): void {
  for (const [algorithm, goal] of [
    ['ECDSA-P256', 0.5],
    ['RSA-2048', undefined],
  ] as const) {
    const name = `init ${algorithm}`;
    const work = dir(`kubeadm-${algorithm}`);
    const script = kubeadmScript(kubeadm, work, algorithm);
    const subjects: readonly Subject[] = [
      { name: `kubeadm ${algorithm}, twelve invocations`, command: ['sh', script.run], prepare: script.prepare },
      initSubject(name, 3, algorithm),
    ];
    printTimings(
      `Three masters, ${algorithm} (× kubeadm)`,
      timeInTurns(subjects, rounds),
      goal === undefined ? {} : { [name]: goal },
    );
  }
}

function growth(): void {
  console.log('\nGrowth with the number of nodes (external etcd, ECDSA; one run each)');
  for (const nodes of [3, 30, 300]) {
    const init = initSubject('', nodes, 'ECDSA-P256');
    const first = runOnce(init, true);
    const render = runOnce(
      { ...init, command: [node, bootstrap, '--quiet', 'render'], prepare: () => undefined },
      true,
    );
    const show = (s: { ms: number; mib: number }) =>
      `${s.ms.toFixed(0).padStart(6)} ms ${(s.ms / nodes).toFixed(1).padStart(6)} ms/node ${s.mib.toFixed(0).padStart(4)} MiB`;
    console.log(
      `  ${String(nodes).padStart(3)} nodes   init ${show(first)}   render ${show(render)}${Math.max(first.mib, render.mib) > 200 ? '   MISSED: more than 200 MiB' : ''}`,
    );
  }
}

console.log(`Node ${process.version}, ${rounds} rounds`);
startup();
initAgainstFloor();
const { KUBEADM } = process.env;
if (KUBEADM) againstKubeadm(KUBEADM);
else console.log('\nkubeadm: not measured; set KUBEADM to a kubeadm binary to compare with it');
growth();
await userDataSizes();
await serveBench();

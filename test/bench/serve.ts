import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { podsPath } from '../../src/deliver/serve/answer.ts';
import { publishServed } from '../../src/deliver/serve/publish.ts';
import { listFile } from '../../src/deliver/serve/served-index.ts';
import { loopbackPair, tokenOf, wantedFor } from '../deliver/serve/fixtures.ts';

/**
 * `bootstrap serve` on one core beside nginx on the same core, with the same client on another one; and as many
 * connections as NODES kubelets (default 20,000) hold that ask every 20 seconds.
 */

const root = fileURLToPath(new URL('../..', import.meta.url));
const bootstrap = join(root, 'dist/bootstrap.cjs');
const WISHED = Number(process.env['NODES'] ?? 20_000);
/** Each is a file that the server has open. */
const FILES = Number(execFileSync('bash', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }));
const NODES = Number.isNaN(FILES) ? WISHED : Math.min(WISHED, FILES - 200);
const POLL_SECONDS = 20;
const SERVER_CORE = '0';
const CLIENT_CORE = '1';
const PORTS = { serve: 18443, nginx: 18444 };

const OPEN = 'ulimit -Sn hard; exec "$@"';

interface Running {
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

/** On one core, with as many files open as may be. */
async function start(core: string, argv: readonly string[], port: number): Promise<Running> {
  const child = spawn('bash', ['-c', OPEN, 'bash', 'taskset', '-c', core, ...argv], { stdio: 'ignore' });
  const ended = once(child, 'close');
  for (let tries = 0; ; tries++) {
    const { status } = spawnSync('bash', ['-c', `exec 3<>/dev/tcp/127.0.0.1/${port}`]);
    if (status === 0) break;
    if (tries > 100 || child.exitCode !== null) throw new Error(`${argv[0]} does not come up`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    process: child,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

const serving = (dir: string, ...words: readonly string[]) =>
  start(
    SERVER_CORE,
    [
      process.execPath,
      bootstrap,
      'serve',
      '--from',
      dir,
      '--listen',
      `127.0.0.1:${PORTS.serve}`,
      '--metrics',
      'off',
      ...words,
    ],
    PORTS.serve,
  );

function nginxConfig(dir: string, work: string): string {
  return `daemon off; user root; worker_processes 1; pid ${work}/pid; error_log ${work}/error.log crit;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 100000000; keepalive_timeout 75s;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${work}/${name};`).join(' ')}
  server {
    listen 127.0.0.1:${PORTS.nginx} ssl;
    ssl_certificate ${dir}/tls/server.crt; ssl_certificate_key ${dir}/tls/server.key; ssl_protocols TLSv1.2 TLSv1.3;
    location = ${podsPath('cp1')} {
      if ($http_authorization != "Bearer ${tokenOf('cp1')}") { return 401; }
      alias ${dir}/${listFile('cp1')}; default_type application/json;
    }
  }
}
`;
}

/** Requests a second of 64 connections that are kept, and of such that are made anew each time. */
function load(port: number, isKept: boolean): number {
  const headers = ['-H', `Authorization: Bearer ${tokenOf('cp1')}`, ...(isKept ? [] : ['-H', 'Connection: close'])];
  const url = `https://127.0.0.1:${port}${podsPath('cp1')}`;
  const text = execFileSync('taskset', ['-c', CLIENT_CORE, 'wrk', '-t1', '-c64', '-d5s', ...headers, url], {
    encoding: 'utf8',
  });
  if (/Non-2xx/.test(text)) throw new Error(text);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]);
}

async function againstNginx(dir: string, work: string): Promise<void> {
  const config = join(work, 'nginx.conf');
  writeFileSync(config, nginxConfig(dir, work));
  const subjects = [
    {
      name: 'nginx',
      port: PORTS.nginx,
      start: () => start(SERVER_CORE, ['/usr/sbin/nginx', '-c', config, '-p', work], PORTS.nginx),
    },
    { name: 'bootstrap serve', port: PORTS.serve, start: () => serving(dir, '--quiet') },
    { name: 'bootstrap serve, access log', port: PORTS.serve, start: () => serving(dir) },
  ];
  console.log('\nOne core, one list, 64 connections (requests a second, × nginx)');
  for (const isKept of [true, false]) {
    let base = Number.NaN;
    for (const { name, port, start: begin } of subjects) {
      const running = await begin();
      const found = [load(port, isKept), load(port, isKept), load(port, isKept)].sort((a, b) => a - b)[1] ?? 0;
      await running.stop();
      if (name === 'nginx') base = found;
      const how = isKept ? 'kept connections' : 'a handshake each';
      console.log(`  ${how}  ${name.padEnd(28)} ${found.toFixed(0).padStart(6)}/s  ${(found / base).toFixed(2)} ×`);
    }
  }
}

/** Seconds of CPU that a process has used, and MiB that it holds. */
function useOf(pid: number): { readonly cpu: number; readonly mib: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  const mib = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
  return { cpu: (Number(fields[11]) + Number(fields[12])) / 100, mib };
}

async function asManyAs(nodes: number, dir: string): Promise<void> {
  const less = nodes < WISHED ? ` (not ${WISHED}: only ${FILES} files may be open here)` : '';
  console.log(`\n${nodes} kubelets${less} that ask every ${POLL_SECONDS} s, the server on one core, they on another`);
  const server = await serving(dir, '--quiet');
  const pid = server.process.pid ?? 0;
  const client = spawn(
    'bash',
    [
      ...['-c', OPEN, 'bash'],
      'taskset',
      '-c',
      CLIENT_CORE,
      'npx',
      'tsx',
      join(root, 'test/bench/serve-crowd.ts'),
      String(nodes),
      String(PORTS.serve),
      String(POLL_SECONDS),
      join(dir, 'tls/server.crt'),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let text = '';
  let before = useOf(pid);
  client.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
    if (/^connected/m.test(part)) before = useOf(pid);
  });
  const began = useOf(pid);
  const closed = once(client, 'close');
  await closed;
  const after = useOf(pid);
  const told = JSON.parse(text.split('\n').find((line) => line.startsWith('{')) ?? '{}');
  await server.stop();
  const share = ((after.cpu - before.cpu) / told.seconds) * 100;
  console.log(`  handshakes: ${(before.cpu - began.cpu).toFixed(1)} s of CPU, ${told.connectSeconds.toFixed(1)} s`);
  console.log(
    `  ${told.answers} polls in ${told.seconds.toFixed(0)} s (${(told.answers / told.seconds).toFixed(0)}/s), ${told.failed} failed; half within ${told.p50.toFixed(1)} ms, 99 of 100 within ${told.p99.toFixed(1)} ms`,
  );
  console.log(
    `  server: ${share.toFixed(0)} % of one core, ${after.mib.toFixed(0)} MiB${share < 100 && !told.failed ? '' : '   MISSED'}`,
  );
}

export async function serveBench(): Promise<void> {
  const missing = ['wrk', 'taskset'].filter((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0);
  if (!existsSync('/usr/sbin/nginx')) missing.push('nginx');
  if (missing.length) {
    console.log(`\nserve: not measured; install ${missing.join(', ')}`);
    return;
  }
  const work = mkdtempSync(join(tmpdir(), 'bootstrap-bench-serve-'));
  try {
    const [one, many] = [join(work, 'one'), join(work, 'many')];
    const tls = loopbackPair();
    await publishServed(one, wantedFor(['cp1'], tls, { pods: 3 }));
    mkdirSync(join(work, 'nginx'));
    await againstNginx(one, join(work, 'nginx'));
    await publishServed(
      many,
      wantedFor(
        Array.from({ length: NODES }, (_, i) => `n${i}`),
        tls,
        { pods: 3 },
      ),
    );
    await asManyAs(NODES, many);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

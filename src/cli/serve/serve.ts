import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { resolve } from 'node:path';
import { answer, type ServeState } from '../../deliver/serve/answer.ts';
import { keepReading, type Reading } from '../../deliver/serve/keep-reading.ts';
import { type ServeMetrics, serveMetrics } from '../../deliver/serve/metrics.ts';
import { parseIndex } from '../../deliver/serve/served-index.ts';
import { listen, type PodServer, startServer } from '../../deliver/serve/server.ts';
import { loadTls } from '../../deliver/serve/snapshot.ts';
import type { HostPort } from '../../spec/cluster.ts';
import { formatHostPort } from '../../spec/endpoint.ts';
import { type Io, processIo } from '../io.ts';
import { outlivingStreams } from '../streams.ts';
import { accessLog } from './access-log.ts';
import { logWriter } from './log-writer.ts';
import { indexPath, listenAt, metricsAt, type ServeOptions, servedDir, sourceWords } from './options.ts';
import { refusedNotes } from './refused-notes.ts';
import { serveUnit } from './unit.ts';

/** Milliseconds for answers that are under way when the server is told to stop. */
const GRACE = 10_000;

/** `serve`: gives each node its list of static pods, until it is told to stop. */
export async function serve(options: ServeOptions): Promise<number> {
  const io = processIo(options);
  if (options.unit) return printUnit(options, io);
  // a log that nobody can write or read is no reason to leave kubelets without an answer
  return outlivingStreams(() => serveUntilStopped(options, io));
}

async function serveUntilStopped(options: ServeOptions, io: Io): Promise<number> {
  const dir = servedDir(options);
  const metricsPlace = metricsAt(options);
  const index = published(dir);
  const place = listenAt(options, index?.endpoint);
  const warn = (text: string) => io.err(`${io.color.yellow('warning:')} ${text}`);
  const writer = logWriter(1, (why) => warn(`lines of the access log are lost: ${why}`));
  const log = accessLog(options.log, writer.write);
  const refused = refusedNotes(warn);
  const metrics = serveMetrics(new Date());
  let server: PodServer | undefined;
  const reading = keepReading(dir, (state) => {
    tell(io, dir, state);
    if (state.kind === 'whole') server?.use(state.snapshot.tls);
  });
  // until it is told to stop, there is nothing to wait for
  let patience = 0;
  try {
    server = await startServer({
      ...place,
      state: reading.state,
      pollSeconds: index?.pollSeconds ?? 20,
      onServed: (served) => {
        metrics.count(served);
        if (!options.quiet) log.add(served);
      },
      onRefused: (from, why) => {
        metrics.countRefused();
        refused.add(from, why);
      },
    });
    const tls = reading.last()?.tls ?? loadTls(dir);
    if (tls) server.use(tls);
    const closeMetrics = metricsPlace && (await serveMetricsAt(io, metricsPlace, metrics, reading, server));
    io.note(`listening on ${formatHostPort(server.at)}`);
    await untilStopped(reading);
    io.note('stopping; a second signal ends it at once');
    closeMetrics?.();
    patience = GRACE;
  } finally {
    await server?.close(patience);
    reading.stop();
    log.end();
    await writer.end();
  }
  return 0;
}

function published(dir: string): ReturnType<typeof parseIndex> | undefined {
  try {
    return parseIndex(readFileSync(indexPath(dir), 'utf8'));
  } catch {
    return undefined;
  }
}

function tell(io: Io, dir: string, state: ServeState): void {
  if (state.kind === 'doubt') {
    io.err(`${io.color.yellow('warning:')} answering 503: ${dir}: ${state.why}`);
    return;
  }
  const { index, revision, nodes } = state.snapshot;
  const lists = [...nodes.values()].filter(({ list }) => list).length;
  io.note(`serving ${index.cluster}, revision ${revision.slice(0, 12)}: ${lists} of ${nodes.size} nodes get pods`);
}

/** @returns what ends it */
async function serveMetricsAt(
  io: Io,
  place: HostPort,
  metrics: ServeMetrics,
  reading: Reading,
  server: PodServer,
): Promise<() => void> {
  const http = createServer((request, response) => {
    if (request.url === '/metrics') {
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
      response.end(metrics.text(reading, server.connections()));
      return;
    }
    const url = request.url === '/healthz' ? '/healthz' : '/';
    const { status, headers, body } = answer(reading.state(), { method: 'GET', url, authorization: undefined });
    response.writeHead(status, headers).end(body);
  });
  const at = await listen(http, place, '--metrics says where else, or off');
  io.note(`metrics on http://${formatHostPort(at)}/metrics`);
  return () => {
    http.close();
    http.closeAllConnections();
  };
}

/** SIGHUP looks at once. */
function untilStopped({ look }: Reading): Promise<void> {
  return new Promise((stopped) => {
    process.on('SIGHUP', look);
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(1));
        stopped();
      });
    }
  });
}

function printUnit(options: ServeOptions, io: Io): number {
  const dir = servedDir(options);
  const at = listenAt(options, published(dir)?.endpoint);
  metricsAt(options);
  const words = [
    'serve',
    ...sourceWords(options),
    ...(options.listen === undefined ? [] : ['--listen', options.listen]),
    ...['--metrics', options.metrics],
    ...(options.log === 'text' ? [] : ['--log', options.log]),
    ...(options.quiet ? ['--quiet'] : []),
  ];
  const argv = [process.execPath, resolve(process.argv[1] ?? ''), ...words] as const;
  const unit = serveUnit({
    argv,
    dir,
    clusterDir: options.from === undefined ? resolve(options.dir ?? '.') : undefined,
    owner: statSync(dir),
    isPrivileged: at.port > 0 && at.port < 1024,
  });
  io.out(unit.trimEnd());
  io.note('put this into /etc/systemd/system/bootstrap-serve.service, then: `systemctl daemon-reload`,');
  io.note('`systemctl enable --now bootstrap-serve`');
  return 0;
}

import { readFileSync } from 'node:fs';
import { connect, type TLSSocket } from 'node:tls';
import { podsPath } from '../../src/deliver/serve/answer.ts';
import { tokenOf } from '../deliver/serve/fixtures.ts';

/**
 * `serve-crowd NODES PORT POLL_SECONDS CA`: as many connections as there are nodes, each asking once in a poll's time, for
 * two of them after all are there. Prints `connected`, then what it has seen as JSON.
 */
const [nodes = 0, port = 0, pollSeconds = 20] = process.argv.slice(2, 5).map(Number);
const ca = readFileSync(process.argv[5] ?? '');
const began = performance.now();
const times: number[] = [];
let failed = 0;

function open(): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca }, () => resolve(socket));
    socket.once('error', reject);
    socket.setMaxListeners(0);
  });
}

/** One poll; the whole answer has the length that its header says. */
function poll(node: string, socket: TLSSocket): Promise<void> {
  const start = performance.now();
  return new Promise((resolve) => {
    if (socket.destroyed) {
      failed += 1;
      resolve();
      return;
    }
    let text = '';
    const end = (isGood: boolean) => {
      socket.off('data', read);
      socket.off('close', lost);
      if (isGood) times.push(performance.now() - start);
      else failed += 1;
      resolve();
    };
    const lost = () => end(false);
    const read = (part: Buffer) => {
      text += part.toString('latin1');
      const head = text.indexOf('\r\n\r\n');
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? Number.NaN);
      if (head < 0 || text.length < head + 4 + length) return;
      end(text.startsWith('HTTP/1.1 200 ') && text.includes(`"${node}-2"`));
    };
    socket.on('data', read);
    socket.on('close', lost);
    socket.write(`GET ${podsPath(node)} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${tokenOf(node)}\r\n\r\n`);
  });
}

/** Each goes on asking at its own times, as it began. */
const waiting = Array.from({ length: nodes }, (_, i) => `n${i}`);
const timers: NodeJS.Timeout[] = [];
await Promise.all(
  Array.from({ length: 32 }, async () => {
    for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
      const [name, socket] = [node, await open()];
      await poll(name, socket);
      timers.push(setInterval(() => poll(name, socket), pollSeconds * 1000));
    }
  }),
);
const connectSeconds = (performance.now() - began) / 1000;
process.stdout.write('connected\n');
const start = performance.now();
times.length = 0;
failed = 0;
await new Promise((resolve) => setTimeout(resolve, 2 * pollSeconds * 1000));
const seconds = (performance.now() - start) / 1000;
for (const timer of timers) clearInterval(timer);
times.sort((a, b) => a - b);
const at = (share: number) => times[Math.floor(times.length * share)] ?? Number.NaN;
process.stdout.write(
  `${JSON.stringify({ connectSeconds, seconds, answers: times.length, failed, p50: at(0.5), p99: at(0.99) })}\n`,
);
process.exit(0);

import { Agent, get } from 'node:https';
import { connect, createServer } from 'node:net';

/**
 * The load balancer: TCP on 127.0.0.1:PORT over the apiservers that answer /readyz, asked every 100 ms, one after the
 * other (haproxy: `mode tcp`, `option httpchk GET /readyz`). `balancer PORT BACKEND-PORT…`, ends with stdin.
 */

const [port = 0, ...backends] = process.argv.slice(2).map(Number);
const ready = new Set<number>();
const agent = new Agent({ keepAlive: true });
let turn = 0;

function check(backend: number): void {
  const options = {
    host: '127.0.0.1',
    port: backend,
    path: '/readyz',
    rejectUnauthorized: false,
    agent,
    timeout: 1000,
  };
  const again = () => setTimeout(() => check(backend), 100);
  const down = () => {
    ready.delete(backend);
    again();
  };
  const request = get(options, (answer) => {
    answer.resume();
    answer.on('end', () => {
      if (answer.statusCode === 200) ready.add(backend);
      else ready.delete(backend);
      again();
    });
  });
  request.on('timeout', () => request.destroy());
  request.on('error', down);
}
for (const backend of backends) check(backend);

createServer((client) => {
  const choices = backends.filter((backend) => ready.has(backend));
  turn += 1;
  const backend = choices[turn % Math.max(choices.length, 1)];
  if (backend === undefined) {
    client.destroy();
    return;
  }
  const server = connect(backend, '127.0.0.1');
  client.pipe(server).pipe(client);
  for (const [one, other] of [[client, server] as const, [server, client] as const]) {
    one.setNoDelay(true);
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
  }
}).listen(port, '127.0.0.1');

process.stdin.on('end', () => process.exit());
process.stdin.resume();

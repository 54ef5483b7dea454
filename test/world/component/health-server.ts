import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type Json, textAt } from '../json.ts';
import { type Flags, fatal, flag } from './flags.ts';

/**
 * Controller-manager and scheduler: /healthz, /livez and /readyz over a certificate that they have signed themselves. A
 * kubeconfig whose files cannot be read ends them. They do not ask the API for anything, nor for who leads.
 */
export function healthServer(flags: Flags, standardPort: number, shared: string): void {
  checkKubeconfig(flag(flags, 'kubeconfig'));
  const server = createServer(
    { cert: readFileSync(join(shared, 'self-signed.crt')), key: readFileSync(join(shared, 'self-signed.key')) },
    (request, response) => {
      const healthy = /^\/(healthz|livez|readyz)(\?|$)/.test(request.url ?? '');
      response.writeHead(healthy ? 200 : 403).end(healthy ? 'ok' : 'Forbidden');
    },
  );
  server.on('error', (error) => fatal(`failed to create listener: ${error.message}`));
  server.listen(Number(flag(flags, 'secure-port', String(standardPort))), flag(flags, 'bind-address', '0.0.0.0'));
  process.on('SIGTERM', () => process.exit());
}

function checkKubeconfig(path: string): void {
  const root = process.env['BOOTSTRAP_NODE_ROOT'] ?? '';
  try {
    const config = parse(readFileSync(path, 'utf8')) as Json;
    for (const field of ['client-certificate', 'client-key']) {
      readFileSync(join(root, textAt(config, 'users', 0, 'user', field)));
    }
  } catch (error) {
    fatal(`invalid configuration: ${String(error)}`);
  }
}

import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { type Flags, fatal, flag } from './flags.ts';

/** Controller-manager and scheduler: /healthz, /livez and /readyz over a certificate that they have signed themselves. */
export function healthServer(flags: Flags, standardPort: number, shared: string): void {
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

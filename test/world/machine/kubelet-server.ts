import { readFileSync } from 'node:fs';
import { createServer as createPlainServer } from 'node:http';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { authoritiesIn, clientCertificate } from '../authorities.ts';
import { at, type Json, textAt } from '../json.ts';
import { onChange } from '../watched.ts';
import { type MachineSettings, onNode } from './settings.ts';

/** What the kubelet listens with. @returns ends it */
export function serveKubelet(settings: MachineSettings, config: Json, log: (line: string) => void): () => void {
  const ends = [serveApi(settings, config, log), serveHealth(config, log)];
  return () => {
    for (const end of ends) end();
  };
}

/** `healthzPort`, 0 = none; one that is taken already is no reason to end (pkg/kubelet/kubelet.go: "Failed to start healthz server"). */
function serveHealth(config: Json, log: (line: string) => void): () => void {
  const port = Number(at(config, 'healthzPort') ?? 10248);
  if (!port) return () => undefined;
  const server = createPlainServer((_, response) => response.end('ok'));
  server.on('error', (error) => log(`Failed to start healthz server err="${error.message}"`));
  server.listen(port, textAt(config, 'healthzBindAddress') || '127.0.0.1');
  return () => {
    server.close();
    server.closeAllConnections();
  };
}

/**
 * `port`: /healthz for who has a client certificate of a CA in clientCAFile, which is read again when it changes, as
 * tlsCertFile is where there is one; else it shows a certificate that it has signed itself.
 */
function serveApi(settings: MachineSettings, config: Json, log: (line: string) => void): () => void {
  const path = (name: string, own: string) => {
    const given = textAt(config, name);
    return given ? onNode(settings, given) : join(settings.shared, own);
  };
  const files = [path('tlsCertFile', 'self-signed.crt'), path('tlsPrivateKeyFile', 'self-signed.key')] as const;
  const pair = () => ({ cert: readFileSync(files[0]), key: readFileSync(files[1]) });
  const authorityFile = textAt(config, 'authentication', 'x509', 'clientCAFile');
  const authorities = authorityFile ? authoritiesIn(onNode(settings, authorityFile), log) : undefined;
  const server = createServer({ ...pair(), requestCert: true, rejectUnauthorized: false }, (request, response) => {
    const certificate = clientCertificate(request);
    const isKnown = certificate !== undefined && authorities?.vouchesFor(certificate) === true;
    if (!isKnown) response.writeHead(401).end('Unauthorized');
    else if (/^\/healthz(\?|$)/.test(request.url ?? '')) response.end('ok');
    else response.writeHead(404).end();
  });
  const stopWatching = onChange(files, () => {
    try {
      server.setSecureContext(pair());
    } catch (error) {
      log(`Failed to load the serving pair err="${String(error)}"`);
    }
  });
  server.on('error', (error) => log(`Failed to listen and serve err="${error.message}"`));
  server.listen(Number(at(config, 'port') ?? 10250), '127.0.0.1');
  return () => {
    stopWatching();
    authorities?.stop();
    server.close();
    server.closeAllConnections();
  };
}

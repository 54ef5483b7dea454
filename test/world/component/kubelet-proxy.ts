import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { at, type Json } from '../json.ts';
import { changes } from '../watched.ts';
import type { EtcdClient } from './etcd-client.ts';
import { type Flags, flag, minor } from './flags.ts';
import { type Answer, failure } from './objects.ts';

const TIMEOUT_MS = 5000;

/**
 * `/api/v1/nodes/NAME/proxy/…`: the node's kubelet is asked, over a connection of its own with --kubelet-client-certificate
 * as it is on the disk. Its certificate is looked at where --kubelet-certificate-authority is given; that file is read
 * again from Kubernetes 1.36 on (reference/rotation.md). All nodes of the world are 127.0.0.1.
 */
export function kubeletProxy(flags: Flags, etcd: EtcdClient) {
  const authority = flag(flags, 'kubelet-certificate-authority');
  const read = () => (authority ? readFileSync(authority) : undefined);
  const isNew = changes(authority ? [authority] : []);
  let ca = read();

  return async (name: string, path: string): Promise<Answer | { status: number; text: string }> => {
    const entry = await etcd.get(`/registry/core/nodes/-/${name}`);
    if (!entry) return failure(404, 'NotFound', `nodes "${name}" not found`);
    const port = at(JSON.parse(entry.value) as Json, 'status', 'daemonEndpoints', 'kubeletEndpoint', 'Port');
    if (minor() >= 36 && isNew()) ca = read();
    return new Promise((resolve) => {
      const fail = (error: unknown) =>
        resolve(failure(503, 'ServiceUnavailable', `error trying to reach service: ${String(error)}`));
      try {
        const sent = request(
          {
            host: '127.0.0.1',
            port: Number(port ?? 10250),
            path,
            agent: false,
            cert: readFileSync(flag(flags, 'kubelet-client-certificate')),
            key: readFileSync(flag(flags, 'kubelet-client-key')),
            ...(ca ? { ca } : { rejectUnauthorized: false }),
            timeout: TIMEOUT_MS,
          },
          (answer) => {
            let text = '';
            answer.on('data', (chunk: Buffer) => {
              text += chunk.toString('utf8');
            });
            answer.on('end', () => resolve({ status: answer.statusCode ?? 500, text }));
            answer.on('error', fail);
          },
        );
        sent.on('timeout', () => sent.destroy(new Error('timeout')));
        sent.on('error', fail);
        sent.end();
      } catch (error) {
        fail(error);
      }
    });
  };
}

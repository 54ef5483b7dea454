import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { type JsonMap, listAt, textAt } from '../json.ts';
import type { EtcdClient } from './etcd-client.ts';
import { onChange } from './watched.ts';

export interface User {
  readonly name: string;
  readonly groups: readonly string[];
}

/**
 * Users by their client certificates. The file of CAs is read again when it changes and counts for the next request on an
 * open connection too (reference/rotation.md: --client-ca-file).
 * @returns the user; undefined where the certificate is not to be trusted
 */
export function clientCertificates(caFile: string): (request: IncomingMessage) => User | undefined {
  const read = () =>
    (readFileSync(caFile, 'utf8').match(/-----BEGIN[\s\S]+?-----END[^\n]+/g) ?? []).map(
      (pem) => new X509Certificate(pem),
    );
  let authorities = read();
  onChange([caFile], () => {
    authorities = read();
  });
  return (request) => {
    const { raw } = (request.socket as TLSSocket).getPeerCertificate();
    if (!raw) return { name: 'system:anonymous', groups: ['system:unauthenticated'] };
    const certificate = new X509Certificate(raw);
    const now = Date.now();
    const isValid = Date.parse(certificate.validFrom) <= now && now <= Date.parse(certificate.validTo);
    const issued = authorities.some((ca) => certificate.checkIssued(ca) && certificate.verify(ca.publicKey));
    if (!isValid || !issued) return undefined;
    const subject = certificate.subject.split('\n');
    const values = (field: string) =>
      subject.filter((part) => part.startsWith(`${field}=`)).map((part) => part.slice(field.length + 1));
    return { name: values('CN')[0] ?? '', groups: [...values('O'), 'system:authenticated'] };
  };
}

/**
 * RBAC as far as it goes here: system:masters may everything, so may who is bound to the ClusterRole cluster-admin, and
 * nodes what the stand-in of the kubelet does (plugin/pkg/auth/authorizer/node, plugin/pkg/admission/noderestriction).
 */
export async function mayUse(etcd: EtcdClient, user: User, resource: string): Promise<boolean> {
  if (user.groups.includes('system:masters')) return true;
  if (user.groups.includes('system:nodes') && ['pods', 'nodes'].includes(resource)) return true;
  const bindings = await etcd.list('/registry/rbac.authorization.k8s.io/clusterrolebindings/');
  return bindings
    .map(({ value }) => JSON.parse(value) as JsonMap)
    .filter((binding) => textAt(binding, 'roleRef', 'name') === 'cluster-admin')
    .flatMap((binding) => listAt(binding, 'subjects'))
    .some((subject) => [user.name, ...user.groups].includes(textAt(subject, 'name')));
}

import { join } from 'node:path';
import { readCertificates } from '../../pki/certificate.ts';
import { fingerprintOf } from '../../pki/list/facts.ts';
import type { ListedCertificate } from '../../pki/list/listed.ts';
import { unlessDamaged } from '../../pki/pem-blocks.ts';
import { readStored } from '../../pki/store.ts';
import type { Workspace } from '../workspace.ts';

/**
 * Adds what is wrong with the kubeconfigs of the cluster directory: they embed their certificates, so that one which was
 * not made again goes on holding the old one.
 */
export function withKubeconfigs(row: ListedCertificate, { dir }: Workspace): ListedCertificate {
  if (row.kind !== 'leaf' || row.node !== undefined || !row.facts) return row;
  const name = `${row.name}.conf`;
  const held = embedded(join(dir, name));
  if (held === row.facts.fingerprint) return row;
  const what = held === undefined ? `${name} does not hold it` : `${name} holds another one`;
  return { ...row, problems: [...row.problems, `${what}: \`bootstrap render\` makes that file again`] };
}

/** SHA-256 of the certificate in a kubeconfig; undefined where there is none. */
function embedded(file: string): string | undefined {
  const data = /^\s*client-certificate-data: *"?([A-Za-z0-9+/=]+)"? *$/m.exec(readStored(file)?.text ?? '')?.[1];
  if (data === undefined) return undefined;
  const read = unlessDamaged(
    () => readCertificates(Buffer.from(data, 'base64').toString()),
    () => undefined,
  );
  return read?.[0] && fingerprintOf(read[0]);
}

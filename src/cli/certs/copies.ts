import { join } from 'node:path';
import { CERTIFICATE } from '../../deliver/serve/served-index.ts';
import { readCertificates } from '../../pki/certificate.ts';
import { fingerprintOf } from '../../pki/list/facts.ts';
import type { ListedCertificate } from '../../pki/list/listed.ts';
import { unlessDamaged } from '../../pki/pem-blocks.ts';
import { readStored } from '../../pki/store.ts';
import type { Cluster } from '../../spec/cluster.ts';
import type { Workspace } from '../workspace.ts';

/**
 * Adds what is wrong with the copies of a certificate in the cluster directory: kubeconfigs embed theirs, and the server
 * of static pods has its own. One that was not made again goes on holding the old one.
 */
export function withCopies(row: ListedCertificate, { nodes }: Cluster, { dir }: Workspace): ListedCertificate {
  if (row.kind !== 'leaf' || row.node !== undefined || !row.facts) return row;
  const wrong = row.name === 'serve' ? inServer(row, dir) : nodes.length ? inKubeconfig(row, dir) : undefined;
  return wrong === undefined ? row : { ...row, problems: [...row.problems, wrong] };
}

function inKubeconfig({ name, facts }: ListedCertificate, dir: string): string | undefined {
  const file = `${name}.conf`;
  const text = readStored(join(dir, file))?.text ?? '';
  const data = /^\s*client-certificate-data: *"?([A-Za-z0-9+/=]+)"? *$/m.exec(text)?.[1];
  const held = data === undefined ? undefined : fingerprintIn(Buffer.from(data, 'base64').toString());
  if (held === facts?.fingerprint) return undefined;
  const what = held === undefined ? `${file} does not hold it` : `${file} holds another one`;
  return `${what}: \`bootstrap render\` makes that file again`;
}

/** Before the first `apply` there is none, and nothing is wrong with that. */
function inServer({ facts }: ListedCertificate, dir: string): string | undefined {
  const file = `serve/${CERTIFICATE}`;
  const stored = readStored(join(dir, file));
  if (!stored || fingerprintIn(stored.text) === facts?.fingerprint) return undefined;
  return `${file} holds another one: \`bootstrap apply\` gives this one to the server`;
}

/** SHA-256 of the first certificate; undefined where there is none. */
function fingerprintIn(text: string): string | undefined {
  const read = unlessDamaged(
    () => readCertificates(text),
    () => undefined,
  );
  return read?.[0] && fingerprintOf(read[0]);
}

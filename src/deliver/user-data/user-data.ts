import { type Bundle, bundleDigest } from '../../bundle/bundle.ts';
import type { Cluster, ClusterNode } from '../../spec/cluster.ts';
import { cloudConfig } from './cloud-config.ts';
import { cloudConfigText } from './cloud-config-text.ts';
import { type Encoded, encode, fits } from './encode.ts';
import { firstBootFiles } from './first-boot.ts';
import type { Compress, Format } from './formats.ts';
import { ignitionConfig } from './ignition.ts';
import type { InstallScripts } from './install-script.ts';
import { type Machine, type Sealed, type Secrets, withoutSecrets } from './machine.ts';
import { mergeOwn, type Own } from './merge.ts';
import { packPayload } from './payload.ts';
import { PROVIDERS, type ProviderName } from './providers.ts';
import { seal, sealedName, urlFor } from './seal.ts';
import { tooLarge } from './sizes.ts';
import { tarOf } from './tar.ts';

export interface UserDataWish {
  readonly format: Format;
  readonly provider: ProviderName;
  readonly compress: Compress;
  /** `url`: see `urlFor`. */
  readonly secrets: { readonly kind: 'inline' | 'none' } | { readonly kind: 'fetch'; readonly url: string };
  /** What the user has of their own for all machines. */
  readonly own: Own | undefined;
}

export interface UserData {
  readonly node: string;
  /** What is handed to the cloud. */
  readonly document: Encoded;
  /** What has to be uploaded to where the machine fetches it from. */
  readonly upload: { readonly name: string; readonly url: string; readonly sealed: Sealed } | undefined;
  /** What the machine has to be called; undefined = as its cloud calls it. */
  readonly hostname: string | undefined;
}

/**
 * The user-data of one node: equal input gives equal bytes.
 * @throws BootstrapError where it is more than the provider takes, with what takes how much; or where the user's own
 * part contradicts it
 */
export async function userDataOf(
  cluster: Cluster,
  node: ClusterNode,
  bundle: Bundle,
  wish: UserDataWish,
  scripts: InstallScripts,
): Promise<UserData> {
  const machine = machineOf(cluster, node, bundle);
  const payload = packPayload(wish.secrets.kind === 'none' ? withoutSecrets(bundle) : bundle);
  const { secrets, upload } = secretsOf(wish, node.name, payload.content);
  const files = firstBootFiles(machine, secrets, payload, scripts);
  const provider = PROVIDERS[wish.provider];
  const made = (document: Buffer): Encoded => encode(document, provider, wish.compress, wish.format);
  const ignition = (packed: boolean): Encoded =>
    made(ignitionConfig({ machine, secrets, scripts, payload, compress: wish.compress !== 'none', packed }));
  const documentOf = async (): Promise<Encoded> => {
    switch (wish.format) {
      case 'cloud-config': {
        const ours = cloudConfig(machine.hostname, files);
        if (!wish.own) return made(Buffer.from(cloudConfigText(ours)));
        return made(Buffer.from(mergeOwn(ours, wish.own, new Set(bundle.files.map(({ path }) => path)))));
      }
      case 'ignition': {
        // as the files that they become, unless that is too much
        const document = ignition(false);
        return wish.secrets.kind === 'inline' && !fits(document, provider) ? ignition(true) : document;
      }
      case 'tar':
        return made(await tarOf(machine, secrets));
    }
  };
  const document = await documentOf();
  if (!fits(document, provider)) throw tooLarge({ node: node.name, provider, document, machine, files, wish });
  return { node: node.name, document, upload, hostname: machine.hostname };
}

function machineOf(cluster: Cluster, node: ClusterNode, bundle: Bundle): Machine {
  const isTold = node.kubelet.extraArgs.some(({ name, values }) => name === 'hostname-override' && values !== null);
  return {
    bundle,
    digest: bundleDigest(bundle),
    hostname: isTold ? undefined : (node.hostname ?? node.name),
    etcdDataDir: node.role === 'master' && cluster.etcd.kind === 'local' ? node.etcd.dataDir : undefined,
  };
}

function secretsOf(
  { secrets }: UserDataWish,
  node: string,
  payload: Buffer,
): { readonly secrets: Secrets; readonly upload: UserData['upload'] } {
  if (secrets.kind !== 'fetch') return { secrets: { kind: secrets.kind }, upload: undefined };
  const sealed = seal(payload);
  const name = sealedName(node, sealed);
  const url = urlFor(secrets.url, node, name);
  return { secrets: { kind: 'fetch', url, sealed }, upload: { name, url, sealed } };
}

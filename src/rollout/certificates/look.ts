import { type Certificate, readCertificate, readCertificates } from '../../pki/certificate.ts';
import { PemError } from '../../pki/pem-blocks.ts';
import { isWildcard, parseEtcdUrl } from '../../render/args.ts';
import { flagUses, lastUse } from '../../render/flag-use.ts';
import { MANIFESTS, POD_COMPONENTS } from '../../render/layout.ts';
import { containerOf, listAt } from '../../render/overlay.ts';
import type { Master } from '../apply/master.ts';
import { bare } from '../bare.ts';
import { readManifest } from '../plan/read-manifest.ts';
import type { Endpoint } from '../probe/endpoints.ts';
import { type LeafOptions, servedCertificate } from '../probe/leaf.ts';
import { ProbeError } from '../probe/probe-error.ts';
import type { Sight } from '../sight.ts';
import { factsRequest } from '../survey.ts';

/** What serves TLS on a node. */
export type Server = 'kube-apiserver' | 'etcd' | 'etcd-peer' | 'kubelet' | 'kube-controller-manager' | 'kube-scheduler';

export interface SeenServer {
  readonly server: Server;
  readonly port: number;
  /** Or why none was seen, in words. */
  readonly certificate: Certificate | string;
}

/** What was found on one node; nothing of it is secret. */
export interface SeenNode {
  readonly node: string;
  /** Files with certificates by path; a string says why one cannot be read. Those that are not there are left out. */
  readonly files: ReadonlyMap<string, readonly Certificate[] | string>;
  /** SHA-256 (hex) of files whose contents are secret, by path. */
  readonly digests: ReadonlyMap<string, string>;
  /** The client certificate that the kubelet has got by itself; undefined where it has none. */
  readonly kubelet: Certificate | undefined;
  readonly servers: readonly SeenServer[];
}

export interface LookOptions {
  /** Files with certificates, by their paths on the node. */
  readonly open: readonly string[];
  /** Files that hold keys too: of these only a digest is taken. */
  readonly secret: readonly string[];
  /** Where the kubelet serves. */
  readonly kubeletPort: number | undefined;
  /** Shown to a server that shows its own to nobody else. */
  readonly client?: LeafOptions['client'];
  readonly signal: AbortSignal;
}

const POD_MANIFESTS = POD_COMPONENTS.map((component) => `${MANIFESTS}/${component}.yaml`);

/**
 * Looks at the certificates of one node: those in its files, and those that its processes show. Nothing is verified, so
 * it works where all of them have expired.
 * @param sight of a master; where there is none, only at files
 * @throws BootstrapError where the node cannot be read
 */
export async function lookAt(master: Master, sight: Sight | undefined, options: LookOptions): Promise<SeenNode> {
  const { agent, name } = master;
  const [contents, facts, identity] = await Promise.all([
    agent.read([...options.open, ...(sight ? POD_MANIFESTS : [])]),
    agent.facts({ ...factsRequest(master), paths: options.secret }),
    agent.kubeletIdentity(),
  ]);
  const servers = sight ? await serversOf(sight, contents, options) : [];
  const [kubelet] = certificatesIn(identity);
  return {
    node: name,
    files: new Map(
      options.open.flatMap((path) => {
        const content = contents.get(path);
        return content ? [[path, certificatesOr(content.toString())] as const] : [];
      }),
    ),
    digests: new Map(
      options.secret.flatMap((path) => {
        const file = facts.files.get(path);
        return file ? [[path, file.sha256] as const] : [];
      }),
    ),
    kubelet,
    servers,
  };
}

async function serversOf(
  sight: Sight,
  contents: ReadonlyMap<string, Buffer>,
  options: LookOptions,
): Promise<readonly SeenServer[]> {
  const found = POD_MANIFESTS.flatMap((path) => {
    const content = contents.get(path);
    return content ? [{ path, text: content.toString() }] : [];
  });
  sight.learn(found);
  const endpoints = endpointsOf(sight, contents.get(`${MANIFESTS}/etcd.yaml`), options.kubeletPort);
  return Promise.all(endpoints.map(([server, at]) => seenServer(server, at, sight, options)));
}

function endpointsOf(
  sight: Sight,
  etcdManifest: Buffer | undefined,
  kubeletPort: number | undefined,
): readonly (readonly [Server, Endpoint])[] {
  const { apiServer, etcd, controllerManager, scheduler } = sight.endpoints();
  const peer = etcdManifest && peerEndpoint(etcdManifest);
  const all: readonly (readonly [Server, Endpoint | undefined])[] = [
    ['kube-apiserver', apiServer],
    ['etcd', etcd?.scheme === 'https' ? etcd : undefined],
    ['etcd-peer', peer],
    ['kubelet', kubeletPort === undefined ? undefined : { address: '127.0.0.1', port: kubeletPort }],
    ['kube-controller-manager', controllerManager],
    ['kube-scheduler', scheduler],
  ];
  return all.flatMap(([server, at]) => (at ? [[server, at] as const] : []));
}

/** Where etcd's members reach this one, as seen from the node itself. */
function peerEndpoint(manifest: Buffer): Endpoint | undefined {
  const container = containerOf(readManifest(manifest) ?? {}, 'etcd');
  const words = [...listAt(container, 'command'), ...listAt(container, 'args')];
  const urls = lastUse(flagUses(words, []), 'listen-peer-urls')?.value?.split(',') ?? [];
  for (const text of urls) {
    const url = parseEtcdUrl(text);
    if (url?.scheme !== 'https' || url.port === undefined) continue;
    const loopback = url.host.includes(':') ? '::1' : '127.0.0.1';
    return { address: isWildcard(url.host) ? loopback : url.host, port: url.port };
  }
  return undefined;
}

async function seenServer(server: Server, at: Endpoint, sight: Sight, options: LookOptions): Promise<SeenServer> {
  const { client, signal } = options;
  const what = `${server} of ${sight.node}`;
  try {
    const reach = await sight.reach(at);
    const shown = await servedCertificate(what, { reach, signal }).catch((error: unknown) => {
      // with TLS 1.2 it comes to nothing without a client certificate, with 1.3 it is shown first
      if (!client || !(error instanceof ProbeError) || error.problem !== 'tls') throw error;
      return servedCertificate(what, { reach, signal, client });
    });
    return { server, port: at.port, certificate: readCertificate(shown.toString()) };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ProbeError) return { server, port: at.port, certificate: error.seen };
    if (error instanceof PemError) return { server, port: at.port, certificate: `its certificate ${error.message}` };
    if (!(error instanceof Error)) throw error;
    return { server, port: at.port, certificate: bare(sight.node, error) };
  }
}

function certificatesOr(text: string): readonly Certificate[] | string {
  try {
    return readCertificates(text);
  } catch (error) {
    if (error instanceof PemError) return error.message;
    throw error;
  }
}

function certificatesIn(text: string): readonly Certificate[] {
  const read = certificatesOr(text);
  return typeof read === 'string' ? [] : read;
}

import { posix } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { isWildcard, parseEtcdUrl } from '../../render/args.ts';
import { type FlagUse, flagUses, lastUse } from '../../render/flag-use.ts';
import { below, isMap, type JsonMap } from '../../render/json.ts';
import { PORTS, type PodComponent } from '../../render/layout.ts';
import { containerOf, listAt } from '../../render/overlay.ts';
import { readBlockYaml } from '../../render/read-block-yaml.ts';
import type { Json } from '../../spec/tree.ts';

/** A port as it is reached from the node itself. */
export interface Endpoint {
  /** IP address, or `localhost`. */
  readonly address: string;
  readonly port: number;
}

interface ApiServerEndpoint extends Endpoint {
  /** What its certificate must hold. */
  readonly identity: string;
}

interface EtcdEndpoint extends Endpoint {
  readonly scheme: 'https' | 'http';
  /** What its certificate must hold. */
  readonly identity: string;
  /** The member's name (--name). */
  readonly member: string;
}

/** Where the processes of one node listen. Undefined = they do not run there, do not serve, or `reasons` says why. */
export interface NodeEndpoints {
  readonly apiServer: ApiServerEndpoint | undefined;
  readonly etcd: EtcdEndpoint | undefined;
  readonly controllerManager: Endpoint | undefined;
  readonly scheduler: Endpoint | undefined;
  /** Why one cannot be said though its manifest is there. */
  readonly reasons: ReadonlyMap<PodComponent, string>;
}

export interface ManifestText {
  readonly path: string;
  readonly text: string;
}

/** `undefined` = it does not serve; a string = why that cannot be said. */
type Found<T> = T | string | undefined;

/**
 * Reads off the static-pod manifests of a node where each process listens; they may be rendered ones or those that were
 * found on the node, whoever wrote them. A manifest is known by the name of its file.
 */
export function endpointsOf(manifests: readonly ManifestText[]): NodeEndpoints {
  const reasons = new Map<PodComponent, string>();
  const look = <T extends Endpoint>(component: PodComponent, find: (process: Process) => Found<T>): T | undefined => {
    const manifest = manifests.find(({ path }) => posix.basename(path).replace(/\.(ya?ml|json)$/, '') === component);
    if (!manifest) return undefined;
    const process = processOf(manifest.text, component);
    const found = typeof process === 'string' ? process : find(process);
    if (typeof found !== 'string') return found;
    reasons.set(component, found);
    return undefined;
  };
  return {
    apiServer: look('kube-apiserver', apiServerEndpoint),
    etcd: look('etcd', etcdEndpoint),
    controllerManager: look('kube-controller-manager', (process) => secureEndpoint(process, PORTS.controllerManager)),
    scheduler: look('kube-scheduler', (process) => secureEndpoint(process, PORTS.scheduler)),
    reasons,
  };
}

interface Process {
  readonly flags: readonly FlagUse[];
  readonly env: ReadonlyMap<string, string>;
}

function processOf(text: string, component: PodComponent): Process | string {
  const pod = podOf(text);
  if (typeof pod === 'string') return pod;
  const container = containerOf(pod, component);
  if (!container) return 'the manifest has no container';
  const command = listAt(container, 'command');
  const words = [...command, ...listAt(container, 'args')];
  const isStarted = words.some((word) => typeof word === 'string' && posix.basename(word) === component);
  if (command.length && !isStarted) return `its command does not start ${component}`;
  const env = listAt(container, 'env').flatMap((entry): readonly (readonly [string, string])[] => {
    const [name, value] = [below(entry, 'name'), below(entry, 'value')];
    return typeof name === 'string' && typeof value === 'string' ? [[name, value]] : [];
  });
  return { flags: flagUses(joined(words), []), env: new Map(env) };
}

/** As the kubelet reads a file: the first document of it, JSON or YAML. */
function podOf(text: string): JsonMap | string {
  let pod = readBlockYaml(text);
  if (pod === undefined) {
    const [document] = parseAllDocuments(text, { version: '1.2', schema: 'core', prettyErrors: true });
    if (!document || !('errors' in document)) return 'the manifest is empty';
    const [problem] = document.errors;
    if (problem) return `the manifest is not readable YAML: ${problem.message.split('\n')[0]?.replace(/:$/, '')}`;
    try {
      pod = document.toJS() as Json;
    } catch {
      return 'the manifest is not readable YAML: its aliases cannot be followed';
    }
  }
  return isMap(pod) ? pod : 'the manifest is not a map';
}

/** `--flag value` as `--flag=value`; none of the flags that are looked at here is a lone boolean. */
function joined(words: readonly Json[]): readonly Json[] {
  return words.map((word, i) => {
    const next = words[i + 1];
    const isOpen = typeof word === 'string' && /^--[^=]+$/.test(word);
    return isOpen && typeof next === 'string' && !next.startsWith('-') ? `${word}=${next}` : word;
  });
}

function secureEndpoint({ flags }: Process, fallback: number): Found<Endpoint> {
  const text = lastUse(flags, 'secure-port')?.value ?? String(fallback);
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  // 0 = the controller-manager and the scheduler do not serve at all
  if (port === 0) return undefined;
  if (!(port <= 65535)) return `--secure-port=${text} is no port`;
  return { address: fromTheNode(lastUse(flags, 'bind-address')?.value ?? ''), port };
}

function apiServerEndpoint(process: Process): Found<ApiServerEndpoint> {
  const endpoint = secureEndpoint(process, PORTS.apiServer);
  if (endpoint === undefined) return '--secure-port=0 is nothing that kube-apiserver takes';
  if (typeof endpoint === 'string') return endpoint;
  const bound = lastUse(process.flags, 'bind-address')?.value ?? '';
  const advertised = lastUse(process.flags, 'advertise-address')?.value ?? '';
  const known = [advertised, bound].find((address) => !isWildcard(address));
  // kubeadm puts this name into each apiserver certificate (cmd/kubeadm/app/util/pkiutil, GetAPIServerAltNames)
  return { ...endpoint, identity: known ?? 'kubernetes' };
}

/** etcd takes each flag from the environment too (`ETCD_NAME`), and a flag before that. */
function etcdEndpoint({ flags, env }: Process): Found<EtcdEndpoint> {
  const setting = (name: string) => {
    const use = lastUse(flags, name);
    return use ? (use.value ?? 'true') : env.get(`ETCD_${name.replaceAll('-', '_').toUpperCase()}`);
  };
  if (setting('config-file')) return 'its settings are in a file (--config-file)';
  if (setting('enable-grpc-gateway') === 'false')
    return 'its JSON gateway is switched off (--enable-grpc-gateway=false)';
  // where there are URLs for HTTP alone, the others speak nothing but gRPC (etcd 3.5.10 and later)
  const name = setting('listen-client-http-urls') ? 'listen-client-http-urls' : 'listen-client-urls';
  const text = setting(name) ?? 'http://localhost:2379';
  const urls = text.split(',').flatMap((one) => {
    const url = parseEtcdUrl(one);
    return url?.port === undefined ? [] : [{ scheme: url.scheme, host: url.host, port: url.port }];
  });
  const url =
    urls.find(({ host }) => isLoopback(host)) ??
    urls.find(({ host }) => isWildcard(host)) ??
    urls.find(({ host }) => host);
  if (!url) return `--${name}=${text} holds no URL with an address and a port`;
  const address = fromTheNode(url.host);
  return {
    address,
    port: url.port,
    scheme: url.scheme === 'http' ? 'http' : 'https',
    identity: address,
    member: setting('name') ?? 'default',
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}

/** Where the node itself reaches what listens there. */
function fromTheNode(address: string): string {
  if (!isWildcard(address)) return address;
  return address.includes(':') ? '::1' : '127.0.0.1';
}

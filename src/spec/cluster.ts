import type { Located } from '../base/fault.ts';
import type { KubernetesVersion } from '../kubernetes/version.ts';
import type { Json, MapTree, Tree } from './tree.ts';

/** The cluster file after profiles, defaults and validation. Immutable; every leaf can be located. */
export interface Cluster {
  readonly name: string;
  /** Names of the profiles that were laid under the cluster file, first to last. */
  readonly profiles: readonly string[];
  readonly version: KubernetesVersion;
  /** Where clients reach the API: the load balancer, or undefined where the only node itself is meant. */
  readonly endpoint: HostPort | undefined;
  /** The masters. */
  readonly nodes: readonly ClusterNode[];
  /** Hosts with a kubelet and nothing of the control plane (`role: node`). */
  readonly plainNodes: readonly ClusterNode[];
  readonly networking: {
    readonly serviceSubnets: readonly string[];
    /** Empty where pods get their addresses from elsewhere. */
    readonly podSubnets: readonly string[];
    readonly dnsDomain: string;
  };
  readonly imageRepository: string;
  readonly etcd: ClusterEtcd;
  /** The component blocks as they stand for the whole cluster, without any node's own. */
  readonly common: NodeSettings;
  readonly dns: DnsSettings;
  readonly proxy: ProxySettings;
  readonly pki: PkiSettings;
  /** Where kubelets get static pods by URL; undefined where none does. */
  readonly serve: ServeSettings | undefined;
  /** Seconds a component may take to become healthy (startup probe). */
  readonly healthCheckSeconds: number;
  /** Extra host directories with CA certificates that apiserver and controller-manager mount. */
  readonly hostCACertDirs: readonly string[];
  /** The `spec` map after merging, for `locate`, `explain` and `config show`. */
  readonly spec: MapTree;
}

export interface HostPort {
  /** DNS name or IP address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

export type ClusterEtcd =
  | { readonly kind: 'local' }
  | {
      readonly kind: 'external';
      readonly endpoints: readonly string[];
      /** Paths on the node; '' where there is none (plain http, or no client certificate): no flag is rendered then. */
      readonly caFile: string;
      readonly certFile: string;
      readonly keyFile: string;
    };

export type KeyAlgorithm = 'RSA-2048' | 'RSA-3072' | 'RSA-4096' | 'ECDSA-P256' | 'ECDSA-P384';

interface PkiSettings {
  readonly algorithm: KeyAlgorithm;
  readonly serviceAccountAlgorithm: KeyAlgorithm;
  readonly caValidityHours: number;
  readonly certValidityHours: number;
}

/** CoreDNS. */
interface DnsSettings {
  readonly disabled: boolean;
  readonly imageRepository: string;
  readonly imageTag: string;
}

/** kube-proxy. */
interface ProxySettings {
  readonly disabled: boolean;
  /** Laid over the rendered KubeProxyConfiguration. */
  readonly config: Json;
}

/** `bootstrap serve`, as the nodes reach it. */
export interface ServeSettings {
  readonly endpoint: HostPort;
  /** Seconds between two polls of a kubelet. */
  readonly pollSeconds: number;
}

/** The settings of every component; on a node, with its own laid over those of the cluster. */
export interface NodeSettings {
  readonly apiServer: ApiServerSettings;
  readonly controllerManager: ComponentSettings;
  readonly scheduler: ComponentSettings;
  readonly etcd: EtcdSettings;
  readonly kubelet: KubeletSettings;
}

/** One machine, with the cluster-wide component blocks and its own overrides already merged. */
export interface ClusterNode extends NodeSettings {
  readonly name: string;
  readonly role: 'master' | 'node';
  /** Its place in `spec.nodes`. */
  readonly index: number;
  /** The machine's own host name where it is not the node's name. */
  readonly hostname: string | undefined;
  /** First = the advertise address; its family decides which loopback address is used. */
  readonly addresses: readonly [string, ...string[]];
  readonly transport: 'ssh' | 'local';
  readonly ssh: SshSettings;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  readonly patches: readonly Patch[];
  readonly files: readonly NodeFile[];
  readonly staticPods: readonly NodeStaticPods[];
  /**
   * This node's merged blocks (`apiServer`, `controllerManager`, `scheduler`, `etcd`, `kubelet`) for `locate`:
   * `locate(node.blocks, ['apiServer', 'extraArgs', 'v'])`.
   */
  readonly blocks: MapTree;
}

/** What ssh is told; all else it takes from ssh_config. */
export interface SshSettings {
  /** A name, an address (IPv6 without brackets) or a `Host` of ssh_config; the first address where nothing was said. */
  readonly host: string;
  readonly port: number | undefined;
  readonly user: string | undefined;
  /** Absolute, or beginning with `~/`. */
  readonly identityFile: string | undefined;
  /** Absolute, or beginning with `~/`; instead of the user's own ssh_config. */
  readonly configFile: string | undefined;
}

export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
}

/** A flag of the user's: no values = take the default away; several = repeat the flag. */
export interface ExtraArg {
  readonly name: string;
  readonly values: readonly string[] | null;
  readonly at: Located;
}

export interface ExtraEnv {
  readonly name: string;
  readonly value?: string;
  /** Only `fieldRef` and `resourceFieldRef` work in static pods. */
  readonly valueFrom?: Json;
}

export interface ExtraVolume {
  readonly name: string;
  readonly hostPath: string;
  readonly mountPath: string;
  readonly readOnly: boolean;
  /** HostPathType; '' = no check. */
  readonly pathType: string;
  readonly at: Located;
}

export interface ComponentSettings {
  readonly extraArgs: readonly ExtraArg[];
  readonly extraEnvs: readonly ExtraEnv[];
  readonly extraVolumes: readonly ExtraVolume[];
  /** A Kubernetes ResourceRequirements laid over the default requests. */
  readonly resources: Json | undefined;
}

interface ApiServerSettings extends ComponentSettings {
  readonly bindPort: number;
  /** Further DNS names and IP addresses for this node's serving certificate. */
  readonly certSANs: readonly string[];
}

interface EtcdSettings extends ComponentSettings {
  readonly dataDir: string;
  readonly imageRepository: string;
  readonly imageTag: string;
  readonly serverCertSANs: readonly string[];
  readonly peerCertSANs: readonly string[];
}

interface KubeletSettings {
  /** Laid over the rendered KubeletConfiguration. */
  readonly config: Json;
  readonly extraArgs: readonly ExtraArg[];
  readonly criSocket: string;
  /** Render `kubelet.service` too, not just the drop-in. */
  readonly installUnit: boolean;
}

export type PatchTarget =
  | 'etcd'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'kubeletconfiguration';

/** A patch for this node: a JSON merge patch (RFC 7386) or a JSON patch (RFC 6902). */
export interface Patch {
  readonly target: PatchTarget;
  readonly type: 'merge' | 'json';
  readonly patch: Json;
  readonly at: Located;
}

/** An entry of `spec.staticPods` on one of its nodes. */
interface NodeStaticPods {
  /** The same object on all nodes. */
  readonly source: StaticPodSource;
  /** Kept on the node, but not run. */
  readonly isStopped: boolean;
}

/** Where static pods of the user's come from; src/render/static-pods makes pods of it. */
export interface StaticPodSource {
  readonly from:
    | {
        readonly kind: 'file';
        /** Its name in messages. */
        readonly file: string;
        readonly text: string;
      }
    /** It stands in the cluster file itself. */
    | { readonly kind: 'manifest'; readonly tree: Tree };
  /** Another name for its pod. */
  readonly name: Tree | undefined;
  /** How they reach the kubelet: as files in its manifests directory, or from the URL that it polls. */
  readonly via: 'file' | 'http';
  readonly at: Located;
}

/** A file of the user's for this node. */
export interface NodeFile {
  readonly path: string;
  readonly content: Buffer;
  readonly mode: number;
  readonly owner: string;
  readonly sensitive: boolean;
  readonly at: Located;
}

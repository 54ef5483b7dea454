/** The versions of kubeadm's configuration that are read. */
export type ApiVersion = 'v1beta3' | 'v1beta4';

export type FieldType =
  | 'text'
  | 'integer'
  | 'boolean'
  | 'duration'
  | 'texts'
  /** DNS names and addresses; kubeadm makes them lower-case (LowercaseSANs). */
  | 'sans'
  /** v1beta4: a list of `{name, value}`; v1beta3: a map. */
  | 'args'
  | 'envs'
  | 'volumes'
  | 'taints'
  | 'gates'
  /** Not looked into: it is not carried over, and may hold secrets. */
  | 'any';

interface FieldBase {
  readonly type: FieldType;
  /** The value that asks for what bootstrap does anyway: kubeadm's default. */
  readonly same?: string | number | boolean;
  /** The one API version that has the field. */
  readonly only?: ApiVersion;
}

/** What becomes of one field: it goes to a place in the cluster file, or there is a reason why not. */
export type Field =
  | (FieldBase & {
      /** `spec.nodes[]` is the entry of the node that the document describes. */
      readonly to: string;
    })
  | (FieldBase & { readonly why: string });

/** By the field's path in its document. */
type Fields = Readonly<Record<string, Field>>;

/** The fields of one component's block; `to` is where the block stands. */
function component(from: string, to: string): Fields {
  return {
    [`${from}.extraArgs`]: { type: 'args', to: `${to}.extraArgs` },
    [`${from}.extraEnvs`]: { type: 'envs', to: `${to}.extraEnvs`, only: 'v1beta4' },
    [`${from}.extraVolumes`]: { type: 'volumes', to: `${to}.extraVolumes` },
  };
}

const NO_PULL = "the kubelet pulls the images, by the pods' own policy (IfNotPresent)";
const NO_WAIT = 'only commands of kubeadm wait for it';
const NO_UPLOAD = "no certificate is uploaded to the cluster: each node's files hold its own";

const CLUSTER: Fields = {
  clusterName: { type: 'text', to: 'metadata.name' },
  kubernetesVersion: { type: 'text', to: 'spec.kubernetesVersion' },
  controlPlaneEndpoint: { type: 'text', to: 'spec.controlPlaneEndpoint' },
  imageRepository: { type: 'text', to: 'spec.imageRepository' },
  'networking.serviceSubnet': { type: 'text', to: 'spec.networking.serviceSubnet' },
  'networking.podSubnet': { type: 'text', to: 'spec.networking.podSubnet' },
  'networking.dnsDomain': { type: 'text', to: 'spec.networking.dnsDomain' },
  ...component('apiServer', 'spec.apiServer'),
  'apiServer.certSANs': { type: 'sans', to: 'spec.apiServer.certSANs' },
  // conversion.go of v1beta3: it becomes timeouts.controlPlaneComponentHealthCheck, unless it is 0
  'apiServer.timeoutForControlPlane': {
    type: 'duration',
    to: 'spec.timeouts.controlPlaneComponentHealthCheck',
    same: '0s',
    only: 'v1beta3',
  },
  ...component('controllerManager', 'spec.controllerManager'),
  ...component('scheduler', 'spec.scheduler'),
  'etcd.local.dataDir': { type: 'text', to: 'spec.etcd.local.dataDir' },
  'etcd.local.imageRepository': { type: 'text', to: 'spec.etcd.local.imageRepository' },
  'etcd.local.imageTag': { type: 'text', to: 'spec.etcd.local.imageTag' },
  'etcd.local.extraArgs': { type: 'args', to: 'spec.etcd.local.extraArgs' },
  'etcd.local.extraEnvs': { type: 'envs', to: 'spec.etcd.local.extraEnvs', only: 'v1beta4' },
  'etcd.local.serverCertSANs': { type: 'sans', to: 'spec.etcd.local.serverCertSANs' },
  'etcd.local.peerCertSANs': { type: 'sans', to: 'spec.etcd.local.peerCertSANs' },
  'etcd.external.endpoints': { type: 'texts', to: 'spec.etcd.external.endpoints' },
  'etcd.external.httpEndpoints': {
    type: 'texts',
    why: "only kubeadm's own health checks of etcd use them",
    only: 'v1beta4',
  },
  'etcd.external.caFile': { type: 'text', to: 'spec.etcd.external.caFile' },
  'etcd.external.certFile': { type: 'text', to: 'spec.etcd.external.certFile' },
  'etcd.external.keyFile': { type: 'text', to: 'spec.etcd.external.keyFile' },
  encryptionAlgorithm: { type: 'text', to: 'spec.pki.algorithm', only: 'v1beta4' },
  certificateValidityPeriod: { type: 'duration', to: 'spec.pki.certValidity', only: 'v1beta4' },
  caCertificateValidityPeriod: { type: 'duration', to: 'spec.pki.caValidity', only: 'v1beta4' },
  featureGates: { type: 'gates', to: 'spec.pki.algorithm' },
  certificatesDir: {
    type: 'text',
    why: 'on the nodes, certificates are always under /etc/kubernetes/pki',
    same: '/etc/kubernetes/pki',
  },
  'dns.imageRepository': { type: 'text', to: 'spec.dns.imageRepository' },
  'dns.imageTag': { type: 'text', to: 'spec.dns.imageTag' },
  'dns.disabled': { type: 'boolean', to: 'spec.dns.disabled', same: false, only: 'v1beta4' },
  'proxy.disabled': { type: 'boolean', to: 'spec.proxy.disabled', same: false, only: 'v1beta4' },
};

const NODE_REGISTRATION: Fields = {
  'nodeRegistration.name': { type: 'text', to: 'spec.nodes[].name' },
  'nodeRegistration.criSocket': {
    type: 'text',
    to: 'spec.kubelet.criSocket',
    same: 'unix:///var/run/containerd/containerd.sock',
  },
  'nodeRegistration.taints': { type: 'taints', to: 'spec.nodes[].taints' },
  'nodeRegistration.kubeletExtraArgs': { type: 'args', to: 'spec.kubelet.extraArgs' },
  'nodeRegistration.ignorePreflightErrors': { type: 'texts', why: "bootstrap runs none of kubeadm's preflight checks" },
  'nodeRegistration.imagePullPolicy': { type: 'text', why: NO_PULL, same: 'IfNotPresent' },
  'nodeRegistration.imagePullSerial': { type: 'boolean', why: NO_PULL, same: true, only: 'v1beta4' },
};

const TIMEOUTS: Fields = {
  'timeouts.kubeletHealthCheck': { type: 'duration', why: NO_WAIT, same: '4m', only: 'v1beta4' },
  'timeouts.kubernetesAPICall': { type: 'duration', why: NO_WAIT, same: '1m', only: 'v1beta4' },
  'timeouts.etcdAPICall': { type: 'duration', why: NO_WAIT, same: '2m', only: 'v1beta4' },
  'timeouts.tlsBootstrap': { type: 'duration', why: NO_WAIT, same: '5m', only: 'v1beta4' },
  'timeouts.discovery': { type: 'duration', why: NO_WAIT, same: '5m', only: 'v1beta4' },
  'timeouts.upgradeManifests': { type: 'duration', why: NO_WAIT, same: '5m', only: 'v1beta4' },
};

const RUN: Fields = {
  dryRun: { type: 'boolean', why: 'bootstrap renders without touching a node', same: false, only: 'v1beta4' },
  skipPhases: { type: 'texts', why: "bootstrap has none of kubeadm's phases" },
  'patches.directory': {
    type: 'text',
    why: 'copy the patches into spec.patches (write strategic merge patches as JSON merge patches)',
  },
};

const INIT: Fields = {
  ...RUN,
  ...NODE_REGISTRATION,
  ...TIMEOUTS,
  'timeouts.controlPlaneComponentHealthCheck': {
    type: 'duration',
    to: 'spec.timeouts.controlPlaneComponentHealthCheck',
    only: 'v1beta4',
  },
  'localAPIEndpoint.advertiseAddress': { type: 'text', to: 'spec.nodes[].addresses[0]' },
  'localAPIEndpoint.bindPort': { type: 'integer', to: 'spec.apiServer.bindPort', same: 6443 },
  bootstrapTokens: {
    type: 'any',
    why: 'bootstrap makes no bootstrap tokens; make one on the running cluster: `bootstrap token create`',
  },
  certificateKey: { type: 'any', why: NO_UPLOAD },
};

const JOIN: Fields = {
  ...RUN,
  ...NODE_REGISTRATION,
  ...TIMEOUTS,
  'timeouts.controlPlaneComponentHealthCheck': {
    type: 'duration',
    why: "it is set once for the cluster, by InitConfiguration's",
    same: '4m',
    only: 'v1beta4',
  },
  'controlPlane.localAPIEndpoint.advertiseAddress': { type: 'text', to: 'spec.nodes[].addresses[0]' },
  'controlPlane.localAPIEndpoint.bindPort': { type: 'integer', to: 'spec.apiServer.bindPort', same: 6443 },
  'controlPlane.certificateKey': { type: 'any', why: NO_UPLOAD },
  caCertPath: {
    type: 'text',
    why: 'the CA of the cluster is always /etc/kubernetes/pki/ca.crt',
    same: '/etc/kubernetes/pki/ca.crt',
  },
  discovery: { type: 'any', why: "a master's files hold everything that kubeadm would fetch from a running one" },
};

/** The kinds whose fields are gone through one by one. Source: types.go of kubeadm v1beta3 and v1beta4 (1.36). */
export const KINDS = ['ClusterConfiguration', 'InitConfiguration', 'JoinConfiguration'] as const;

export type Kind = (typeof KINDS)[number];

const TABLES: Readonly<Record<Kind, Fields>> = {
  ClusterConfiguration: CLUSTER,
  InitConfiguration: INIT,
  JoinConfiguration: JOIN,
};

/** The kinds of which nothing is carried over, each with the reason. */
export const LEFT_KINDS: ReadonlyMap<string, string> = new Map([
  ['ResetConfiguration', 'only `kubeadm reset` reads it'],
  ['UpgradeConfiguration', 'only `kubeadm upgrade` reads it'],
]);

/** The fields of a kind in one API version, by their paths. */
export function fieldsOf(kind: Kind, version: ApiVersion): ReadonlyMap<string, Field> {
  return new Map(Object.entries(TABLES[kind]).filter(([, { only }]) => only === undefined || only === version));
}

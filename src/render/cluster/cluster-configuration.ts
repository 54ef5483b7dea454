import { canonicalDuration } from '../../kubernetes/canonical.ts';
import { etcdImageTag, factsOf } from '../../kubernetes/facts.ts';
import type { Cluster, ComponentSettings, ExtraArg, ExtraEnv, ExtraVolume } from '../../spec/cluster.ts';
import { formatHostPort } from '../../spec/endpoint.ts';
import type { Json } from '../../spec/tree.ts';
import { type JsonMap, mapOf } from '../json.ts';

/** What stands in the ConfigMap kubeadm-config: this cluster in the words of kubeadm.k8s.io/v1beta4. */
export interface KubeadmConfigView {
  readonly algorithm: string;
  readonly apiServer: JsonMap;
  readonly caValidity: string;
  readonly certValidity: string;
  readonly clusterName: string;
  readonly controllerManager: JsonMap;
  readonly dns: JsonMap;
  readonly endpoint: string | null;
  readonly etcd: JsonMap;
  readonly imageRepository: string;
  readonly networking: JsonMap;
  readonly proxy: JsonMap;
  readonly scheduler: JsonMap;
  readonly version: string;
}

/**
 * Overrides of single nodes have no place in it; nor have `resources`, and flags whose default is taken away. A tag or
 * repository of an image stands in it only where it is not the default, as a `kubeadm upgrade` would else be held to it.
 */
export function kubeadmConfigView(cluster: Cluster): KubeadmConfigView {
  const { common, endpoint, networking, pki, version } = cluster;
  return {
    algorithm: pki.algorithm,
    apiServer: given({ ...component(common.apiServer), certSANs: filled(common.apiServer.certSANs) }),
    caValidity: hours(pki.caValidityHours),
    certValidity: hours(pki.certValidityHours),
    clusterName: cluster.name,
    controllerManager: given(component(common.controllerManager)),
    dns: dns(cluster),
    endpoint: endpoint ? formatHostPort(endpoint) : null,
    etcd: etcd(cluster),
    imageRepository: cluster.imageRepository,
    networking: given({
      dnsDomain: networking.dnsDomain,
      podSubnet: networking.podSubnets.join(',') || undefined,
      serviceSubnet: networking.serviceSubnets.join(','),
    }),
    proxy: given({ disabled: cluster.proxy.disabled || undefined }),
    scheduler: given(component(common.scheduler)),
    version: version.text,
  };
}

function dns({ dns: { disabled, imageRepository, imageTag }, imageRepository: usual, version }: Cluster): JsonMap {
  return given({
    disabled: disabled || undefined,
    imageRepository: unless(usual, imageRepository),
    imageTag: unless(factsOf(version.minor).coreDnsTag, imageTag),
  });
}

function etcd({ common, etcd: where, imageRepository, version }: Cluster): JsonMap {
  if (where.kind === 'external') {
    const { endpoints, caFile, certFile, keyFile } = where;
    return { external: { caFile, certFile, endpoints, keyFile } };
  }
  const { dataDir, serverCertSANs, peerCertSANs, ...own } = common.etcd;
  return {
    local: given({
      dataDir,
      extraArgs: args(own.extraArgs),
      extraEnvs: envs(own.extraEnvs),
      imageRepository: unless(imageRepository, own.imageRepository),
      imageTag: unless(etcdImageTag(version.minor), own.imageTag),
      peerCertSANs: filled(peerCertSANs),
      serverCertSANs: filled(serverCertSANs),
    }),
  };
}

type Given = Readonly<Record<string, Json | undefined>>;

function component({ extraArgs, extraEnvs, extraVolumes }: ComponentSettings): Given {
  return { extraArgs: args(extraArgs), extraEnvs: envs(extraEnvs), extraVolumes: filled(extraVolumes.map(volume)) };
}

function args(extraArgs: readonly ExtraArg[]): Json | undefined {
  return filled(extraArgs.flatMap(({ name, values }) => (values ?? []).map((value) => ({ name, value }))));
}

function envs(extraEnvs: readonly ExtraEnv[]): Json | undefined {
  return filled(extraEnvs.map(({ name, value, valueFrom }) => given({ name, value: value || undefined, valueFrom })));
}

function volume({ name, hostPath, mountPath, readOnly, pathType }: ExtraVolume): Json {
  return given({ hostPath, mountPath, name, pathType: pathType || undefined, readOnly: readOnly || undefined });
}

function given(entries: Given): JsonMap {
  return mapOf(Object.entries(entries).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const])));
}

function filled(list: readonly Json[]): Json | undefined {
  return list.length ? list : undefined;
}

function unless(usual: string, text: string): string | undefined {
  return text === usual ? undefined : text;
}

/** `87600h0m0s`, as Go writes it. */
function hours(count: number): string {
  return canonicalDuration(`${count}h`) ?? `${count}h`;
}

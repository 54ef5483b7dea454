import { stringify } from 'yaml';
import fields from './kubeadm-fields.json' with { type: 'json' };

/**
 * `kubeadm-fields.json` lists every field of the types of kubeadm v1beta3 and v1beta4 as parsed from types.go of
 * Kubernetes 1.36, with its type. Here documents are made in which every one of them is set, to values that
 * `kubeadm config validate` accepts.
 */
export type Version = 'v1beta3' | 'v1beta4';
export type Document = Record<string, unknown>;
type FieldTable = Readonly<Record<string, Readonly<Record<string, string>>>>;

export function fieldPaths(version: Version, kind: string): readonly string[] {
  return Object.keys((fields[version] as FieldTable)[kind] ?? {});
}

/** Values by the end of a field's path; the first hit counts. `#` becomes a number that no other field has. */
const SAMPLES: readonly (readonly [RegExp, unknown])[] = [
  [/etcd\.local\.imageTag$/, '3.6.#-0'],
  [/imageTag$/, 'v1.1.#'],
  [/imageRepository$/, 'registry.example.com/mirror-#'],
  [/dataDir$/, '/data/etcd-#'],
  [/(caFile|certFile|keyFile)$/, '/etc/etcd/#.pem'],
  [/caCertPath$/, '/etc/kubernetes/#/ca.crt'],
  [/(certificatesDir|directory|hostPath|mountPath|kubeConfigPath)$/, '/srv/dir-#'],
  [/etcd\.external\.(http)?[eE]ndpoints$/, ['https://etcd-#.example.com:2379']],
  [/serviceSubnet$/, '10.96.#.0/24'],
  [/podSubnet$/, '10.#.0.0/16'],
  [/dnsDomain$/, 'cluster-#.local'],
  [/kubernetesVersion$/, 'v1.36.2'],
  [/controlPlaneEndpoint$/, 'api-#.example.com:6443'],
  [/apiServerEndpoint$/, 'api-#.example.com:6443'],
  [/CertSANs|certSANs/, ['san-#.example.com']],
  [/featureGates$/, { RootlessControlPlane: true }],
  [/clusterName$/, 'cluster-#'],
  [/encryptionAlgorithm$/, 'ECDSA-P384'],
  [/caCertificateValidityPeriod$/, '90000h'],
  [/certificateValidityPeriod$/, '900h'],
  [/tlsBootstrapToken$|\.token$/, 'abcdef.0123456789abcdef'],
  [/usages$/, ['signing', 'authentication']],
  [/groups$/, ['system:bootstrappers:group-#']],
  [/criSocket$/, 'unix:///run/socket-#.sock'],
  [/effect$/, 'NoExecute'],
  [/imagePullPolicy$/, 'Always'],
  [/imagePullSerial$/, false],
  [/advertiseAddress$/, '172.16.0.#'],
  [/bindPort$/, 7443],
  [/certificateKey$/, '00'.repeat(32)],
  [/caCertHashes$/, [`sha256:${'ab'.repeat(32)}`]],
  [/pathType$/, 'DirectoryOrCreate'],
  [/extraEnvs\[\]\.name$/, 'ENV_#'],
  [/valueFrom$/, { fieldRef: { fieldPath: 'status.podIP' } }],
  [/timeAdded$|expires$/, '2030-01-01T00:00:00Z'],
  [/extraArgs$|kubeletExtraArgs$/, { 'flag-#': 'argument-#' }],
];

const BY_TYPE: Readonly<Record<string, unknown>> = {
  string: 'text-#',
  strings: ['text-#'],
  bool: true,
  int: 7,
  duration: '7m#s',
};

let counter = 0;

function sample(path: string, type: string): unknown {
  const found = SAMPLES.find(([end]) => end.test(path))?.[1] ?? BY_TYPE[type];
  counter = (counter % 200) + 1;
  return JSON.parse(JSON.stringify(found).replaceAll('#', String(counter))) as unknown;
}

/** A document of that kind with all its fields but the ones that `without` matches. */
export function fullDocument(version: Version, kind: string, without: RegExp = /^$/): Document {
  const document: Document = { apiVersion: `kubeadm.k8s.io/${version}`, kind };
  for (const [path, type] of Object.entries((fields[version] as FieldTable)[kind] ?? {})) {
    if (without.test(path)) continue;
    let here: Document = document;
    const steps = path.split('.');
    const last = steps.pop() ?? '';
    for (const step of steps) {
      const name = step.replace('[]', '');
      here[name] ??= step === name ? {} : [{}];
      const below = here[name] as Document | [Document];
      here = Array.isArray(below) ? below[0] : below;
    }
    here[last] = sample(path, type);
  }
  return document;
}

/** The path of every leaf of a document with its value; `[0]` for the entries of lists of maps. */
export function leaves(value: unknown, path = ''): readonly (readonly [string, unknown])[] {
  if (Array.isArray(value) && value.some((item) => typeof item === 'object')) {
    return value.flatMap((item, i) => leaves(item, `${path}[${i}]`));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[path, value]];
  return Object.entries(value).flatMap(([key, below]) => leaves(below, path ? `${path}.${key}` : key));
}

export function yamlOf(...documents: readonly Document[]): string {
  return documents.map((document) => stringify(document)).join('---\n');
}

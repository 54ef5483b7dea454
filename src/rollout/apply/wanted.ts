import { X509Certificate } from 'node:crypto';
import type { Bundle } from '../../bundle/bundle.ts';
import { below, isMap } from '../../render/json.ts';
import { KUBELET_CONFIG, KUBELET_DROP_IN, PORTS } from '../../render/layout.ts';
import { INPUTS_DIGEST, MANIFEST_DIGEST } from '../../render/stamp.ts';
import { calledIn, readManifest } from '../plan/read-manifest.ts';
import type { ManifestText } from '../probe/endpoints.ts';
import type { WantedPod } from './proofs.ts';

/** A bundle's manifests as text. */
export function manifestsOf({ files }: Bundle): readonly ManifestText[] {
  return files.flatMap(({ path, content, effect }) =>
    effect.kind === 'manifest' ? [{ path, text: content.toString() }] : [],
  );
}

/** The pods that a bundle's manifests make. */
export function wantedPods({ node, files }: Bundle): readonly WantedPod[] {
  return files.flatMap(({ content, effect }) => {
    if (effect.kind !== 'manifest') return [];
    const pod = readManifest(content);
    const annotations = below(pod, 'metadata', 'annotations');
    const digest = (name: string) =>
      isMap(annotations) && typeof annotations[name] === 'string' ? annotations[name] : '';
    return [
      {
        component: effect.pod,
        // the kubelet puts the node's name behind (pkg/kubelet/config/common.go, generatePodName)
        mirror: `${(pod && calledIn(pod)) ?? effect.pod}-${node.toLowerCase()}`,
        inputsDigest: digest(INPUTS_DIGEST),
        manifestDigest: digest(MANIFEST_DIGEST),
      },
    ];
  });
}

/**
 * The port of the node's loopback at which the kubelet says that it is well; undefined where the bundle does not say, or
 * it is not there.
 */
export function kubeletHealthPort({ files }: Bundle): number | undefined {
  const config = files.find(({ path }) => path === KUBELET_CONFIG);
  const read = config && readManifest(config.content);
  // a flag wins over the file
  if (!read || files.some(({ path, content }) => path === KUBELET_DROP_IN && content.includes('--healthz'))) return;
  const address = below(read, 'healthzBindAddress');
  if (address !== undefined && !['', '127.0.0.1', '0.0.0.0', '::'].includes(String(address))) return;
  const port = below(read, 'healthzPort') ?? PORTS.kubeletHealth;
  return typeof port === 'number' && port > 0 ? port : undefined;
}

/** SHA-256 (hex) over the DER of the first certificate in a file of the bundle; undefined where it holds none. */
export function fingerprintIn({ files }: Bundle, path: string): string | undefined {
  const file = files.find((candidate) => candidate.path === path);
  if (!file) return undefined;
  try {
    return new X509Certificate(file.content).fingerprint256.replaceAll(':', '').toLowerCase();
  } catch {
    return undefined;
  }
}

/** The files with which the apiserver and etcd serve, by their manifests; a mount may make them others on the node. */
export function tlsCertificatesOf(
  bundle: Bundle,
): readonly { readonly component: 'apiServer' | 'etcd'; readonly path: string }[] {
  return bundle.files.flatMap(({ content, effect }) => {
    if (effect.kind !== 'manifest') return [];
    const [component, flag] = SERVING.get(effect.pod) ?? [];
    if (!component || !flag) return [];
    const path = commandOf(content)
      .find((word) => word.startsWith(`--${flag}=`))
      ?.slice(flag.length + 3);
    return path ? [{ component, path }] : [];
  });
}

const SERVING: ReadonlyMap<string, readonly ['apiServer' | 'etcd', string]> = new Map([
  ['kube-apiserver', ['apiServer', 'tls-cert-file']],
  ['etcd', ['etcd', 'cert-file']],
]);

function commandOf(manifest: Buffer): readonly string[] {
  const container = below(readManifest(manifest), 'spec', 'containers', 0);
  return ['command', 'args'].flatMap((key) => {
    const words = below(container, key);
    return Array.isArray(words) ? words.map(String) : [];
  });
}

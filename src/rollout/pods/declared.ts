import type { Located } from '../../base/fault.ts';
import { sha256 } from '../../base/sha256.ts';
import type { Bundle } from '../../bundle/bundle.ts';
import { below, isMap, type JsonMap } from '../../render/json.ts';
import { STOPPED_PODS } from '../../render/layout.ts';
import type { ServedNode } from '../../render/served.ts';
import { MANIFEST_DIGEST } from '../../render/stamp.ts';
import { manifestFile, podCalled } from '../../render/static-pods/manifest-file.ts';
import { podsOfSource } from '../../render/static-pods/plan-static-pods.ts';
import { allNodes } from '../../spec/all-nodes.ts';
import type { Cluster, StaticPodSource } from '../../spec/cluster.ts';
import { readManifest } from '../plan/read-manifest.ts';

/** One of the user's pods on one node, as the cluster file wants it. */
export interface DeclaredPod {
  readonly node: string;
  readonly namespace: string;
  /** Without the `-<node>` that the kubelet adds. */
  readonly name: string;
  /** `default/static-web`; of kube-system the name alone. */
  readonly called: string;
  readonly via: StaticPodSource['via'];
  readonly isStopped: boolean;
  /** Its entry in the cluster file. */
  readonly at: Located;
  /** The file that it was read from; undefined where it stands in the cluster file itself. */
  readonly source: string | undefined;
  /** As the kubelet gets it, with its digests; as it was written where nobody gets it. */
  readonly manifest: JsonMap;
  /** Its digest of the manifest; undefined where nobody gets it. */
  readonly digest: string | undefined;
  /** Its file on the node, where it is to be run or kept, and the SHA-256 of that (hex); undefined where it comes by URL. */
  readonly file: { readonly path: string; readonly sha256: string } | undefined;
}

/** The file in which a stopped pod is kept on its node. */
export function stoppedFile(pod: { readonly namespace: string; readonly name: string }): string {
  return `${STOPPED_PODS}/${pod.namespace}_${pod.name}.yaml`;
}

/**
 * All pods of the user's on all nodes, node by node in the order of the cluster file.
 * @param bundles what the nodes shall have
 * @param served what they shall get by URL
 */
export function declaredPods(
  cluster: Cluster,
  bundles: readonly Bundle[],
  served: readonly ServedNode[],
): readonly DeclaredPod[] {
  return allNodes(cluster).flatMap((node) => {
    const bundle = bundles.find((each) => each.node === node.name);
    const byUrl = served.find((each) => each.node === node.name)?.pods ?? [];
    return node.staticPods.flatMap(({ source, isStopped }) =>
      podsOfSource(source).map((pod): DeclaredPod => {
        const { namespace, name } = pod;
        const path = isStopped ? stoppedFile(pod) : manifestFile(pod);
        const content = source.via === 'file' ? bundle?.files.find((file) => file.path === path)?.content : undefined;
        const given = content ? readManifest(content) : byUrl.find((one) => isCalled(one, namespace, name));
        return {
          node: node.name,
          namespace,
          name,
          called: podCalled(namespace, name),
          via: source.via,
          isStopped,
          at: source.at,
          source: source.from.kind === 'file' ? source.from.file : undefined,
          manifest: given ?? pod.manifest,
          digest: given && digestOf(given),
          file: source.via === 'file' ? { path, sha256: content ? sha256(content) : '' } : undefined,
        };
      }),
    );
  });
}

/** The digest that a manifest of ours carries; undefined in those of others. */
export function digestOf(manifest: JsonMap): string | undefined {
  const digest = below(manifest, 'metadata', 'annotations', MANIFEST_DIGEST);
  return typeof digest === 'string' ? digest : undefined;
}

/** Names of the containers that run as long as the pod does. */
export function lastingContainers(manifest: JsonMap): readonly string[] {
  const named = (list: string, stays: (container: JsonMap) => boolean) => {
    const containers = below(manifest, 'spec', list);
    return Array.isArray(containers)
      ? containers.filter(isMap).flatMap((container) => {
          const name = container['name'];
          return typeof name === 'string' && stays(container) ? [name] : [];
        })
      : [];
  };
  return [
    ...named('initContainers', (container) => container['restartPolicy'] === 'Always'),
    ...named('containers', () => true),
  ];
}

function isCalled(manifest: JsonMap, namespace: string, name: string): boolean {
  const said = below(manifest, 'metadata', 'namespace');
  return (
    below(manifest, 'metadata', 'name') === name && (said === undefined || said === '' ? 'default' : said) === namespace
  );
}

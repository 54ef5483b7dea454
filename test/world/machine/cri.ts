import { createHash } from 'node:crypto';
import { isMap, type JsonMap, listAt, textAt } from '../json.ts';
import type { Container } from './runtime.ts';

/**
 * What `crictl pods -o json` and `crictl ps -a -o json` say of containers, as measured with crictl 1.36 and containerd 2.
 * A pod whose image cannot be pulled has a sandbox there; here it is nowhere.
 */
export function criTexts(containers: readonly Container[]): { readonly pods: string; readonly containers: string } {
  return {
    pods: JSON.stringify({ items: containers.map(sandboxOf) }, null, 2),
    containers: JSON.stringify({ containers: containers.map(containerOf) }, null, 2),
  };
}

function sandboxOf({ pod, startedAt }: Container): JsonMap {
  const metadata = pod.manifest['metadata'];
  const annotations = isMap(metadata) && isMap(metadata['annotations']) ? metadata['annotations'] : {};
  return {
    id: idOf('sandbox', pod.uid),
    metadata: { name: pod.name, uid: pod.uid, namespace: pod.namespace, attempt: 0 },
    state: 'SANDBOX_READY',
    createdAt: nanoseconds(startedAt),
    labels: { 'io.kubernetes.pod.name': pod.name, 'io.kubernetes.pod.uid': pod.uid },
    annotations: {
      ...annotations,
      'kubernetes.io/config.hash': pod.uid,
      'kubernetes.io/config.source': pod.file.startsWith('/') ? 'file' : 'http',
    },
    runtimeHandler: '',
  };
}

function containerOf({ pod, name, attempt, startedAt, exited }: Container): JsonMap {
  return {
    id: idOf(name, String(attempt), pod.uid),
    podSandboxId: idOf('sandbox', pod.uid),
    metadata: { name, attempt },
    image: {
      image: `sha256:${idOf('image')}`,
      userSpecifiedImage: textAt(listAt(pod.manifest, 'spec', 'containers')[0], 'image'),
    },
    state: exited ? 'CONTAINER_EXITED' : 'CONTAINER_RUNNING',
    createdAt: nanoseconds(startedAt),
    annotations: { 'io.kubernetes.container.restartCount': String(attempt) },
  };
}

const idOf = (...words: readonly string[]): string => createHash('sha256').update(words.join(' ')).digest('hex');

const nanoseconds = (time: string): string => `${Date.parse(time)}000000`;

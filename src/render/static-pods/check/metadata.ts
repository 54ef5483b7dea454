import { errorAt, type Fault, warningAt } from '../../../base/fault.ts';
import { at, locate } from '../../../spec/tree.ts';
import { isLabelValue, isQualifiedName } from '../names.ts';
import { isSetAt, keysAt, locateKey, textAt } from '../parts.ts';
import { quote } from '../show.ts';
import type { StaticPod } from '../static-pod.ts';

/** What a cluster adds to a pod that it has: harmful in a manifest, or without meaning. */
const SERVERS: Readonly<Record<string, readonly [severity: 'error' | 'warning', message: string]>> = {
  // pkg/kubelet/config/common.go, applyDefaults: the UID is a hash of the manifest only where it is not given
  uid: [
    'error',
    'keeps the kubelet from seeing changes: it tells a changed pod from the old one by a UID that it makes itself',
  ],
  // staging/src/k8s.io/apiserver/pkg/registry/rest/create.go and storage: "resourceVersion should not be set on objects to be created"
  resourceVersion: ['error', 'keeps the API server from showing the pod: it takes no new object with one'],
  // pkg/kubelet/pod_workers.go, UpdatePod: such a pod is being deleted
  deletionTimestamp: ['error', 'makes the kubelet take the pod for one that is being deleted, and never start it'],
  deletionGracePeriodSeconds: ['error', 'belongs to a pod that is being deleted'],
  // the kubelet replaces a mirror pod by deleting it, which a finalizer prevents
  finalizers: ['error', 'keep the API from ever showing a change of the pod: its mirror cannot be deleted'],
  // pkg/kubelet/pod/mirror_client.go, CreateMirrorPod: the node is its owner
  ownerReferences: ['warning', 'are replaced by the kubelet: the node owns a static pod'],
  generateName: ['warning', 'does nothing beside a name'],
  creationTimestamp: ['warning', 'is set by the API server'],
  generation: ['warning', 'is set by the API server'],
  selfLink: ['warning', 'is set by the API server'],
  managedFields: ['warning', 'are set by the API server'],
};

const MAX_ANNOTATIONS = 256 * 1024;

/** pkg/kubelet/types/pod_update.go */
const MIRROR = 'kubernetes.io/config.mirror';
const KUBELETS = ['kubernetes.io/config.hash', 'kubernetes.io/config.source', 'kubernetes.io/config.seen'];

export function checkMetadata({ tree }: StaticPod): readonly Fault[] {
  const faults: Fault[] = [];
  for (const [field, [severity, message]] of Object.entries(SERVERS)) {
    if (!isSetAt(tree, 'metadata', field)) continue;
    const make = severity === 'error' ? errorAt : warningAt;
    faults.push(make(locateKey(tree, 'metadata', field), message, 'take it out'));
  }
  for (const key of keysAt(tree, 'metadata', 'labels')) {
    const value = textAt(tree, 'metadata', 'labels', key);
    if (!isQualifiedName(key)) faults.push(badKey(tree, 'labels', key));
    if (!isLabelValue(value)) {
      const rule =
        'is no value of a label: at most 63 letters, digits, "-", "_" and ".", a letter or digit at both ends';
      faults.push(errorAt(locate(tree, ['metadata', 'labels', key]), `${quote(value)} ${rule}`));
    }
  }
  return [...faults, ...checkAnnotations(tree)];
}

function checkAnnotations(tree: StaticPod['tree']): readonly Fault[] {
  const faults: Fault[] = [];
  let size = 0;
  for (const key of keysAt(tree, 'metadata', 'annotations')) {
    const value = textAt(tree, 'metadata', 'annotations', key);
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
    const place = locateKey(tree, 'metadata', 'annotations', key);
    // in lower case: apimachinery pkg/api/validation, ValidateAnnotations
    if (!isQualifiedName(key.toLowerCase())) faults.push(badKey(tree, 'annotations', key));
    else if (key === MIRROR) {
      const message = 'marks the shadow that the API has of a static pod: the kubelet would never start the pod';
      faults.push(errorAt(place, message, 'take it out; this manifest was read from a cluster, not from a node'));
    } else if (KUBELETS.includes(key)) {
      faults.push(warningAt(place, 'is written by the kubelet itself', 'take it out'));
    }
  }
  if (size > MAX_ANNOTATIONS) {
    const message = `the annotations are ${size} bytes long; ${MAX_ANNOTATIONS} are allowed`;
    faults.push(errorAt(at(tree, ['metadata', 'annotations']), message));
  }
  return faults;
}

function badKey(tree: StaticPod['tree'], map: 'labels' | 'annotations', key: string): Fault {
  const rule = `is no key of ${map}: a name of at most 63 letters, digits, "-", "_" and ".", with or without "domain/" before it`;
  return errorAt(locateKey(tree, 'metadata', map, key), `${quote(key)} ${rule}`);
}

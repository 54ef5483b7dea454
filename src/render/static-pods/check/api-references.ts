import { errorAt, type Fault, type Located, warningAt } from '../../../base/fault.ts';
import { asList } from '../../../spec/read-tree.ts';
import { at, locate, type Tree } from '../../../spec/tree.ts';
import { containersOf, isSetAt, isTrueAt, keysAt, locateKey, textAt, volumesOf } from '../parts.ts';
import type { StaticPod } from '../static-pod.ts';
import type { Where } from './context.ts';

/** The minor in which kubelets began to refuse such pods: gate PreventStaticPodAPIReferences, beta and on. */
const REFUSED_SINCE = 34;

const AS_FILE = 'put the file on the node and mount it by hostPath';
const REGISTRY = 'give the credentials to the container runtime or to a credential provider of the kubelet';

/** Fields of a volume and what they refer to (pkg/api/pod/util.go, HasAPIObjectReference). */
const VOLUMES: Readonly<Record<string, readonly [what: string, instead: string]>> = {
  configMap: ['a ConfigMap', AS_FILE],
  secret: ['a Secret', AS_FILE],
  csi: ['a CSI driver', 'take hostPath, nfs or iscsi'],
  glusterfs: ['Endpoints', 'mount it on the node and take hostPath'],
  persistentVolumeClaim: ['a PersistentVolumeClaim', 'take hostPath'],
  ephemeral: ['a PersistentVolumeClaim', 'take emptyDir or hostPath'],
  azureFile: ['a Secret', 'mount it on the node and take hostPath'],
};

const PROJECTED: Readonly<Record<string, readonly [what: string, instead: string]>> = {
  configMap: ['a ConfigMap', AS_FILE],
  secret: ['a Secret', AS_FILE],
  serviceAccountToken: ['a ServiceAccount', 'give it a kubeconfig of its own by hostPath'],
  clusterTrustBundle: ['a ClusterTrustBundle', AS_FILE],
  podCertificate: ['a PodCertificateRequest', AS_FILE],
};

/**
 * A static pod may refer to no object of the API: the kubelet runs it before, and without, any API server. Since 1.34 it
 * refuses such a pod; before, whatever needs the object waits for ever, and the API server refuses the mirror pod
 * (plugin/pkg/admission/noderestriction, admitPodCreate).
 */
export function checkApiReferences({ tree }: StaticPod, { minor }: Where): readonly Fault[] {
  const refusal = (place: Located, what: string, hint: string): Fault => {
    const who =
      minor >= REFUSED_SINCE
        ? `the kubelet of 1.${minor} refuses the pod`
        : `the API server refuses to show the pod, and the kubelet of 1.${minor} cannot give it to it`;
    return errorAt(place, `a static pod may not use ${what}: ${who}`, hint);
  };
  return [
    ...ofAccount(tree, refusal),
    ...containersOf(tree).flatMap((container) => ofContainer(container.tree, refusal)),
    ...volumesOf(tree).flatMap((volume) => ofVolume(volume, refusal)),
  ];
}

type Refusal = (place: Located, what: string, hint: string) => Fault;

function ofAccount(tree: Tree, refusal: Refusal): readonly Fault[] {
  const faults = ['serviceAccountName', 'serviceAccount']
    .filter((field) => isSetAt(tree, 'spec', field))
    .map((field) => refusal(locate(tree, ['spec', field]), 'a ServiceAccount', 'take it out'));
  if (isTrueAt(tree, 'spec', 'automountServiceAccountToken')) {
    const message = 'does nothing: a static pod gets no token of a service account';
    faults.push(warningAt(locate(tree, ['spec', 'automountServiceAccountToken']), message, 'take it out'));
  }
  for (const secret of asList(at(tree, ['spec', 'imagePullSecrets']))) {
    if (isSetAt(secret, 'name')) faults.push(refusal(locate(secret, ['name']), 'a Secret', REGISTRY));
  }
  if (isSetAt(tree, 'spec', 'resourceClaims')) {
    faults.push(refusal(locateKey(tree, 'spec', 'resourceClaims'), 'a ResourceClaim', 'take a device plugin'));
  }
  if (isSetAt(tree, 'spec', 'ephemeralContainers')) {
    // pkg/apis/core/validation: "cannot be set on create"
    const message = 'the kubelet refuses the pod: ephemeral containers can only be added to one that runs';
    faults.push(errorAt(locateKey(tree, 'spec', 'ephemeralContainers'), message, 'take them out'));
  }
  return faults;
}

function ofContainer(container: Tree, refusal: Refusal): readonly Fault[] {
  const keyed = asList(at(container, ['env'])).flatMap((env) =>
    (
      [
        ['secretKeyRef', 'a Secret'],
        ['configMapKeyRef', 'a ConfigMap'],
      ] as const
    ).flatMap(([field, what]) =>
      isSetAt(env, 'valueFrom', field)
        ? [
            refusal(
              locateKey(env, 'valueFrom', field),
              what,
              'write the value, or let the program read a file of the node',
            ),
          ]
        : [],
    ),
  );
  const whole = asList(at(container, ['envFrom'])).flatMap((source) =>
    (
      [
        ['secretRef', 'a Secret'],
        ['configMapRef', 'a ConfigMap'],
      ] as const
    ).flatMap(([field, what]) =>
      isSetAt(source, field) ? [refusal(locateKey(source, field), what, 'write the variables out in env')] : [],
    ),
  );
  return [...keyed, ...whole];
}

function ofVolume(volume: Tree, refusal: Refusal): readonly Fault[] {
  const faults: Fault[] = [];
  for (const source of keysAt(volume)) {
    const known = Object.hasOwn(VOLUMES, source) ? VOLUMES[source] : undefined;
    if (known) faults.push(refusal(locateKey(volume, source), ...known));
    else if (textAt(volume, source, 'secretRef', 'name')) {
      faults.push(
        refusal(locateKey(volume, source, 'secretRef'), 'a Secret', 'mount it on the node and take hostPath'),
      );
    }
  }
  for (const part of asList(at(volume, ['projected', 'sources']))) {
    for (const source of keysAt(part)) {
      const known = Object.hasOwn(PROJECTED, source) ? PROJECTED[source] : undefined;
      if (known) faults.push(refusal(locateKey(part, source), ...known));
    }
  }
  return faults;
}

import { isAbsolute, normalize } from 'node:path/posix';
import { errorAt, type Fault, warningAt } from '../../../base/fault.ts';
import { asList } from '../../../spec/read-tree.ts';
import { at, locate, type Tree } from '../../../spec/tree.ts';
import { MANIFESTS } from '../../layout.ts';
import { isWithin } from '../../view/host-dirs.ts';
import { containersOf, isSetAt, isTrueAt, numberAt, textAt } from '../parts.ts';
import { quote } from '../show.ts';
import type { StaticPod } from '../static-pod.ts';

/** What the pod takes of its machine: paths, namespaces, ports. */
export function checkHost({ tree, hostPaths }: StaticPod): readonly Fault[] {
  return [
    ...hostPaths.flatMap((hostPath) => checkHostPath(hostPath)),
    ...checkHostNetwork(tree),
    ...checkPortsOnce(tree),
    ...checkNamespaces(tree),
  ];
}

function checkHostPath({ path, type, isReadOnly, at: place }: StaticPod['hostPaths'][number]): readonly Fault[] {
  // pkg/apis/core/validation, validatePathNoBacksteps
  if (path.split('/').includes('..')) {
    return [errorAt(place, `${quote(path)} must not hold ".."`, `write ${quote(normalize(path))}`)];
  }
  if (!isAbsolute(path)) {
    return [
      errorAt(place, `${quote(path)} is no absolute path`, `write ${quote(`/${normalize(path)}`)}, if that is meant`),
    ];
  }
  const normal = normalize(path).replace(/(?<=.)\/$/, '');
  if (!isWithin(normal, MANIFESTS)) return [];
  const hint = 'give the pod a directory of its own, such as /var/lib/<its name>';
  // pkg/kubelet/config/file.go, extractFromDir: every file there is a manifest
  if (type === 'FileOrCreate' || (type === 'DirectoryOrCreate' && normal !== MANIFESTS)) {
    const what = type === 'FileOrCreate' ? 'an empty file' : 'a directory';
    const message = `the kubelet would make ${what} in ${MANIFESTS} and try to run it as a pod again and again`;
    return [errorAt(place, message, hint)];
  }
  if (isReadOnly) return [];
  return [
    warningAt(place, `whatever the pod writes to ${MANIFESTS}, the kubelet runs as root's own`, 'mount it readOnly'),
  ];
}

/** pkg/apis/core/validation, validatePodHostNetworkDeps and validatePodHostName. */
function checkHostNetwork(tree: Tree): readonly Fault[] {
  if (!isTrueAt(tree, 'spec', 'hostNetwork')) return [];
  const faults = containersOf(tree).flatMap((container) =>
    asList(at(container.tree, ['ports'])).flatMap((item) => {
      const [host, inside] = [numberAt(item, 'hostPort'), numberAt(item, 'containerPort')];
      if (container.list !== 'containers' || !host || host === inside) return [];
      const message = `must be the containerPort (${inside ?? 'none'}) with hostNetwork: true, not ${host}`;
      return [errorAt(locate(item, ['hostPort']), message, 'leave hostPort out')];
    }),
  );
  if (isSetAt(tree, 'spec', 'hostnameOverride')) {
    faults.push(
      errorAt(locate(tree, ['spec', 'hostnameOverride']), 'cannot be set with hostNetwork: true', 'take it out'),
    );
  }
  return faults;
}

/** pkg/apis/core/validation, AccumulateUniqueHostPorts: one of the same protocol and address in one pod. */
function checkPortsOnce(tree: Tree): readonly Fault[] {
  const onHost = isTrueAt(tree, 'spec', 'hostNetwork');
  const seen = new Set<string>();
  return containersOf(tree).flatMap((container) => {
    if (container.list === 'initContainers') return [];
    return asList(at(container.tree, ['ports'])).flatMap((item) => {
      const field = numberAt(item, 'hostPort') ? 'hostPort' : 'containerPort';
      const port = numberAt(item, field);
      if (!port || (field === 'containerPort' && !onHost)) return [];
      const protocol = textAt(item, 'protocol') || 'TCP';
      const key = `${protocol} ${textAt(item, 'hostIP')} ${port}`;
      if (!seen.has(key)) {
        seen.add(key);
        return [];
      }
      const message = `port ${port}/${protocol} of the host is taken twice in this pod; the kubelet refuses it`;
      return [errorAt(locate(item, [field]), message)];
    });
  });
}

/** pkg/apis/core/validation, validateHostUsers and validatePodSpecSecurityContext. */
function checkNamespaces(tree: Tree): readonly Fault[] {
  const faults: Fault[] = [];
  const hostUsers = at(tree, ['spec', 'hostUsers']);
  if (hostUsers?.kind === 'scalar' && hostUsers.value === false) {
    for (const field of ['hostNetwork', 'hostPID', 'hostIPC']) {
      if (!isTrueAt(tree, 'spec', field)) continue;
      const hint = 'take one of the two out';
      faults.push(errorAt(locate(tree, ['spec', field]), 'cannot be true with hostUsers: false', hint));
    }
  }
  if (isTrueAt(tree, 'spec', 'shareProcessNamespace') && isTrueAt(tree, 'spec', 'hostPID')) {
    const message = 'cannot be true with hostPID: true';
    faults.push(errorAt(locate(tree, ['spec', 'shareProcessNamespace']), message, 'take one of the two out'));
  }
  return faults;
}

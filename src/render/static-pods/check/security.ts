import { errorAt, type Fault } from '../../../base/fault.ts';
import { asList } from '../../../spec/read-tree.ts';
import { at, locate, type Tree } from '../../../spec/tree.ts';
import { containersOf, isSetAt, isTrueAt, textAt } from '../parts.ts';
import { listed } from '../show.ts';
import type { StaticPod } from '../static-pod.ts';

/** Settings of security that exclude each other: pkg/apis/core/validation, ValidateSecurityContext. */
export function checkSecurity({ tree }: StaticPod): readonly Fault[] {
  const pod = at(tree, ['spec', 'securityContext']);
  return [
    ...checkProfiles(pod),
    ...checkSysctls(tree),
    ...containersOf(tree).flatMap((container) => checkContainer(container.tree, tree)),
  ];
}

function checkContainer(container: Tree, tree: Tree): readonly Fault[] {
  const context = at(container, ['securityContext']);
  const faults = [...checkProfiles(context)];
  if (!context) return [...faults, ...checkRoot(container, tree)];
  if (isFalse(context, 'allowPrivilegeEscalation')) {
    const given = [
      ...(isTrueAt(context, 'privileged') ? ['privileged: true'] : []),
      ...(asList(at(context, ['capabilities', 'add'])).some((item) => textAt(item) === 'CAP_SYS_ADMIN')
        ? ['CAP_SYS_ADMIN']
        : []),
    ];
    if (given.length) {
      const place = locate(context, ['allowPrivilegeEscalation']);
      faults.push(errorAt(place, `cannot be false with ${listed(given)}`, 'take one of the two out'));
    }
  }
  if (textAt(context, 'procMount') === 'Unmasked' && !isFalse(at(tree, ['spec']), 'hostUsers')) {
    faults.push(errorAt(locate(context, ['procMount']), 'Unmasked needs spec.hostUsers: false'));
  }
  return [...faults, ...checkRoot(container, tree)];
}

/** pkg/kubelet/kuberuntime/security_context.go, verifyRunAsNonRoot: CreateContainerConfigError for good. */
function checkRoot(container: Tree, tree: Tree): readonly Fault[] {
  const own = at(container, ['securityContext']);
  const pod = at(tree, ['spec', 'securityContext']);
  const nonRoot = at(own, ['runAsNonRoot']) ?? at(pod, ['runAsNonRoot']);
  const user = at(own, ['runAsUser']) ?? at(pod, ['runAsUser']);
  if (nonRoot?.kind !== 'scalar' || nonRoot.value !== true || user?.kind !== 'scalar' || user.value !== 0) return [];
  return [errorAt(user, 'user 0 is root, which runAsNonRoot: true forbids: the container would never start')];
}

function checkProfiles(context: Tree | undefined): readonly Fault[] {
  if (!context) return [];
  return ['seccompProfile', 'appArmorProfile'].flatMap((field) => {
    const profile = at(context, [field]);
    if (profile?.kind !== 'map') return [];
    const isLocal = textAt(profile, 'type') === 'Localhost';
    const has = isSetAt(profile, 'localhostProfile');
    if (isLocal === has) return [];
    const message = isLocal ? 'is missing, with type: Localhost' : 'goes only with type: Localhost';
    return [errorAt(locate(profile, ['localhostProfile']), message)];
  });
}

function isFalse(tree: Tree | undefined, field: string): boolean {
  const found = at(tree, [field]);
  return found?.kind === 'scalar' && found.value === false;
}

/** Of those that are the host's own with the host's namespace: pkg/apis/core/validation, ValidateHostSysctl. */
function checkSysctls(tree: Tree): readonly Fault[] {
  const names = new Set<string>();
  return asList(at(tree, ['spec', 'securityContext', 'sysctls'])).flatMap((sysctl) => {
    const name = textAt(sysctl, 'name').replaceAll('/', '.');
    const place = locate(sysctl, ['name']);
    const isTwice = names.has(name);
    names.add(name);
    if (name && isTwice) return [errorAt(place, `${name} is set twice`)];
    if (name.startsWith('net.') && isTrueAt(tree, 'spec', 'hostNetwork')) {
      return [errorAt(place, `${name} would be the host's own with hostNetwork: true; the kubelet refuses the pod`)];
    }
    if (/^(?:kernel\.(?:shm|msg|sem)|fs\.mqueue\.)/.test(name) && isTrueAt(tree, 'spec', 'hostIPC')) {
      return [errorAt(place, `${name} would be the host's own with hostIPC: true; the kubelet refuses the pod`)];
    }
    return [];
  });
}

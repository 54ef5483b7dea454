import { errorAt, type Fault } from '../../base/fault.ts';
import type { NodeFile } from '../../spec/cluster.ts';
import { MANIFESTS, STOPPED_PODS } from '../layout.ts';
import { isWithin } from '../view/host-dirs.ts';

/** The user's files lie beside what is rendered, never on it, and not where the kubelet would run them. */
export function checkFiles(files: readonly NodeFile[], rendered: readonly string[]): readonly Fault[] {
  const faults: Fault[] = [];
  for (const [i, file] of files.entries()) {
    const { path, at } = file;
    const shown = JSON.stringify(path);
    const earlier = files.slice(0, i).find((other) => isWithin(path, other.path) || isWithin(other.path, path));
    const taken = rendered.find((other) => isWithin(path, other) || isWithin(other, path));
    if (
      !path.startsWith('/') ||
      path.endsWith('/') ||
      path.split('/').some((part, n) => n > 0 && (part === '' || part === '.' || part === '..'))
    ) {
      faults.push(errorAt(at, `${shown} is not the absolute path of a file`));
    } else if (isWithin(path, MANIFESTS)) {
      faults.push(errorAt(at, `${shown}: the kubelet runs every file in ${MANIFESTS} as a pod`));
    } else if (isWithin(path, STOPPED_PODS)) {
      faults.push(errorAt(at, `${shown}: ${STOPPED_PODS} is for pods of spec.staticPods that are stopped`));
    } else if (taken) {
      const message =
        path === taken ? `${shown} is rendered already` : `${shown} and the rendered file ${taken} exclude each other`;
      faults.push(errorAt(at, message, 'change it by settings or patches, or put yours elsewhere'));
    } else if (earlier) {
      const message =
        path === earlier.path
          ? `${shown} is there twice for one node`
          : `${shown} and ${JSON.stringify(earlier.path)} exclude each other`;
      faults.push(errorAt(at, message));
    }
  }
  return faults;
}

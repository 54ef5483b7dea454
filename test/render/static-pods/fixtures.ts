import { stringify } from 'yaml';
import { describeFault, type Fault } from '../../../src/base/fault.ts';
import type { Where } from '../../../src/render/static-pods/check/context.ts';
import { checkPod } from '../../../src/render/static-pods/check-pod.ts';
import { readPods } from '../../../src/render/static-pods/read-pods.ts';
import type { StaticPod } from '../../../src/render/static-pods/static-pod.ts';

export const WHERE: Where = { via: 'file', node: 'node01', minor: 36 };

/** `error pod.yaml:1:2: path: message; hint`, without the place where `short`. */
export function lines(faults: readonly Fault[]): readonly string[] {
  return faults.map((fault) => `${fault.severity} ${describeFault(fault)}`);
}

export function short(faults: readonly Fault[]): readonly string[] {
  return lines(faults).map((line) => line.replace(/pod\.yaml:\d+:\d+: /, ''));
}

export function read(text: string) {
  return readPods({ file: 'pod.yaml', text });
}

/** A pod `web` with `spec` laid over one container. */
export function manifest(spec: object = {}, metadata: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', ...metadata },
    spec: { containers: [container()], ...spec },
  };
}

export function container(more: object = {}): object {
  return { name: 'c', image: 'nginx:1.29', ...more };
}

export function podOf(object: object): StaticPod {
  const { pods, faults } = read(stringify(object));
  const [pod] = pods;
  if (!pod || pods.length > 1) throw new Error(`${pods.length} pods: ${lines(faults).join('\n')}`);
  return pod;
}

/** All that is said of an object on its way to one node, in short. */
export function told(object: object, where: Partial<Where> = {}): readonly string[] {
  const { pods, faults } = read(stringify(object));
  return short([...faults, ...pods.flatMap((pod) => checkPod(pod, { ...WHERE, ...where }))]);
}

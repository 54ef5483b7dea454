import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkPod } from '../../../src/render/static-pods/check-pod.ts';
import { read, WHERE } from './fixtures.ts';

/**
 * What the kubelet of 1.36.2 itself said (tryDecodeSinglePod of pkg/kubelet/config, compiled from its source) of one pod
 * with one value changed: [path, values that it refused, values that it took].
 */
const { base, values } = JSON.parse(readFileSync(new URL('kubelet-verdicts.json', import.meta.url), 'utf8')) as {
  readonly base: object;
  readonly values: readonly (readonly [string, readonly unknown[], readonly unknown[]])[];
};

function isRefused(path: string, value: unknown): boolean {
  const pod = structuredClone(base) as Record<string, unknown>;
  const steps = path.split('.');
  const last = steps.pop() ?? '';
  const parent = steps.reduce<Record<string, unknown>>((at, step) => at[step] as Record<string, unknown>, pod);
  parent[last] = value;
  const { pods, faults } = read(JSON.stringify(pod));
  return [...faults, ...pods.flatMap((one) => checkPod(one, WHERE))].some(({ severity }) => severity === 'error');
}

describe('what a kubelet said of a pod is said before it travels', () => {
  it('of one in which most fields are set', () => {
    expect(isRefused('kind', 'Pod')).toBe(false);
  });

  it.each(values)('of its %s', (path, refused, taken) => {
    expect(refused.filter((value) => !isRefused(path, value))).toEqual([]);
    expect(taken.filter((value) => isRefused(path, value))).toEqual([]);
  });
});

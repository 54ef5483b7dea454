import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { checkPod } from '../../../src/render/static-pods/check-pod.ts';
import { checkTogether } from '../../../src/render/static-pods/check-together.ts';
import { emitPod } from '../../../src/render/static-pods/emit-pod.ts';
import { container, manifest, read } from './fixtures.ts';

const KINDS = ['Pod', 'PodList', 'List', 'Deployment', 'StatefulSet', 'Job', 'Service', 'pod', ''];
const FIELDS = [
  'metadata',
  'spec',
  'template',
  'name',
  'containers',
  'image',
  'ports',
  'items',
  'volumes',
  '__proto__',
  'env',
];

const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<unknown>(null, true, 0, -1, 80, 1e300, '', 'x', 'A b', '\u0000', '\ud800', '../', '0644', 'v1'),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...FIELDS), fc.string({ maxLength: 4 })), tie('any'), { maxKeys: 4 }),
  ),
})).any;

/** Everything this program does with a text before it would send anything anywhere. */
function use(text: string) {
  const { pods, faults } = read(text);
  const where = { node: 'node01', minor: 34 } as const;
  const more = pods.flatMap((pod) => [
    ...checkPod(pod, { ...where, via: 'file' }),
    ...checkPod(pod, { ...where, via: 'http' }),
  ]);
  const together = checkTogether(
    pods.map((pod) => ({ pod, node: 'node01', via: 'file' })),
    [],
  );
  return { pods, faults, all: [...faults, ...more, ...together] };
}

const hasError = (faults: readonly { readonly severity: string }[]) =>
  faults.some(({ severity }) => severity === 'error');

describe('whatever somebody calls a manifest', () => {
  it('never breaks the program, and gives pods or an error', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'{}[]:,-#&*!|>\'"%@` \n\tab0') })),
        (text) => {
          const { pods, faults } = use(text);
          expect(pods.length > 0 || hasError(faults)).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('is never left out without a word, be it an object of any shape among others', () => {
    const object = fc.record(
      {
        apiVersion: fc.constantFrom<unknown>('v1', 'apps/v1', 'batch/v1', 1, null),
        kind: fc.constantFrom<unknown>(...KINDS, null),
        metadata: fc.oneof(fc.constant({ name: 'x' }), value),
        spec: fc.oneof(fc.constant({ containers: [container()] }), value),
        items: value,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.array(object, { minLength: 1, maxLength: 3 }), (objects) => {
        for (const one of objects) {
          const { pods, faults } = use(JSON.stringify(one));
          expect(pods.length > 0 || hasError(faults)).toBe(true);
        }
        const single = objects.map((one) => use(JSON.stringify(one)).pods.length).reduce((a, b) => a + b, 0);
        const many = use(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
        expect(many.pods.length).toBe(single);
      }),
      { numRuns: 300 },
    );
  });

  it('is written as it was read, wherever nothing is wrong with it', () => {
    const path = fc.array(fc.constantFrom<string | number>(...FIELDS, 'labels', 'annotations', 'a/b', 'args', 0), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(path, value, (steps, put) => {
        const object = structuredClone(manifest({}, { labels: {}, annotations: { a: 'b' } })) as Record<
          string,
          unknown
        >;
        let at: Record<string, unknown> = object;
        for (const step of steps) {
          const next = Object.hasOwn(at, step) ? at[step] : undefined;
          if (typeof next !== 'object' || next === null) {
            at[step] = put;
            break;
          }
          at = next as Record<string, unknown>;
        }
        const text = JSON.stringify(object);
        // half a surrogate pair, which no UTF-8 can hold: Go reads U+FFFD there, and that is written
        if (/\\ud[89a-f]/.test(text)) return;
        const { pods, all } = use(text);
        if (hasError(all)) return;
        for (const pod of pods) {
          const plain = JSON.parse(JSON.stringify(pod.manifest)) as unknown;
          expect(parse(emitPod(pod), { version: '1.1' })).toEqual(plain);
          expect(read(emitPod(pod)).pods.map(emitPod)).toEqual([emitPod(pod)]);
        }
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    [
      'an anchor that is repeated a million times',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefgh'
        .split('')
        .map(
          (c, i, all) =>
            `${c}: &${c} [${Array(9)
              .fill(`*${i ? all[i - 1] : 'a'}`)
              .join(',')}]`,
        )
        .join('\n')}`,
    ],
    ['a list ten thousand levels deep', '['.repeat(10000)],
    [
      'infinity where nobody looks',
      'apiVersion: v1\nkind: Pod\nmetadata: {name: x, managedFields: [{fieldsV1: .inf}]}\nspec: {containers: [{name: c, image: x}]}',
    ],
    ['a quantity as long as a book', JSON.stringify(manifest({ overhead: { cpu: '9'.repeat(100000) } }))],
  ])('%s is an error', (_, text) => {
    expect(hasError(use(text).all)).toBe(true);
  });
});

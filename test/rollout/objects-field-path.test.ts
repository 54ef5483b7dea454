import { describe, expect, it } from 'vitest';
import { differingFields } from '../../src/rollout/objects/differing-fields.ts';
import { withoutField } from '../../src/rollout/objects/field-path.ts';

const object = {
  data: { 'config.conf': 'a', config: 'b', 'x[y]': 'c' },
  spec: {
    replicas: 2,
    containers: [
      { name: 'a', image: 'x' },
      {
        name: 'b "c"]',
        image: 'y',
        ports: [
          { containerPort: 53, protocol: 'UDP' },
          { containerPort: 53, protocol: 'TCP' },
        ],
      },
    ],
    finalizers: ['f/g', 'h'],
  },
};

describe('a field that an apiserver names in a conflict', () => {
  it.each([
    ['.data.config.conf', { ...object, data: { config: 'b', 'x[y]': 'c' } }],
    ['.data.config', { ...object, data: { 'config.conf': 'a', 'x[y]': 'c' } }],
    ['.data.x[y]', { ...object, data: { 'config.conf': 'a', config: 'b' } }],
    ['.data', { spec: object.spec }],
    ['.spec.replicas', { ...object, spec: { ...object.spec, replicas: undefined } }],
    ['.spec.finalizers[="f/g"]', { ...object, spec: { ...object.spec, finalizers: ['h'] } }],
    [
      '.spec.containers[name="a"].image',
      { ...object, spec: { ...object.spec, containers: [{ name: 'a' }, object.spec.containers[1]] } },
    ],
    ['.spec.containers[name="a"]', { ...object, spec: { ...object.spec, containers: [object.spec.containers[1]] } }],
    ['.spec.containers[1]', { ...object, spec: { ...object.spec, containers: [object.spec.containers[0]] } }],
    [
      '.spec.containers[name="b \\"c\\"]"].ports[containerPort=53,protocol="TCP"]',
      {
        ...object,
        spec: {
          ...object.spec,
          containers: [
            object.spec.containers[0],
            { ...object.spec.containers[1], ports: [{ containerPort: 53, protocol: 'UDP' }] },
          ],
        },
      },
    ],
  ])('is taken out, and nothing else: %s', (field, left) => {
    expect(withoutField(object, field)).toEqual(JSON.parse(JSON.stringify(left)));
  });

  it.each(['', '.nope', '.data.nope', '.spec.containers[name="z"].image', '.spec.containers', 'x', '.spec.replicas.x'])(
    'is not there: %j',
    (field) => {
      expect(withoutField(field === '.spec.containers' ? { spec: {} } : object, field)).toBeUndefined();
    },
  );
});

describe('the difference of two states of an object', () => {
  it('leaves out what the apiserver keeps by itself, and the status', () => {
    const meta = (n: number) => ({
      uid: `u${n}`,
      resourceVersion: `${n}`,
      generation: n,
      managedFields: [n],
      name: 'x',
    });
    expect(differingFields({ metadata: meta(1), status: { a: 1 } }, { metadata: meta(2), status: { a: 2 } })).toEqual(
      [],
    );
  });

  it('names the fields by their paths, lists of another length as a whole', () => {
    const a = { data: { 'a.b': '1', c: '2' }, list: [{ x: 1 }, { x: 2 }], other: [1] };
    const b = { data: { 'a.b': '3', d: '2' }, list: [{ x: 1 }, { x: 3 }], other: [1, 2] };
    expect(differingFields(a, b)).toEqual(['data.c', 'data.d', 'data["a.b"]', 'list[1].x', 'other']);
  });
});

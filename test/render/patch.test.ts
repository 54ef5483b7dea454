import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonPatchError, jsonPatch } from '../../src/render/patch/json-patch.ts';
import { mergePatch } from '../../src/render/patch/merge-patch.ts';
import type { Json } from '../../src/spec/tree.ts';

const plain = (value: Json) => JSON.parse(JSON.stringify(value)) as Json;

describe('mergePatch', () => {
  // The test cases of RFC 7386 appendix A.
  it.each<[Json, Json, Json]>([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('lays %3$j on %1$j', (target, patch, result) => {
    expect(plain(mergePatch(target, patch))).toEqual(result);
  });

  it('treats __proto__ as any other key', () => {
    const result = mergePatch({}, JSON.parse('{"__proto__": {"polluted": true}}') as Json);
    expect(JSON.stringify(result)).toBe('{"__proto__":{"polluted":true}}');
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('changes neither of its arguments', () => {
    const target = { a: { b: 1 } };
    mergePatch(target, { a: { b: null, c: 2 } });
    expect(target).toEqual({ a: { b: 1 } });
  });
});

describe('jsonPatch', () => {
  // After RFC 6902 appendix A.
  it.each<[string, Json, Json, Json]>([
    ['adds a member', { foo: 'bar' }, [{ op: 'add', path: '/baz', value: 'qux' }], { baz: 'qux', foo: 'bar' }],
    [
      'adds to a list',
      { foo: ['bar', 'baz'] },
      [{ op: 'add', path: '/foo/1', value: 'qux' }],
      { foo: ['bar', 'qux', 'baz'] },
    ],
    ['adds at the end of a list', { foo: ['a'] }, [{ op: 'add', path: '/foo/-', value: ['b'] }], { foo: ['a', ['b']] }],
    ['removes a member', { baz: 'qux', foo: 'bar' }, [{ op: 'remove', path: '/baz' }], { foo: 'bar' }],
    ['removes from a list', { foo: ['a', 'b', 'c'] }, [{ op: 'remove', path: '/foo/1' }], { foo: ['a', 'c'] }],
    [
      'replaces',
      { baz: 'qux', foo: 'bar' },
      [{ op: 'replace', path: '/baz', value: 'boo' }],
      { baz: 'boo', foo: 'bar' },
    ],
    [
      'moves',
      { foo: { bar: 'baz', waldo: 'fred' }, qux: {} },
      [{ op: 'move', from: '/foo/waldo', path: '/qux/thud' }],
      { foo: { bar: 'baz' }, qux: { thud: 'fred' } },
    ],
    [
      'moves within a list',
      { foo: ['a', 'b', 'c', 'd'] },
      [{ op: 'move', from: '/foo/1', path: '/foo/3' }],
      { foo: ['a', 'c', 'd', 'b'] },
    ],
    ['copies', { a: { b: 1 } }, [{ op: 'copy', from: '/a', path: '/c' }], { a: { b: 1 }, c: { b: 1 } }],
    [
      'tests',
      { a: [{ b: 1, c: null }] },
      [{ op: 'test', path: '/a', value: [{ c: null, b: 1 }] }],
      { a: [{ b: 1, c: null }] },
    ],
    ['ignores members that it does not know', { a: 1 }, [{ op: 'remove', path: '/a', xyz: 1 }], {}],
    [
      'reads escapes',
      { '/': 9, '~1': 10 },
      [
        { op: 'test', path: '/~01', value: 10 },
        { op: 'remove', path: '/~1' },
      ],
      { '~1': 10 },
    ],
    ['replaces the whole', { a: 1 }, [{ op: 'replace', path: '', value: { b: 2 } }], { b: 2 }],
    ['adds null', { a: 1 }, [{ op: 'add', path: '/b', value: null }], { a: 1, b: null }],
  ])('%s', (_, document, patch, result) => {
    expect(plain(jsonPatch(document, patch))).toEqual(result);
  });

  it.each<[Json, Json, string]>([
    [{ a: 1 }, { op: 'remove' }, 'a JSON patch is a list of operations'],
    [{ a: 1 }, ['x'], 'an operation is a map with "op" and "path"'],
    [{ a: 1 }, [{ path: '/a' }], 'null is not an operation; the operations are add, remove, replace, move, copy, test'],
    [
      { a: 1 },
      [{ op: 'ad', path: '/a' }],
      '"ad" is not an operation; the operations are add, remove, replace, move, copy, test',
    ],
    [{ a: 1 }, [{ op: 'remove' }], '"path" is missing'],
    [{ a: 1 }, [{ op: 'remove', path: 'a' }], '"path" must begin with "/"'],
    [{ a: 1 }, [{ op: 'remove', path: '/~2' }], '"path" holds a "~" that is neither "~0" nor "~1"'],
    [{ a: 1 }, [{ op: 'add', path: '/b' }], '"value" is missing'],
    [{ a: 1 }, [{ op: 'remove', path: '/b/c' }], 'there is nothing at /b'],
    [{ a: 1 }, [{ op: 'add', path: '/b/c', value: 1 }], 'there is nothing at /b'],
    [{ a: 1 }, [{ op: 'add', path: '/a/b', value: 1 }], '/a is neither a map nor a list'],
    [{ a: 1 }, [{ op: 'replace', path: '/b', value: 1 }], 'there is nothing at /b'],
    [{ a: [1] }, [{ op: 'add', path: '/a/2', value: 1 }], 'there is nothing at /a/2: the list has 1 items'],
    [{ a: [1] }, [{ op: 'add', path: '/a/01', value: 1 }], '"01" in /a/01 is not an index into a list'],
    [{ a: [1] }, [{ op: 'remove', path: '/a/-' }], 'there is nothing at /a/-'],
    [{ a: { b: 1 } }, [{ op: 'move', from: '/a', path: '/a/b/c' }], '"from" cannot be moved into itself'],
    [{ a: 1 }, [{ op: 'test', path: '/a', value: '1' }], 'the value at /a is another one'],
    [{ a: 1 }, [{ op: 'remove', path: '' }], 'the whole document cannot be removed'],
    [{ a: 1 }, [{ op: 'remove', path: '/__proto__' }], 'there is nothing at /__proto__'],
  ])('refuses on %j: %j', (document, patch, message) => {
    expect(() => jsonPatch(document, patch)).toThrow(message);
  });

  it('says in which operation, counted from 1, and leaves the document as it was', () => {
    const document = { a: 1 };
    try {
      jsonPatch(document, [
        { op: 'add', path: '/b', value: 2 },
        { op: 'remove', path: '/c' },
      ]);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(JsonPatchError);
      expect((error as JsonPatchError).operation).toBe(2);
    }
    expect(document).toEqual({ a: 1 });
  });

  it('never crashes on operations of any shape', () => {
    const anything = fc.jsonValue();
    const operation = fc.record(
      {
        op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'x'),
        path: fc.oneof(fc.string(), fc.constantFrom('', '/a', '/a/0', '/a/-', '/b/c')),
        from: fc.constantFrom('', '/a', '/a/0'),
        value: anything,
      },
      { requiredKeys: ['op'] },
    );
    fc.assert(
      fc.property(anything, fc.oneof(anything, fc.array(operation)), (document, patch) => {
        try {
          jsonPatch(document as Json, patch as Json);
        } catch (error) {
          expect(error).toBeInstanceOf(JsonPatchError);
        }
      }),
    );
  });
});

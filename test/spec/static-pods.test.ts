import { describe, expect, test } from 'vitest';
import { faultsOf, file, THREE } from '../support/spec.ts';

const entry = (yaml: string) => faultsOf(file(`${THREE}\nstaticPods:\n  - ${yaml}`));

describe('an entry of spec.staticPods', () => {
  test('holds either a source or a manifest', () => {
    expect(entry('{nodes: [cp1]}')).toEqual([
      'cluster.yaml:10:7: spec.staticPods[0]: "manifest" or "source" is missing',
    ]);
    expect(entry('{source: pod.yaml, manifest: {}}')).toEqual([
      'cluster.yaml:10:7: spec.staticPods[0]: holds both "manifest" and "source"; keep one of them',
    ]);
  });

  test('names a file that is there', () => {
    expect(entry('{source: nowhere.yaml}')).toEqual([
      expect.stringMatching(/^cluster\.yaml:10:7: spec\.staticPods\[0\]: nowhere\.yaml: cannot be read: /),
    ]);
  });

  test('names nodes that are there', () => {
    expect(entry('{manifest: {kind: Pod}, nodes: [cp1, cp22]}')).toEqual([
      'cluster.yaml:10:44: spec.staticPods[0].nodes[1]: there is no node "cp22"; did you mean "cp2"?',
    ]);
  });

  test('has no other fields, and comes by file alone', () => {
    expect(entry('{manifest: {kind: Pod}, via: http}')).toEqual([
      expect.stringMatching(/^cluster\.yaml:10:31: spec\.staticPods\[0\]\.via: unknown field/),
    ]);
  });
});

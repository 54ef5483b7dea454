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

  test('has no other fields', () => {
    expect(entry('{manifest: {kind: Pod}, vie: http}')).toEqual([
      expect.stringMatching(/^cluster\.yaml:10:31: spec\.staticPods\[0\]\.vie: unknown field; did you mean "via"/),
    ]);
  });

  test('comes by file or by URL, and by URL only where there is a server', () => {
    expect(entry('{manifest: {kind: Pod}, via: ftp}')).toEqual([
      expect.stringMatching(/^cluster\.yaml:10:36: spec\.staticPods\[0\]\.via: .*file/),
    ]);
    expect(entry('{manifest: {kind: Pod}, via: http}')).toEqual([
      'cluster.yaml:10:36: spec.staticPods[0].via: needs spec.serve: where do the kubelets find `bootstrap serve`?; ' +
        'write `serve: {endpoint: pods.example.com:8443}`',
    ]);
    const served = file(
      `${THREE}\nserve: {endpoint: pods.example.com}\nstaticPods:\n  - {manifest: {kind: Pod}, via: http}`,
    );
    expect(faultsOf(served)).toEqual([]);
    expect(faultsOf(file(`${THREE}\nserve: {endpoint: pods.example.com, httpCheckFrequency: 10ms}`))).toEqual([
      'cluster.yaml:9:59: spec.serve.httpCheckFrequency: 10ms is too often; use 1s or more; the default is 20s',
    ]);
  });

  test('is stopped on all of its nodes, or on some that are there', () => {
    expect(entry('{manifest: {kind: Pod}, stopped: true}')).toEqual([]);
    expect(entry('{manifest: {kind: Pod}, stopped: [cp1]}')).toEqual([]);
    expect(entry('{manifest: {kind: Pod}, stopped: [cp9]}')).toEqual([
      expect.stringMatching(/spec\.staticPods\[0\]\.stopped\[0\]: there is no node "cp9"/),
    ]);
    expect(entry('{manifest: {kind: Pod}, stopped: yes please}')).toHaveLength(1);
  });
});

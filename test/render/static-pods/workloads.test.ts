import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { container, read, short, told } from './fixtures.ts';

const template = {
  metadata: { labels: { app: 'x' }, annotations: { note: 'y' } },
  spec: { containers: [container()] },
};

function workload(kind: string, apiVersion: string, spec: object): object {
  return {
    apiVersion,
    kind,
    metadata: { name: 'x', namespace: 'kube-system', labels: { of: 'workload' } },
    spec: { template, ...spec },
  };
}

const selector = { matchLabels: { app: 'x' } };

describe('what has a pod template', () => {
  it.each([
    ['Deployment', 'apps/v1', { selector }, 'a change stops the old pod before the new one starts'],
    [
      'ReplicaSet',
      'apps/v1',
      { selector, replicas: 2 },
      'its 2 replicas become as many pods as there are nodes for it',
    ],
    ['ReplicationController', 'v1', {}, 'nothing moves it to another node'],
    ['DaemonSet', 'apps/v1', { selector, updateStrategy: { type: 'OnDelete' } }, 'updateStrategy is ignored'],
    ['StatefulSet', 'apps/v1', { selector, serviceName: 's' }, 'it is not called x-0'],
    ['Job', 'batch/v1', { backoffLimit: 3 }, 'backoffLimit is ignored, nobody records that it is done'],
  ])('is split where it means the same: a %s, with a warning of what is lost', (kind, apiVersion, spec, lost) => {
    const { pods, faults } = read(stringify(workload(kind, apiVersion, spec)));
    expect(short(faults)).toEqual([expect.stringContaining(lost)]);
    expect(short(faults)[0]).toMatch(new RegExp(`^warning kind: ${kind}: as a static pod`));
    expect(pods.map(({ name, namespace, manifest }) => [name, namespace, manifest['metadata']])).toEqual([
      ['x', 'kube-system', { name: 'x', namespace: 'kube-system', labels: { app: 'x' }, annotations: { note: 'y' } }],
    ]);
  });

  it('is a PodTemplate, of which nothing is lost', () => {
    expect(told({ apiVersion: 'v1', kind: 'PodTemplate', metadata: { name: 'x' }, template })).toEqual([]);
  });

  it.each([
    ['Deployment', 'apps/v1', { selector, replicas: 0 }, 'error spec.replicas: no replica is wanted'],
    [
      'StatefulSet',
      'apps/v1',
      { selector, volumeClaimTemplates: [{ metadata: { name: 'data' } }] },
      'error spec.volumeClaimTemplates: a static pod can claim no volume (data)',
    ],
    [
      'Job',
      'batch/v1',
      { completions: 5 },
      'error spec.completions: a static pod is one run on each of its nodes, not 5',
    ],
    ['Job', 'batch/v1', { parallelism: 2 }, 'error spec.parallelism: a static pod is one run'],
    ['Job', 'batch/v1', { suspend: true }, 'error spec.suspend: a static pod cannot be suspended'],
    ['Deployment', 'apps/v1', { selector, template: undefined }, 'error spec.template: is missing'],
    ['ReplicationController', 'v1', { template: undefined }, 'error spec.template: is missing'],
    ['ReplicationController', 'v1', { template: {} }, 'error spec.template.spec: is missing'],
  ])('is refused where it cannot mean anything: a %s', (kind, apiVersion, spec, wanted) => {
    const { pods, faults } = read(stringify(workload(kind, apiVersion, spec)));
    expect(pods).toEqual([]);
    expect(short(faults).filter((fault) => fault.startsWith('error'))).toEqual([expect.stringContaining(wanted)]);
  });

  it('has its faults at their own place in its own document', () => {
    const spec = {
      selector,
      template: { spec: { containers: [container({ ports: [{ containerPort: 99999 }] })], hostNetwork: 1 } },
    };
    expect(
      told(workload('Deployment', 'apps/v1', { ...spec, replica: 3 })).filter((fault) => fault.startsWith('error')),
    ).toEqual([
      'error spec.template.spec.hostNetwork: must be true or false, not 1',
      'error spec.replica: unknown field; the kubelet would drop it without a word; did you mean "replicas"?',
      'error spec.template.spec.containers[0].ports[0].containerPort: 99999 is no port: 1 to 65535',
    ]);
  });
});

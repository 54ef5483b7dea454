import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { podSchema } from '../../src/kubernetes/pod-schema.ts';

const validate = new Ajv2020({ allowUnionTypes: true, strict: true }).compile(podSchema);
const problem = (pod: unknown): string | undefined => {
  if (validate(pod)) return undefined;
  const error = validate.errors?.[0];
  return `${error?.instancePath} ${error?.keyword}`;
};

const container = (more: object = {}) => ({ name: 'main', image: 'registry.example.com/main:1', ...more });
const pod = (spec: object = {}, metadata: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', ...metadata },
  spec: { containers: [container()], ...spec },
});
const withContainer = (more: object) => pod({ containers: [container(more)] });

describe('the schema of a static pod', () => {
  it.each<[string, unknown]>([
    ['the least', pod()],
    ['what kubeadm adds', { ...pod({}, { namespace: 'kube-system', creationTimestamp: null }), status: {} }],
    [
      'a control-plane component',
      pod({
        hostNetwork: true,
        priority: 2000001000,
        priorityClassName: 'system-node-critical',
        securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
        containers: [
          container({
            command: ['kube-apiserver', '--v=2'],
            ports: [{ containerPort: 6443, name: 'probe-port', protocol: 'TCP' }],
            livenessProbe: { httpGet: { host: '10.0.0.11', path: '/livez', port: 'probe-port', scheme: 'HTTPS' } },
            readinessProbe: { httpGet: { path: '/readyz', port: 6443 }, periodSeconds: 1 },
            resources: { requests: { cpu: '250m', memory: 100 } },
            volumeMounts: [{ mountPath: '/etc/ssl/certs', name: 'ca-certs', readOnly: true }],
            env: [
              { name: 'A', value: 'b' },
              { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
            ],
          }),
        ],
        volumes: [{ name: 'ca-certs', hostPath: { path: '/etc/ssl/certs', type: 'DirectoryOrCreate' } }],
      }),
    ],
    [
      'much else',
      pod({
        initContainers: [container({ restartPolicy: 'Always', securityContext: { capabilities: { drop: ['ALL'] } } })],
        tolerations: [{ operator: 'Exists', effect: 'NoExecute' }],
        affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'a' }] } },
        dnsConfig: { nameservers: ['10.0.0.1'], options: [{ name: 'ndots', value: '2' }] },
        volumes: [
          { name: 'a', emptyDir: { sizeLimit: '1Gi' } },
          { name: 'b', downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
          { name: 'c', image: { reference: 'registry.example.com/data:1' } },
          { name: 'd', nfs: { server: '10.0.0.2', path: '/x' } },
        ],
      }),
    ],
  ])('takes %s', (_, value) => {
    expect(problem(value)).toBeUndefined();
  });

  it.each<[string, unknown, string]>([
    ['a misspelled field', pod({ hostNetworking: true }), '/spec additionalProperties'],
    ['a misspelled field of a container', withContainer({ comand: [] }), '/spec/containers/0 additionalProperties'],
    [
      'a misspelled field of a probe',
      withContainer({ livenessProbe: { httpget: { port: 1 } } }),
      '/spec/containers/0/livenessProbe additionalProperties',
    ],
    [
      'a misspelled field of a mount',
      withContainer({ volumeMounts: [{ name: 'a', mountPath: '/a', readonly: true }] }),
      '/spec/containers/0/volumeMounts/0 additionalProperties',
    ],
    ['a string for a boolean', pod({ hostNetwork: 'true' }), '/spec/hostNetwork type'],
    ['a number for a string', withContainer({ command: [1] }), '/spec/containers/0/command/0 type'],
    [
      'a number in an environment',
      withContainer({ env: [{ name: 'A', value: 1 }] }),
      '/spec/containers/0/env/0/value type',
    ],
    [
      'a volume type that does not exist',
      pod({ volumes: [{ name: 'a', hostPath: { path: '/', type: 'Dir' } }] }),
      '/spec/volumes/0/hostPath/type enum',
    ],
    [
      'a volume with two sources',
      pod({ volumes: [{ name: 'a', emptyDir: {}, hostPath: { path: '/' } }] }),
      '/spec/volumes/0 maxProperties',
    ],
    ['no container', pod({ containers: [] }), '/spec/containers minItems'],
    ['a container without an image', pod({ containers: [{ name: 'a' }] }), '/spec/containers/0 required'],
    ['a name in capitals', pod({}, { name: 'Web' }), '/metadata/name pattern'],
    ['a UID, which hides changes', pod({}, { uid: 'x' }), '/metadata additionalProperties'],
    ['a list of pods', { apiVersion: 'v1', kind: 'PodList', items: [] }, ' required'],
    ['nothing', null, ' type'],
  ])('refuses %s', (_, value, where) => {
    expect(problem(value)).toBe(where);
  });

  it.each<[string, unknown]>([
    ['a service account', pod({ serviceAccountName: 'a' })],
    ['pull secrets', pod({ imagePullSecrets: [{ name: 'a' }] })],
    ['a secret volume', pod({ volumes: [{ name: 'a', secret: { secretName: 'a' } }] })],
    ['a config map', withContainer({ envFrom: [{ configMapRef: { name: 'a' } }] })],
    [
      'a secret in the environment',
      withContainer({ env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'a', key: 'b' } } }] }),
    ],
    ['a volume claim', pod({ volumes: [{ name: 'a', persistentVolumeClaim: { claimName: 'a' } }] })],
    ['a token', pod({ volumes: [{ name: 'a', projected: { sources: [{ serviceAccountToken: { path: 'a' } }] } }] })],
    ['a resource claim', withContainer({ resources: { claims: [{ name: 'a' }] } })],
    ['ephemeral containers', pod({ ephemeralContainers: [] })],
  ])('refuses %s, which no static pod may have', (_, value) => {
    expect(problem(value)).toMatch(/additionalProperties$/);
  });
});

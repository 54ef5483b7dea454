/**
 * JSON Schema (2020-12) of a core/v1 Pod as a static pod may be (k8s.io/api/core/v1 types.go, 1.36). Closed at every
 * level, because the kubelet drops unknown fields without a word. What the kubelet refuses in a static pod is left out:
 * service accounts, secrets, config maps, claims, CSI, ephemeral containers (pkg/kubelet/config/common.go); and
 * `metadata.uid`, which would keep the kubelet from seeing changes.
 */

type Schema = Readonly<Record<string, unknown>>;

const string: Schema = { type: 'string' };
const boolean: Schema = { type: 'boolean' };
const int32: Schema = { type: 'integer', minimum: -2147483648, maximum: 2147483647 };
const int64: Schema = { type: 'integer' };
const port: Schema = { type: 'integer', minimum: 0, maximum: 65535 };
const intOrString: Schema = { type: ['integer', 'string'] };
const quantity: Schema = { type: ['string', 'number'] };

const list = (items: Schema): Schema => ({ type: 'array', items });
const map = (values: Schema): Schema => ({ type: 'object', additionalProperties: values });
const word = (...words: readonly string[]): Schema => ({ enum: words });
const ref = (name: string): Schema => ({ $ref: `#/$defs/${name}` });
const closed = (properties: Readonly<Record<string, Schema>>, ...required: readonly string[]): Schema => ({
  type: 'object',
  additionalProperties: false,
  properties,
  ...(required.length > 0 && { required }),
});

const probeHandlers = {
  exec: ref('exec'),
  httpGet: ref('httpGet'),
  tcpSocket: ref('tcpSocket'),
};

const volumeSources = {
  hostPath: closed(
    {
      path: string,
      type: word('', 'DirectoryOrCreate', 'Directory', 'FileOrCreate', 'File', 'Socket', 'CharDevice', 'BlockDevice'),
    },
    'path',
  ),
  emptyDir: closed({ medium: string, sizeLimit: quantity }),
  downwardAPI: closed({ items: list(ref('downwardFile')), defaultMode: int32 }),
  projected: closed({
    sources: list(closed({ downwardAPI: closed({ items: list(ref('downwardFile')) }) })),
    defaultMode: int32,
  }),
  image: closed({ reference: string, pullPolicy: ref('pullPolicy') }),
  nfs: closed({ server: string, path: string, readOnly: boolean }, 'server', 'path'),
  iscsi: closed(
    {
      targetPortal: string,
      iqn: string,
      lun: int32,
      iscsiInterface: string,
      fsType: string,
      readOnly: boolean,
      portals: list(string),
      chapAuthDiscovery: boolean,
      chapAuthSession: boolean,
      initiatorName: string,
    },
    'targetPortal',
    'iqn',
    'lun',
  ),
  fc: closed({ targetWWNs: list(string), lun: int32, fsType: string, readOnly: boolean, wwids: list(string) }),
  flexVolume: closed({ driver: string, fsType: string, readOnly: boolean, options: map(string) }, 'driver'),
};

const nodeRequirement = closed(
  { key: string, operator: word('In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'), values: list(string) },
  'key',
  'operator',
);

const identity = {
  seLinuxOptions: closed({ user: string, role: string, type: string, level: string }),
  windowsOptions: closed({
    gmsaCredentialSpecName: string,
    gmsaCredentialSpec: string,
    runAsUserName: string,
    hostProcess: boolean,
  }),
  runAsUser: int64,
  runAsGroup: int64,
  runAsNonRoot: boolean,
  seccompProfile: ref('profile'),
  appArmorProfile: ref('profile'),
};

const $defs = {
  pullPolicy: word('Always', 'Never', 'IfNotPresent'),
  profile: closed({ type: word('Unconfined', 'RuntimeDefault', 'Localhost'), localhostProfile: string }, 'type'),
  fieldRef: closed({ apiVersion: string, fieldPath: string }, 'fieldPath'),
  resourceFieldRef: closed({ containerName: string, resource: string, divisor: quantity }, 'resource'),
  downwardFile: closed(
    { path: string, fieldRef: ref('fieldRef'), resourceFieldRef: ref('resourceFieldRef'), mode: int32 },
    'path',
  ),
  exec: closed({ command: list(string) }),
  httpGet: closed(
    {
      path: string,
      port: intOrString,
      host: string,
      scheme: word('HTTP', 'HTTPS'),
      httpHeaders: list(closed({ name: string, value: string }, 'name', 'value')),
    },
    'port',
  ),
  tcpSocket: closed({ port: intOrString, host: string }, 'port'),
  probe: closed({
    ...probeHandlers,
    grpc: closed({ port, service: { type: ['string', 'null'] } }, 'port'),
    initialDelaySeconds: int32,
    timeoutSeconds: int32,
    periodSeconds: int32,
    successThreshold: int32,
    failureThreshold: int32,
    terminationGracePeriodSeconds: int64,
  }),
  hook: closed({ ...probeHandlers, sleep: closed({ seconds: int64 }, 'seconds') }),
  resources: closed({ limits: map(quantity), requests: map(quantity) }),
  env: closed(
    {
      name: { type: 'string', minLength: 1 },
      value: string,
      valueFrom: closed({
        fieldRef: ref('fieldRef'),
        resourceFieldRef: ref('resourceFieldRef'),
        fileKeyRef: closed(
          { volumeName: string, path: string, key: string, optional: boolean },
          'volumeName',
          'path',
          'key',
        ),
      }),
    },
    'name',
  ),
  container: closed(
    {
      name: { type: 'string', pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$' },
      image: { type: 'string', minLength: 1 },
      command: list(string),
      args: list(string),
      workingDir: string,
      ports: list(
        closed(
          { name: string, hostPort: port, containerPort: port, protocol: word('TCP', 'UDP', 'SCTP'), hostIP: string },
          'containerPort',
        ),
      ),
      env: list(ref('env')),
      resources: ref('resources'),
      resizePolicy: list(
        closed(
          { resourceName: string, restartPolicy: word('NotRequired', 'RestartContainer') },
          'resourceName',
          'restartPolicy',
        ),
      ),
      restartPolicy: word('Always', 'OnFailure', 'Never'),
      restartPolicyRules: list(
        closed(
          {
            action: word('Restart', 'RestartAllContainers'),
            exitCodes: closed({ operator: word('In', 'NotIn'), values: list(int32) }, 'operator'),
          },
          'action',
        ),
      ),
      volumeMounts: list(
        closed(
          {
            name: string,
            readOnly: boolean,
            recursiveReadOnly: word('Disabled', 'IfPossible', 'Enabled'),
            mountPath: { type: 'string', minLength: 1 },
            subPath: string,
            mountPropagation: word('None', 'HostToContainer', 'Bidirectional'),
            subPathExpr: string,
          },
          'name',
          'mountPath',
        ),
      ),
      volumeDevices: list(closed({ name: string, devicePath: string }, 'name', 'devicePath')),
      livenessProbe: ref('probe'),
      readinessProbe: ref('probe'),
      startupProbe: ref('probe'),
      lifecycle: closed({
        postStart: ref('hook'),
        preStop: ref('hook'),
        stopSignal: { type: 'string', pattern: '^SIG[A-Z0-9+-]+$' },
      }),
      terminationMessagePath: string,
      terminationMessagePolicy: word('File', 'FallbackToLogsOnError'),
      imagePullPolicy: ref('pullPolicy'),
      securityContext: closed({
        ...identity,
        capabilities: closed({ add: list(string), drop: list(string) }),
        privileged: boolean,
        readOnlyRootFilesystem: boolean,
        allowPrivilegeEscalation: boolean,
        procMount: word('Default', 'Unmasked'),
      }),
      stdin: boolean,
      stdinOnce: boolean,
      tty: boolean,
    },
    'name',
    'image',
  ),
  labelSelector: closed({
    matchLabels: map(string),
    matchExpressions: list(
      closed(
        { key: string, operator: word('In', 'NotIn', 'Exists', 'DoesNotExist'), values: list(string) },
        'key',
        'operator',
      ),
    ),
  }),
  nodeTerm: closed({ matchExpressions: list(nodeRequirement), matchFields: list(nodeRequirement) }),
  podTerm: closed(
    {
      labelSelector: ref('labelSelector'),
      namespaces: list(string),
      topologyKey: string,
      namespaceSelector: ref('labelSelector'),
      matchLabelKeys: list(string),
      mismatchLabelKeys: list(string),
    },
    'topologyKey',
  ),
  podAffinity: closed({
    requiredDuringSchedulingIgnoredDuringExecution: list(ref('podTerm')),
    preferredDuringSchedulingIgnoredDuringExecution: list(
      closed({ weight: int32, podAffinityTerm: ref('podTerm') }, 'weight', 'podAffinityTerm'),
    ),
  }),
} satisfies Record<string, Schema>;

const metadata = closed(
  {
    name: {
      type: 'string',
      pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$',
      maxLength: 253,
    },
    namespace: string,
    labels: map(string),
    annotations: map(string),
    // kubeadm wrote it as null for years.
    creationTimestamp: { type: ['string', 'null'] },
  },
  'name',
);

const spec = closed(
  {
    // A volume has one source; without any it is an emptyDir.
    volumes: list({ ...closed({ name: string, ...volumeSources }, 'name'), maxProperties: 2 }),
    initContainers: list(ref('container')),
    containers: { ...list(ref('container')), minItems: 1 },
    restartPolicy: word('Always', 'OnFailure', 'Never'),
    terminationGracePeriodSeconds: int64,
    activeDeadlineSeconds: int64,
    dnsPolicy: word('ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'),
    nodeSelector: map(string),
    automountServiceAccountToken: boolean,
    nodeName: string,
    hostNetwork: boolean,
    hostPID: boolean,
    hostIPC: boolean,
    shareProcessNamespace: boolean,
    securityContext: closed({
      ...identity,
      supplementalGroups: list(int64),
      supplementalGroupsPolicy: word('Merge', 'Strict'),
      fsGroup: int64,
      sysctls: list(closed({ name: string, value: string }, 'name', 'value')),
      fsGroupChangePolicy: word('OnRootMismatch', 'Always'),
      seLinuxChangePolicy: word('Recursive', 'MountOption'),
    }),
    hostname: string,
    subdomain: string,
    affinity: closed({
      nodeAffinity: closed({
        requiredDuringSchedulingIgnoredDuringExecution: closed(
          { nodeSelectorTerms: list(ref('nodeTerm')) },
          'nodeSelectorTerms',
        ),
        preferredDuringSchedulingIgnoredDuringExecution: list(
          closed({ weight: int32, preference: ref('nodeTerm') }, 'weight', 'preference'),
        ),
      }),
      podAffinity: ref('podAffinity'),
      podAntiAffinity: ref('podAffinity'),
    }),
    schedulerName: string,
    tolerations: list(
      closed({
        key: string,
        operator: word('', 'Exists', 'Equal', 'Lt', 'Gt'),
        value: string,
        effect: word('', 'NoSchedule', 'PreferNoSchedule', 'NoExecute'),
        tolerationSeconds: int64,
      }),
    ),
    hostAliases: list(closed({ ip: string, hostnames: list(string) }, 'ip')),
    priorityClassName: string,
    priority: int32,
    dnsConfig: closed({
      nameservers: list(string),
      searches: list(string),
      options: list(closed({ name: string, value: string })),
    }),
    readinessGates: list(closed({ conditionType: string }, 'conditionType')),
    runtimeClassName: string,
    enableServiceLinks: boolean,
    preemptionPolicy: word('PreemptLowerPriority', 'Never'),
    overhead: map(quantity),
    topologySpreadConstraints: list(
      closed(
        {
          maxSkew: int32,
          topologyKey: string,
          whenUnsatisfiable: word('DoNotSchedule', 'ScheduleAnyway'),
          labelSelector: ref('labelSelector'),
          minDomains: int32,
          nodeAffinityPolicy: word('Ignore', 'Honor'),
          nodeTaintsPolicy: word('Ignore', 'Honor'),
          matchLabelKeys: list(string),
        },
        'maxSkew',
        'topologyKey',
        'whenUnsatisfiable',
      ),
    ),
    setHostnameAsFQDN: boolean,
    os: closed({ name: word('linux', 'windows') }, 'name'),
    hostUsers: boolean,
    resources: ref('resources'),
    hostnameOverride: string,
  },
  'containers',
);

/** Compiled by ajv when the program is built. */
export const podSchema: Schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  ...closed(
    {
      apiVersion: { const: 'v1' },
      kind: { const: 'Pod' },
      metadata,
      spec,
      // Written empty by kubeadm; the kubelet sets its own.
      status: { type: 'object' },
    },
    'apiVersion',
    'kind',
    'metadata',
    'spec',
  ),
  $defs,
};

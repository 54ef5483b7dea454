import type { Component } from './component.ts';
import { parseGoBool } from './go-values.ts';
import type { FlagFinding } from './together.ts';

interface Danger {
  readonly flag: string;
  readonly is: (value: string | undefined) => boolean;
  readonly message: string;
}

const isOn = (value: string | undefined) => parseGoBool(value ?? '') === true;
const isOff = (value: string | undefined) => parseGoBool(value ?? '') === false;
const hasAlwaysAllow = (value: string | undefined) =>
  (value ?? '').split(',').some((mode) => mode.trim() === 'AlwaysAllow');

/**
 * Seen on 1.36.2, alone and beside Node,RBAC: "AnonymousAuth is not allowed with the AlwaysAllow authorizer. Resetting
 * AnonymousAuth to false", and /livez answers 401.
 */
const ALWAYS_ALLOW =
  "AlwaysAllow: everybody who signs in may do everything, and the kubelet's probes, which do not, are refused, so that kube-apiserver is killed again and again";

const DANGERS: Readonly<Partial<Record<Component, readonly Danger[]>>> = {
  'kube-apiserver': [
    {
      flag: 'allow-privileged',
      is: isOff,
      message: '--allow-privileged=false: the pods of kube-proxy and of most network plugins are refused',
    },
  ],
  kubelet: [
    { flag: 'anonymous-auth', is: isOn, message: '--anonymous-auth=true: the kubelet answers who does not sign in' },
    {
      flag: 'authorization-mode',
      is: hasAlwaysAllow,
      message: '--authorization-mode=AlwaysAllow: everybody who signs in to the kubelet may run commands in its pods',
    },
  ],
  etcd: [
    {
      flag: 'force-new-cluster',
      is: isOn,
      message: '--force-new-cluster=true: every start throws the other members out; take it away after one start',
    },
    {
      flag: 'client-cert-auth',
      is: (value) => !isOn(value),
      message: '--client-cert-auth is off: everybody who reaches etcd can read and write the whole cluster',
    },
    {
      flag: 'peer-client-cert-auth',
      is: (value) => !isOn(value),
      message: '--peer-client-cert-auth is off: everybody who reaches the peer port of etcd can join it',
    },
  ],
};

/** What a program takes and nobody should want; `flags` is everything that it is started with. */
export function dangersOf(component: Component, flags: ReadonlyMap<string, readonly string[]>): readonly FlagFinding[] {
  const found = (DANGERS[component] ?? []).filter(({ flag, is }) => is(flags.get(flag)?.at(-1)));
  return [
    ...(component === 'kube-apiserver' ? alwaysAllow(flags) : []),
    ...found.map(({ flag, message }) => ({ severity: 'warning' as const, message, flag })),
  ];
}

function alwaysAllow(flags: ReadonlyMap<string, readonly string[]>): readonly FlagFinding[] {
  const flag = 'authorization-mode';
  const modes = flags.get(flag);
  if (modes ? !modes.some(hasAlwaysAllow) : flags.has('authorization-config')) return [];
  const message = modes ? `--${flag} with ${ALWAYS_ALLOW}` : `without --${flag} kube-apiserver takes ${ALWAYS_ALLOW}`;
  // An AuthenticationConfiguration may say something else of anonymous requests.
  return [{ severity: flags.has('authentication-config') ? 'warning' : 'error', message, flag }];
}

/** The same for fields of a KubeletConfiguration: path → value → what is wrong with it. */
export const KUBELET_DANGERS: readonly {
  readonly path: readonly string[];
  readonly value: string | boolean;
  readonly message: string;
}[] = [
  {
    path: ['authentication', 'anonymous', 'enabled'],
    value: true,
    message: 'true: the kubelet answers who does not sign in',
  },
  {
    path: ['authorization', 'mode'],
    value: 'AlwaysAllow',
    message: 'AlwaysAllow: everybody who signs in to the kubelet may run commands in its pods',
  },
];

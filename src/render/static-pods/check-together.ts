import { errorAt, type Fault, type Located, warningAt } from '../../base/fault.ts';
import { locate } from '../../spec/tree.ts';
import { overlapping } from '../listeners.ts';
import type { StaticPod, Via } from './static-pod.ts';

/** A pod of the user's on one of its nodes. */
export interface Placed {
  readonly pod: StaticPod;
  readonly node: string;
  readonly via: Via;
  /** It is not run: it keeps its name, but takes no port. */
  readonly isStopped?: boolean;
}

/** What is there already: a pod of the control plane, or a process such as the kubelet (then without a name). */
export interface Other {
  /** Undefined = on every node. */
  readonly node?: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly ports: readonly TakenPort[];
  /** Who that is, in words: `kube-apiserver (--secure-port)`. */
  readonly from: string;
  /** It may well not be there, so what it takes is only warned of. */
  readonly mayBeAbsent?: boolean;
}

interface TakenPort {
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  /** '' = all addresses. */
  readonly hostIP: string;
}

/** One who is on a node, with the place to tell it at, if it is the user's. */
interface Resident {
  readonly who: string;
  readonly key: string | undefined;
  readonly via: Via | undefined;
  readonly isStopped: boolean;
  readonly at: Located | undefined;
  readonly mayBeAbsent: boolean;
  readonly ports: readonly (TakenPort & { readonly at?: Located })[];
}

/**
 * Pods that cannot be on one node together: of one name (the kubelet would run now one and now the other of two files,
 * and both at once from file and URL), or with a port of the host in common (pkg/kubelet/lifecycle/predicate.go: the
 * second is rejected, or its process finds the port taken).
 */
export function checkTogether(pods: readonly Placed[], others: readonly Other[]): readonly Fault[] {
  const nodes = [...new Set(pods.map(({ node }) => node))];
  return nodes.flatMap((node) => {
    const there = others.filter((other) => other.node === undefined || other.node === node).map(residentOf);
    const faults: Fault[] = [];
    for (const placed of pods.filter((one) => one.node === node)) {
      const mine = ownResident(placed);
      for (const other of there) faults.push(...checkPair(mine, other, node));
      there.push(mine);
    }
    return faults;
  });
}

function residentOf({ namespace, name, ports, from, mayBeAbsent = false }: Other): Resident {
  const key = name === undefined ? undefined : `${namespace || 'default'}/${name}`;
  // what has a name here is a pod of the control plane, and these are always files
  return {
    who: from,
    key,
    via: key === undefined ? undefined : 'file',
    isStopped: false,
    at: undefined,
    mayBeAbsent,
    ports,
  };
}

function ownResident({ pod, via, isStopped = false }: Placed): Resident {
  const key = `${pod.namespace}/${pod.name}`;
  const at = locate(pod.tree, ['metadata', 'name']);
  return {
    who: `the pod ${key}${originOf(at)}`,
    key,
    via,
    isStopped,
    at,
    mayBeAbsent: false,
    ports: isStopped ? [] : pod.ports,
  };
}

function originOf({ origin }: Located): string {
  return 'place' in origin ? ` (${origin.place.file}:${origin.place.line})` : '';
}

function checkPair(mine: Resident, other: Resident, node: string): readonly Fault[] {
  if (mine.key !== undefined && mine.key === other.key) {
    // then their ports are the same too, and it is one mistake
    const once = mine.isStopped || other.isStopped ? 'once both are started, ' : '';
    const how =
      other.via === mine.via
        ? 'the kubelet would run now the one, now the other'
        : 'one by file and one by URL, the kubelet would run both, and they would fight for what they share';
    const message = `${node} has two pods called ${mine.key}: this and ${other.who}; ${once}${how}`;
    return [errorAt(mine.at, message, 'give it another name, or put it on another node')];
  }
  return mine.ports.flatMap((port) => {
    const taken = other.ports.find((one) => clash(port, one));
    if (!taken) return [];
    const message = `port ${describe(port)} of ${node} is taken by ${other.who}${sameAddress(port, taken)}`;
    const make = other.mayBeAbsent ? warningAt : errorAt;
    return [make(port.at ?? mine.at, `${mine.who.replace(/ \(.*$/, '')}: ${message}`, 'take another port')];
  });
}

function clash(a: TakenPort, b: TakenPort): boolean {
  return a.port === b.port && a.protocol === b.protocol && overlapping(address(a), address(b));
}

/** To the kubelet `0.0.0.0` and nothing are the same (kube-scheduler framework, HostPortInfo). */
function address({ hostIP }: TakenPort): string {
  return hostIP === '0.0.0.0' || hostIP === '::' ? '' : hostIP;
}

function describe({ port, protocol, hostIP }: TakenPort): string {
  return `${port}/${protocol}${hostIP ? ` on ${hostIP}` : ''}`;
}

function sameAddress(mine: TakenPort, other: TakenPort): string {
  return mine.hostIP === other.hostIP || !other.hostIP ? '' : `, on ${other.hostIP}`;
}

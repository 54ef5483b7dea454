import { join } from 'node:path';

/** What the world tells one machine; it gets it as JSON. */
export interface MachineSettings {
  /** The node's name, which is the machine's host name too. */
  readonly name: string;
  /** The directory that is the node's `/`. */
  readonly root: string;
  /** Where the machine keeps what no real one has on its disk: requests of systemctl, its log, its list of containers. */
  readonly state: string;
  /** The PATH of everything that runs on it; the stand-ins of systemctl and journalctl come first. */
  readonly path: string;
  /** The stand-in of Kubernetes' programs. */
  readonly component: string;
  /** Files that the stand-ins read: names of flags, a self-signed certificate. */
  readonly shared: string;
  /** `v1.36.2`. */
  readonly kubeletVersion: string;
  /** Milliseconds of the first back-off of a crashed container (kubelet: 10 s). */
  readonly backOffMs: number;
  /** Flags that this machine's etcd does not know, and what stands for them there (undefined = left out). */
  readonly etcdFlags: Readonly<Record<string, string | null>>;
}

/** A path of the node as it is on this machine. */
export const onNode = (settings: MachineSettings, path: string): string => join(settings.root, path);

/** The environment of a process of the node. BOOTSTRAP_NODE_ROOT is also how the world finds all of them again. */
export const environment = (settings: MachineSettings): Record<string, string> => ({
  PATH: settings.path,
  HOME: settings.state,
  HOSTNAME: settings.name,
  BOOTSTRAP_NODE_ROOT: settings.root,
  WORLD_MACHINE: settings.state,
});

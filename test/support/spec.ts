import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BootstrapError } from '../../src/base/errors.ts';
import { describeFault } from '../../src/base/fault.ts';
import type { Cluster } from '../../src/spec/cluster.ts';
import { type LoadOptions, loadCluster } from '../../src/spec/load.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

type Extra = Partial<Pick<LoadOptions, 'profiles' | 'sets' | 'profileFolders'>>;

const options = (text: string, extra: Extra): LoadOptions => ({
  file: join(root, 'cluster.yaml'),
  shown: 'cluster.yaml',
  text,
  profileFolders: [{ path: join(root, 'profiles'), shown: 'profiles' }],
  ...extra,
});

/** The cluster that a cluster file with this text describes. */
export function clusterOf(text: string, extra: Extra = {}): Cluster {
  return loadCluster(options(text, extra)).cluster;
}

/** What is said of a cluster file: its faults, one a line, warnings with "warning" before them. */
export function faultsOf(text: string, extra: Extra = {}): readonly string[] {
  const show = (faults: BootstrapError['faults']) =>
    faults.map((f) => (f.severity === 'warning' ? `warning: ${describeFault(f)}` : describeFault(f)));
  try {
    return show(loadCluster(options(text, extra)).warnings);
  } catch (error) {
    if (!(error instanceof BootstrapError)) throw error;
    return error.faults.length ? show(error.faults) : [error.message];
  }
}

/** A cluster file with this spec. The spec begins at line 4, two columns in. */
export const file = (spec: string): string =>
  `apiVersion: bootstrap/v1alpha1\nkind: Cluster\nspec:\n${spec.replace(/^\n/, '').replace(/^/gm, '  ')}\n`;

/** Three masters that nothing is wrong with, as lines of a spec. */
export const THREE = `controlPlaneEndpoint: api.example.com
nodes:
  - {name: cp1, addresses: [10.0.0.11]}
  - {name: cp2, addresses: [10.0.0.12]}
  - {name: cp3, addresses: [10.0.0.13]}`;

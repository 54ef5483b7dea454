import { BootstrapError, EXIT_STATUS } from '../../base/errors.ts';
import type { Cluster } from '../../spec/cluster.ts';
import { masked } from '../../spec/masked.ts';
import { CLUSTER_SCHEMA } from '../../spec/schema.ts';
import { count, printResult } from '../format.ts';
import { processIo } from '../io.ts';
import { load, loadChecked } from '../load.ts';
import type { CommonOptions } from '../options.ts';
import { faultData, reportFaults } from '../report.ts';
import { workspace } from '../workspace.ts';

/** `config validate`: everything that can be known to be wrong without touching keys or nodes. */
export async function validate(options: CommonOptions): Promise<number> {
  const io = processIo(options);
  const space = workspace(options);
  const asData = options.output === 'json' || options.output === 'yaml';
  const found = await loadChecked(space, options).catch((error: unknown) => {
    if (asData && error instanceof BootstrapError && error.faults.length) return error;
    throw error;
  });
  const faults = found instanceof BootstrapError ? found.faults : found.warnings;
  if (!asData) reportFaults(faults, io);
  const data = { valid: !(found instanceof BootstrapError), faults: faults.map(faultData) };
  printResult(io, options.output, data, () =>
    found instanceof BootstrapError ? '' : `${space.show(space.clusterFile)} is valid: ${describe(found.cluster)}`,
  );
  return found instanceof BootstrapError ? EXIT_STATUS[found.code] : 0;
}

function describe({ nodes, version, profiles }: Cluster): string {
  return `${count(nodes.length, 'node')}, Kubernetes ${version.text}${profiles.length ? `, ${profiles.join(' + ')}` : ''}`;
}

/** `config show`: the whole cluster as it is after profiles, options and defaults, as a cluster file again. */
export function show(options: CommonOptions): number {
  const io = processIo(options);
  const { cluster, warnings } = load(workspace(options), options);
  reportFaults(warnings, io);
  const data = {
    apiVersion: 'bootstrap/v1alpha1',
    kind: 'Cluster',
    metadata: { name: cluster.name },
    spec: masked(cluster.spec),
  };
  printResult(io, options.output === 'json' ? 'json' : 'yaml', data, () => '');
  return 0;
}

/** `config schema`: the JSON Schema of the cluster file. */
export function schema(options: CommonOptions): number {
  processIo(options).out(JSON.stringify(CLUSTER_SCHEMA, null, 2));
  return 0;
}

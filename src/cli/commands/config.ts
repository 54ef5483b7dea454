import { BootstrapError, EXIT_STATUS } from '../../base/errors.ts';
import type { Fault } from '../../base/fault.ts';
import { checkCluster } from '../../render/render.ts';
import type { Cluster } from '../../spec/cluster.ts';
import { CLUSTER_SCHEMA } from '../../spec/schema.ts';
import { toJson } from '../../spec/tree.ts';
import { count, printResult } from '../format.ts';
import { processIo } from '../io.ts';
import { load } from '../load.ts';
import type { CommonOptions } from '../options.ts';
import { renderContext } from '../render-context.ts';
import { faultData, reportFaults } from '../report.ts';
import { workspace } from '../workspace.ts';

/** `config validate`: everything that can be known to be wrong without touching keys or nodes. */
export async function validate(options: CommonOptions): Promise<number> {
  const io = processIo(options);
  const space = workspace(options);
  const asData = options.output === 'json' || options.output === 'yaml';
  let cluster: Cluster | undefined;
  let faults: readonly Fault[];
  try {
    const loaded = load(space, options);
    cluster = loaded.cluster;
    faults = [...loaded.warnings, ...checkCluster(cluster, await renderContext(cluster, space))];
  } catch (error) {
    if (!asData || !(error instanceof BootstrapError) || !error.faults.length) throw error;
    faults = error.faults;
  }
  const errors = faults.filter((fault) => fault.severity === 'error');
  const shown = space.show(space.clusterFile);
  if (errors.length && !asData)
    throw new BootstrapError('cluster-file', `${shown} has ${count(errors.length, 'error')}`, { faults });
  if (!asData) reportFaults(faults, io);
  printResult(
    io,
    options.output,
    { valid: !errors.length, faults: faults.map((fault) => ({ ...faultData(fault) })) as never },
    () => {
      const { version, nodes = [], profiles = [] } = cluster ?? {};
      return `${shown} is valid: ${count(nodes.length, 'node')}, Kubernetes ${version?.text}${profiles.length ? `, ${profiles.join(' + ')}` : ''}`;
    },
  );
  return errors.length ? EXIT_STATUS['cluster-file'] : 0;
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
    spec: toJson(cluster.spec),
  };
  printResult(io, options.output === 'json' ? 'json' : 'yaml', data, () => '');
  return 0;
}

/** `config schema`: the JSON Schema of the cluster file. */
export function schema(options: CommonOptions): number {
  processIo(options).out(JSON.stringify(CLUSTER_SCHEMA, null, 2));
  return 0;
}

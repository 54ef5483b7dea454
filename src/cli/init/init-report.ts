import { basename, join } from 'node:path';
import { shellQuoted } from '../../base/posix-quote.ts';
import { allNodes } from '../../spec/all-nodes.ts';
import type { Cluster } from '../../spec/cluster.ts';
import { count, table } from '../format.ts';
import type { Io } from '../io.ts';
import type { Produced } from '../produce.ts';
import { producedLines } from '../produced-lines.ts';
import { sameCluster } from '../same-cluster.ts';
import type { Workspace } from '../workspace.ts';

export interface InitState {
  readonly created: boolean;
  readonly dryRun: boolean;
  /** One line only. */
  readonly quiet: boolean;
  readonly color: Io['color'];
}

/** What `init` says at its end: what was made, where it lies, and what to do next. */
export function initReport(
  space: Workspace,
  cluster: Cluster,
  produced: Produced,
  { created, dryRun, quiet, color }: InitState,
): string {
  const where = space.show(space.dir);
  const hasMasters = cluster.nodes.length > 0;
  const machines = [
    ...(hasMasters ? [count(cluster.nodes.length, 'master')] : []),
    ...(cluster.plainNodes.length ? [count(cluster.plainNodes.length, 'host')] : []),
  ].join(', ');
  const what = `${machines}, Kubernetes ${cluster.version.text}${cluster.profiles.length ? `, ${cluster.profiles.join(' + ')}` : ''}`;
  const nothing =
    !created &&
    !produced.pki.length &&
    !produced.imported.length &&
    !produced.nodes.changes.length &&
    !produced.kubeconfigs.length;
  if (nothing) return `${where} is complete already (${what}); nothing was changed.`;
  // where CAs are kept elsewhere, the certificates were there before all the rest
  const isFirst = produced.nodes.unchanged === 0 && produced.nodes.changes.every(({ kind }) => kind === 'create');
  const fresh = created || isFirst || produced.pki.some((change) => change.path === 'pki/ca.crt');
  const lines = producedLines(produced, { dryRun, summary: fresh });
  if (!fresh) return quiet ? (lines.at(-1) ?? '') : lines.join('\n');
  const head = `${dryRun ? 'Would make' : 'Made'} ${hasMasters ? 'a control plane' : 'the files of static-pod hosts'} in ${color.bold(where)} (${what})`;
  if (quiet) return head;
  const counts = [...new Set(produced.bundles.map((bundle) => bundle.files.length))];
  const files =
    counts.length === 1 ? count(counts[0] ?? 0, 'file') : `${Math.min(...counts)} to ${Math.max(...counts)} files`;
  const { authorities, nodes } = produced.identities;
  const certificates = authorities.size + 2 + [...nodes.values()].reduce((sum, leaves) => sum + leaves.size, 0);
  const names = nodeNames(cluster);
  const rows = [
    [
      isInside(space) ? basename(space.clusterFile) : space.show(space.clusterFile),
      created
        ? `the cluster; edit it, then run \`bootstrap render${sameCluster(space)}\``
        : 'the cluster, as you wrote it',
    ],
    ['pki/', `${count(certificates, 'certificate')} and keys (${cluster.pki.algorithm}): keep a copy of this`],
    ['nodes/', `${names}: ${files}${produced.bundles.length > 1 ? ' each' : ''}, under their paths on the node`],
    ...(hasMasters ? [['admin.conf', 'kubeconfig for you; super-admin.conf grants the first rights']] : []),
  ];
  return [
    head,
    '',
    table(
      ['', ''],
      rows.map(([name = '', text = '']) => [`  ${name}`, text]),
    ).replace(/^\s*\n/, ''),
    ...(dryRun ? [] : ['', 'Next', ...nextSteps(space, cluster)]),
  ].join('\n');
}

/** All names where they are few, the first and the last where they are many. */
function nodeNames(cluster: Cluster): string {
  const names = allNodes(cluster).map((node) => node.name);
  return names.length > 7 ? `${names[0]} to ${names.at(-1)} (${names.length})` : names.join(', ');
}

const isInside = ({ clusterFile, dir }: Workspace): boolean => clusterFile === join(dir, basename(clusterFile));

function nextSteps(space: Workspace, cluster: Cluster): readonly string[] {
  const nodes = allNodes(cluster);
  const [master] = cluster.nodes;
  const path = (...below: readonly string[]) => shellQuoted(space.show(join(space.dir, ...below)).replace(/^-/, './-'));
  const same = sameCluster(space);
  const machines = nodes.length > 1 ? 'machines' : 'a machine';
  return [
    ...(master
      ? [
          `  Look at it:   less ${path('nodes', master.name, 'etc/kubernetes/manifests/kube-apiserver.yaml')}`,
          `  Why a value:  bootstrap explain ${master.name} kube-apiserver --etcd-servers${same}`,
        ]
      : [`  Add a pod:    bootstrap pods add FILE --no-apply${same}`]),
    `  Bring it to ${nodeNames(cluster)} (${machines} with containerd, a kubelet and your SSH key):`,
    `    bootstrap plan${same}     what that would do, file by file`,
    `    bootstrap apply${same}    does it, and waits until all is well`,
    `  Or without SSH: bootstrap user-data${same}, what a cloud hands to each machine`,
  ];
}

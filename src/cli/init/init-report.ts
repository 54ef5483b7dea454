import type { Cluster } from '../../spec/cluster.ts';
import { count, table } from '../format.ts';
import type { Io } from '../io.ts';
import type { Produced } from '../produce.ts';
import { producedLines } from '../produced-lines.ts';
import type { Workspace } from '../workspace.ts';

export interface InitState {
  readonly created: boolean;
  readonly dryRun: boolean;
  readonly color: Io['color'];
}

/** What `init` says at its end: what was made, where it lies, and what to do next. */
export function initReport(
  space: Workspace,
  cluster: Cluster,
  produced: Produced,
  { created, dryRun, color }: InitState,
): string {
  const where = space.show(space.dir);
  const what = `${count(cluster.nodes.length, 'master')}, Kubernetes ${cluster.version.text}${cluster.profiles.length ? `, ${cluster.profiles.join(' + ')}` : ''}`;
  const nothing =
    !created &&
    !produced.pki.length &&
    !produced.imported.length &&
    !produced.nodes.changes.length &&
    !produced.kubeconfigs.length;
  if (nothing) return `${where} is complete already (${what}); nothing was changed.`;
  const fresh = created || produced.pki.some((change) => change.path === 'pki/ca.crt');
  const lines = producedLines(produced, { dryRun, summary: fresh });
  if (!fresh) return lines.join('\n');
  const counts = [...new Set(produced.bundles.map((bundle) => bundle.files.length))];
  const files =
    counts.length === 1 ? count(counts[0] ?? 0, 'file') : `${Math.min(...counts)} to ${Math.max(...counts)} files`;
  const certificates = [...produced.pki.map((change) => change.path), ...produced.imported].filter((path) =>
    path.endsWith('.crt'),
  ).length;
  const names = nodeNames(cluster);
  const rows = [
    ['cluster.yaml', created ? 'the cluster; edit it, then run `bootstrap render`' : 'the cluster, as you wrote it'],
    [
      'pki/',
      `${count(certificates, 'certificate')} with keys (${cluster.pki.algorithm}), the service-account key: keep a copy`,
    ],
    ['nodes/', `${names}: ${files}${cluster.nodes.length > 1 ? ' each' : ''}, under their paths on the node`],
    ['admin.conf', 'kubeconfig for you; super-admin.conf for the first grant of rights'],
  ];
  return [
    `${dryRun ? 'Would make' : 'Made'} a control plane in ${color.bold(where)} (${what})`,
    '',
    table(
      ['', ''],
      rows.map(([name = '', text = '']) => [`  ${name}`, text]),
    ).replace(/^\s*\n/, ''),
    ...(dryRun ? [] : ['', 'Next', ...nextSteps(where, cluster, produced)]),
  ].join('\n');
}

/** All names where they are few, the first and the last where they are many. */
function nodeNames({ nodes }: Cluster): string {
  const names = nodes.map((node) => node.name);
  return names.length > 7 ? `${names[0]} to ${names.at(-1)} (${names.length})` : names.join(', ');
}

/** How to bring a node's files to it by hand; `--no-overwrite-dir` leaves the modes of the node's own /etc alone. */
function nextSteps(where: string, cluster: Cluster, produced: Produced): readonly string[] {
  const [node] = cluster.nodes;
  if (!node) return [];
  const tops = [
    ...new Set(produced.bundles.flatMap((bundle) => bundle.files.map((file) => file.path.split('/')[1] ?? ''))),
  ].sort();
  const prefix = where === '.' ? '' : `${where}/`;
  return [
    `  Look at it:       less ${prefix}nodes/${node.name}/etc/kubernetes/manifests/kube-apiserver.yaml`,
    `  Why a value:      bootstrap explain ${node.name} kube-apiserver --etcd-servers${prefix ? ` --dir ${where}` : ''}`,
    `  Bring it to ${nodeNames(cluster)} (${cluster.nodes.length > 1 ? 'machines' : 'a machine'} with containerd and a kubelet), like this:`,
    `    tar -C ${prefix}nodes/${node.name} --owner=0 --group=0 -c ${tops.join(' ')} |`,
    `      ssh root@${node.addresses[0]} 'tar -x -C / --no-overwrite-dir && systemctl daemon-reload &&`,
    "        systemctl enable kubelet && systemctl restart kubelet'",
    `  Then ask it:      kubectl --kubeconfig ${prefix}super-admin.conf get nodes`,
  ];
}

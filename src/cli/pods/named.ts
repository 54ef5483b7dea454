import { BootstrapError } from '../../base/errors.ts';
import { nearest } from '../../base/suggest.ts';

/**
 * The pod that is meant, of those that there are. A name alone is that of kube-system, as everywhere, but where no such pod
 * is there the one of another namespace; a node's name behind it, as kubectl shows it, does not matter.
 * @param pods what they are called: `default/static-web`, `etcd`
 * @param nodes names of the nodes
 * @throws BootstrapError `usage` with the nearest name, or where several are meant
 */
export function podOfName(name: string, pods: readonly string[], nodes: readonly string[]): string {
  const called = name.replace(/^kube-system\//, '');
  const all = [...new Set(pods)];
  const bases = nodes.flatMap((node) => {
    const suffix = `-${node.toLowerCase()}`;
    return called.endsWith(suffix) ? [called.slice(0, -suffix.length)] : [];
  });
  for (const wanted of [called, ...bases]) {
    if (all.includes(wanted)) return wanted;
    const found = all.filter((pod) => pod.slice(pod.indexOf('/') + 1) === wanted);
    if (found.length > 1)
      throw new BootstrapError('usage', `${JSON.stringify(name)} is not one pod: there are ${found.join(' and ')}`, {
        hint: 'say which one, with its namespace',
      });
    if (found[0] !== undefined) return found[0];
  }
  // the namespace is seldom what was mistyped
  const near = nearest(called, all) ?? nearestBase(called, all);
  throw new BootstrapError('usage', `there is no static pod ${JSON.stringify(name)}`, {
    hint:
      near !== undefined
        ? `did you mean "${near}"?`
        : all.length
          ? `there are ${all.slice(0, 10).join(', ')}${all.length > 10 ? ', …' : ''}`
          : '`bootstrap pods add FILE` adds one',
  });
}

function nearestBase(name: string, pods: readonly string[]): string | undefined {
  const base = (pod: string) => pod.slice(pod.indexOf('/') + 1);
  const found = nearest(base(name), pods.map(base));
  return pods.find((pod) => base(pod) === found);
}

import { BootstrapError } from '../../base/errors.ts';
import { DEFAULT_VERSION } from '../../kubernetes/version.ts';
import { FORMATS } from '../../spec/formats.ts';
import type { NewCluster, NewNode } from './new-cluster.ts';

/** Asks on the terminal for what `known` does not say. Ctrl-C ends it with nothing written. */
export async function askForCluster(known: NewCluster): Promise<NewCluster> {
  const clack = await import('@clack/prompts');
  const answered = <T>(answer: T): Exclude<T, symbol> => {
    if (!clack.isCancel(answer)) return answer as Exclude<T, symbol>;
    clack.cancel('Nothing was written.', { output: process.stderr });
    throw new BootstrapError('failed', 'cancelled');
  };
  const text = async (message: string, initial: string | undefined, format: string): Promise<string> =>
    answered(
      await clack.text({
        message,
        ...(initial !== undefined && { defaultValue: initial, placeholder: initial }),
        validate: (value) => (value || initial === undefined ? FORMATS[format]?.(value ?? '') : undefined),
        output: process.stderr,
      }),
    );

  clack.intro(`A new cluster, Kubernetes ${DEFAULT_VERSION}`, { output: process.stderr });
  const name = known.name ?? (await text('Name of the cluster', 'kubernetes', 'name'));
  const profiles = known.profiles.length
    ? known.profiles
    : [
        answered(
          await clack.select({
            message: 'What kind of control plane',
            options: [
              { value: 'ha', label: 'ha', hint: '3, 5 or 7 masters with etcd on each' },
              { value: 'single', label: 'single', hint: 'one master' },
            ],
            output: process.stderr,
          }),
        ),
      ];
  const single = profiles.includes('single');
  const nodes: NewNode[] = [...known.nodes];
  if (!nodes.length) {
    const number = single
      ? 1
      : answered(
          await clack.select({
            message: 'How many masters',
            options: [3, 5, 7].map((value) => ({ value, label: String(value) })),
            output: process.stderr,
          }),
        );
    for (let i = 1; i <= number; i++) {
      const node = await text(`Name of master ${i}`, `cp${i}`, 'node-name');
      nodes.push({ name: node, addresses: [await text(`IP address of ${node}`, undefined, 'ip')] });
    }
  }
  const endpoint =
    known.endpoint ??
    (single
      ? undefined
      : await text('Where clients reach the API (your load balancer, host[:port])', undefined, 'endpoint'));
  clack.outro('That is all.', { output: process.stderr });
  return { name, profiles, nodes, ...(endpoint !== undefined && { endpoint }) };
}

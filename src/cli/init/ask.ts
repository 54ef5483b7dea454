import { DEFAULT_VERSION } from '../../kubernetes/version.ts';
import { FORMATS } from '../../spec/formats.ts';
import { Interrupted } from '../interrupted.ts';
import { mastersMissing } from './masters-missing.ts';
import type { NewCluster, NewNode } from './new-cluster.ts';
import { addressFault, nodeNameFault } from './node-faults.ts';

/**
 * Asks on the terminal for what `known` does not say.
 * @throws Interrupted on Ctrl-C
 */
export async function askForCluster(known: NewCluster): Promise<NewCluster> {
  const clack = await import('@clack/prompts');
  const output = process.stderr;
  const answered = <T>(answer: T): Exclude<T, symbol> => {
    if (clack.isCancel(answer)) throw new Interrupted('Nothing was written.');
    return answer as Exclude<T, symbol>;
  };
  /** @param fallback is what an empty answer means; without one, something has to be said */
  const text = async (
    message: string,
    fallback: string | undefined,
    fault: (value: string) => string | undefined = () => undefined,
  ): Promise<string> =>
    answered(
      await clack.text({
        message,
        ...(fallback !== undefined && { defaultValue: fallback, placeholder: fallback }),
        validate: (value) => {
          const meant = value || fallback;
          return meant ? fault(meant) : 'This one has to be answered.';
        },
        output,
      }),
    );
  const select = async (
    message: string,
    options: readonly { readonly value: string; readonly hint?: string }[],
  ): Promise<string> =>
    answered(await clack.select({ message, options: options.map((o) => ({ ...o, label: o.value })), output }));

  clack.intro(`A new cluster, Kubernetes ${DEFAULT_VERSION}`, { output });
  const name = known.name ?? (await text('Name of the cluster', 'kubernetes', FORMATS['name']));
  const profiles = known.profiles.length
    ? known.profiles
    : [
        await select('What kind of control plane', [
          { value: 'ha', hint: '3, 5 or 7 masters with etcd on each' },
          { value: 'single', hint: 'one master' },
        ]),
      ];
  const single = profiles.includes('single');
  const nodes: NewNode[] = [...known.nodes];
  const wanted =
    nodes.length > 0
      ? nodes.length + mastersMissing({ profiles, nodes })
      : single
        ? 1
        : Number(await select('How many masters', [{ value: '3' }, { value: '5' }, { value: '7' }]));
  while (nodes.length < wanted) {
    const i = nodes.length + 1;
    const node = await text(`Name of master ${i}`, `cp${i}`, (value) => nodeNameFault(value, nodes));
    nodes.push({
      name: node,
      addresses: [await text(`IP address of ${node}`, undefined, (value) => addressFault(value, nodes))],
    });
  }
  const endpoint =
    known.endpoint ??
    (single
      ? undefined
      : await text('Where clients reach the API (your load balancer, host[:port])', undefined, FORMATS['endpoint']));
  clack.outro('That is all.', { output });
  return { name, profiles, nodes, ...(endpoint !== undefined && { endpoint }) };
}

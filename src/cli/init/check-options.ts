import { BootstrapError } from '../../base/errors.ts';
import { errorAt, type Fault } from '../../base/fault.ts';
import { FORMATS } from '../../spec/formats.ts';
import { count } from '../format.ts';
import { type DescribeOptions, NODE_FORM, readNodeOption } from './describe.ts';
import type { NewNode } from './new-cluster.ts';
import { addressFault, nodeNameFault } from './node-faults.ts';

/**
 * Checks the options that describe a new cluster, so that what is wrong with them is said of the option and not of a
 * cluster file that is not there yet.
 * @throws BootstrapError `usage` with all faults
 */
export function checkOptions({ name, endpoint, node = [], host = [] }: DescribeOptions): void {
  const faults: Fault[] = [];
  const check = (option: string, value: string, ...wrong: readonly (string | undefined)[]): void => {
    const at = { path: '', origin: { kind: 'option', text: `${option} ${value}` } } as const;
    for (const message of wrong) if (message !== undefined) faults.push(errorAt(at, message));
  };
  if (name !== undefined) check('--name', name, FORMATS['name']?.(name));
  if (endpoint !== undefined) check('--endpoint', endpoint, FORMATS['endpoint']?.(endpoint));
  const nodes: NewNode[] = [];
  const described = [
    ...node.map((text) => ['--node', text] as const),
    ...host.map((text) => ['--host', text] as const),
  ];
  for (const [option, text] of described) {
    const read = readNodeOption(text);
    if (!read) {
      check(option, text, `must be of the form name=address; ${NODE_FORM}`);
      continue;
    }
    check(
      option,
      text,
      nodeNameFault(read.name, nodes),
      ...read.addresses.map((address) => addressFault(address, nodes)),
      read.addresses.length > 2 ? 'has more than two addresses' : undefined,
    );
    nodes.push(read);
  }
  if (!faults.length) return;
  throw new BootstrapError('usage', `${count(faults.length, 'mistake')} in the options of \`bootstrap init\``, {
    faults,
  });
}

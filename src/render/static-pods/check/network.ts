import { errorAt, type Fault } from '../../../base/fault.ts';
import { asList } from '../../../spec/read-tree.ts';
import { at, locate } from '../../../spec/tree.ts';
import { isSetAt, isTrueAt, textAt } from '../parts.ts';
import type { StaticPod } from '../static-pod.ts';

/** Names together: pkg/apis/core/validation, validatePodDNSConfig and validatePodHostName. */
export function checkNetwork({ tree }: StaticPod): readonly Fault[] {
  const faults: Fault[] = [];
  const override = textAt(tree, 'spec', 'hostnameOverride');
  const place = locate(tree, ['spec', 'hostnameOverride']);
  if (override && isTrueAt(tree, 'spec', 'setHostnameAsFQDN')) {
    faults.push(errorAt(place, 'cannot be set with setHostnameAsFQDN: true', 'take one of the two out'));
  }
  return [...faults, ...checkDns(tree)];
}

function checkDns(tree: StaticPod['tree']): readonly Fault[] {
  const servers = asList(at(tree, ['spec', 'dnsConfig', 'nameservers']));
  const faults: Fault[] = [];
  if (servers.length > 3) {
    faults.push(errorAt(locate(tree, ['spec', 'dnsConfig', 'nameservers']), `holds ${servers.length}; 3 are allowed`));
  }
  if (textAt(tree, 'spec', 'dnsPolicy') === 'None' && !isSetAt(tree, 'spec', 'dnsConfig', 'nameservers')) {
    const message = 'is missing: with dnsPolicy: None the pod would have no name server';
    faults.push(errorAt(locate(tree, ['spec', 'dnsConfig', 'nameservers']), message));
  }
  return faults;
}

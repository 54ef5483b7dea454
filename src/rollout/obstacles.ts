import type { Bundle } from '../bundle/bundle.ts';
import { KUBELET_UNIT } from '../render/layout.ts';
import type { NodeFacts } from './node-facts.ts';

/** Certificates are valid from five minutes before their issue (src/pki/issue.ts); some of that is left for the way. */
const CLOCK_LIMIT = 4 * 60;
/** Room for revisions and for what etcd writes in its first minutes. */
const ROOM = 64 << 20;

/**
 * What on a machine stands in the way of applying anything to it, in words; empty where nothing does.
 * @param now this machine's clock when the facts were read, milliseconds since the epoch
 */
export function obstaclesOn({ kubelet, disk, clock }: NodeFacts, bundle: Bundle, now: number): readonly string[] {
  const bringsUnit = bundle.files.some(({ path }) => path === KUBELET_UNIT);
  const skew = Math.round((clock - now) / 1000);
  const far = Math.abs(skew) > CLOCK_LIMIT;
  return [
    ...(kubelet.active === 'absent' && !bringsUnit
      ? ['there is no kubelet.service: install the kubelet there, or set spec.kubelet.installUnit']
      : []),
    ...(disk.writable ? [] : ['/var/lib/bootstrap cannot be written: is its file system read-only?']),
    ...(disk.writable && disk.freeBytes < ROOM
      ? [`only ${disk.freeBytes >> 20} MiB are free where /var/lib/bootstrap lies; ${ROOM >> 20} MiB are needed`]
      : []),
    ...(far
      ? [
          `its clock is ${Math.abs(skew)} s ${skew < 0 ? 'behind' : 'ahead of'} this machine's: certificates and etcd go by it`,
        ]
      : []),
  ];
}

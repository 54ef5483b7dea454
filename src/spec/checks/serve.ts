import { errorAt, type Fault } from '../../base/fault.ts';
import { parseDuration } from '../duration.ts';
import { asList, asText } from '../read-tree.ts';
import { at, type MapTree } from '../tree.ts';

/** Pods by URL need a server, and the kubelet a sensible time between two polls. */
export function checkServe(spec: MapTree): readonly Fault[] {
  const serve = at(spec, ['serve']);
  const byUrl = asList(at(spec, ['staticPods'])).flatMap((entry) => at(entry, ['via']) ?? []);
  const faults = byUrl
    .filter((via) => asText(via) === 'http' && !serve)
    .map((via) =>
      errorAt(
        via,
        'needs spec.serve: where do the kubelets find `bootstrap serve`?',
        'write `serve: {endpoint: pods.example.com:8443}`',
      ),
    );
  const frequency = at(serve, ['httpCheckFrequency']);
  const ms = parseDuration(asText(frequency) ?? '');
  if (!frequency || ms === undefined || ms >= 1000) return faults;
  // to the kubelet 0 is the default, and below a second it is busy with nothing else
  return [...faults, errorAt(frequency, `${asText(frequency)} is too often`, 'use 1s or more; the default is 20s')];
}

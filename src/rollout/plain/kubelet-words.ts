import type { PlainNode } from './plain-node.ts';
import { plainPods } from './wanted-pods.ts';

/** So far back is looked for what the kubelet says of a pod. */
const LOOKED_AT = 300;
const SHOWN = 2;
/** Characters of a line that are shown. */
const MAX_LINE = 400;

/**
 * The last complaints of the kubelet about those pods that are named in what is unmet; '' where it has none. An image that
 * cannot be pulled, a directory that is not there: no container says such things, and there may be no API that would.
 */
export async function kubeletWords({ agent, bundle }: PlainNode, unmet: readonly string[]): Promise<string> {
  const blamed = plainPods(bundle).filter(({ component }) => unmet.some((line) => line.startsWith(`${component}:`)));
  if (!blamed.length) return '';
  const log = await agent.logs('kubelet', LOOKED_AT).catch(() => '');
  const complaints = log.split('\n').filter((line) => /err(?:or)?=|"Error /i.test(line));
  return blamed
    .flatMap(({ component, mirror }) => {
      const name = mirror.slice(mirror.indexOf('/') + 1);
      const lines = complaints.filter((line) => line.includes(name)).slice(-SHOWN);
      return lines.length
        ? [`the kubelet says of ${component}:`, ...lines.map((line) => `  ${line.slice(0, MAX_LINE)}`)]
        : [];
    })
    .join('\n');
}

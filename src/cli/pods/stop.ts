import type { PodsChangeOptions } from './edit/options.ts';
import { setStopped } from './edit/set-stopped.ts';

/** `pods stop NAME`: out of the manifests directory, but kept on the node; what comes by URL is not served any more. */
export const stop = (options: PodsChangeOptions, pod = ''): Promise<number> => setStopped(options, 'stop', pod);

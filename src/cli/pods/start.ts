import type { PodsChangeOptions } from './edit/options.ts';
import { setStopped } from './edit/set-stopped.ts';

/** `pods start NAME`: what `pods stop` has stopped runs again. */
export const start = (options: PodsChangeOptions, pod = ''): Promise<number> => setStopped(options, 'start', pod);

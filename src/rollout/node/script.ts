import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The text of the node's script.
 * @param packageDir the package's root, which holds `templates/`
 */
export function readNodeScript(packageDir: string): Buffer {
  return readFileSync(join(packageDir, 'templates', 'node', 'node.sh'));
}

/**
 * A run of the script on a node: its text goes to standard input, before what the verb reads from there, so that it need
 * not be installed and process lists stay short. `dd` reads exactly so many bytes, however they arrive; neither `head -c`
 * of every coreutils does (uutils reads ahead on a pipe) nor the shell itself. The script always exits, so that a text
 * that was cut off between two functions ends with a fault.
 */
export function scriptRun(
  script: Buffer,
  verb: string,
  args: readonly string[],
  payload: Buffer = Buffer.alloc(0),
): { readonly argv: readonly string[]; readonly input: Buffer } {
  const start = `s=$(dd bs=${script.length} count=1 iflag=fullblock status=none) && eval "$s"; exit 70`;
  return { argv: ['sh', '-c', start, 'bootstrap', verb, ...args], input: Buffer.concat([script, payload]) };
}

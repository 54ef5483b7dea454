import { spawnSync } from 'node:child_process';

/** Debian's, where its cloud-init and the YAML library that it uses can be imported; another may come first in PATH. */
const PYTHON = '/usr/bin/python3';

/** Runs a Python script; `read()` gives what it is handed, `give(value)` what comes back, both as JSON. */
export function python(script: string, input: unknown): unknown {
  const prelude =
    'import json, sys\ndef read(): return json.load(sys.stdin)\ndef give(value): json.dump(value, sys.stdout)\n';
  const ran = spawnSync(PYTHON, ['-c', prelude + script], { input: JSON.stringify(input), maxBuffer: 1 << 28 });
  if (ran.status !== 0) throw new Error(`python3: ${ran.stderr}`);
  return JSON.parse(ran.stdout.toString());
}

/**
 * What cloud-init's own YAML reader makes of each document: JSON with sorted keys, in which 1.0 is not 1, or an error. The
 * texts themselves are ASCII with escapes, so that nothing is lost on the way.
 */
export function readAsCloudInit(documents: readonly string[]): readonly (string | { readonly error: string })[] {
  return python(
    `
import yaml
def one(text):
  try: return json.dumps(yaml.safe_load(text.encode()), default=repr, sort_keys=True)
  except Exception as error: return {'error': str(error)}
give([one(text) for text in read()])
`,
    documents,
  ) as readonly (string | { readonly error: string })[];
}

import { spawnSync } from 'node:child_process';

const asked = new Map<string, boolean>();

/**
 * Whether a program that a test needs is here. Under CI (or REQUIRE_TOOLS) its absence is a failure; elsewhere the test
 * that asked goes without it, loudly.
 */
export function needTool(name: string): boolean {
  const known = asked.get(name);
  if (known !== undefined) return known;
  // sshd lies where only root's PATH leads to
  const found = spawnSync('sh', ['-c', `PATH="$PATH:/usr/sbin:/sbin"; command -v ${name}`]).status === 0;
  if (!found && (process.env['CI'] || process.env['REQUIRE_TOOLS']))
    throw new Error(`${name} is missing; install it (.ci/run does)`);
  if (!found) console.warn(`SKIPPED: ${name} is not installed, so what it would have checked was not`);
  asked.set(name, found);
  return found;
}

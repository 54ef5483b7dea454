import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { scratchDir } from './scratch.ts';

/** Files that take a minute and more, the longest first: begun last they would keep one core waiting for the other. */
const LONG = [
  'test/cli/rollout/expired.test.ts',
  'test/cli/rollout-faults/faults.test.ts',
  'test/cli/rollout/one-master.test.ts',
  'test/cli/rotation/etcd-ca.test.ts',
  'test/cli/rotation/there-and-back.test.ts',
  'test/cli/rollout-faults/killed.test.ts',
  'test/node/interrupted.test.ts',
  'test/node/node.test.ts',
  'test/deliver/user-data/cloud-init.test.ts',
  'test/cli/plain/standalone.test.ts',
  'test/cli/rollout/three-masters.test.ts',
  'test/cli/certs-renew-live.test.ts',
  'test/cli/pods/look.test.ts',
  'test/cli/pods/apply.test.ts',
  'test/cli/rollout/static-pods.test.ts',
  'test/rollout/world.test.ts',
  'test/cli/init.test.ts',
  'test/spec/hostile-files.test.ts',
  'test/integration/etcd.test.ts',
  'test/pki/kill.test.ts',
  'test/cli/rollout-faults/first-boot.test.ts',
  'test/cli/certs-list-live.test.ts',
  'test/cli/rollout/objects.test.ts',
  'test/world/certificates.test.ts',
  'test/deliver/serve/serve.test.ts',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONG.findIndex((path) => moduleId.endsWith(path));
      return at === -1 ? LONG.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    root: fileURLToPath(new URL('..', import.meta.url)),
    include: ['test/**/*.test.ts'],
    // needs the rig: npm run e2e
    exclude: [...configDefaults.exclude, 'test/e2e/**'],
    sequence: { sequencer: LongestFirst },
    // those of the long ones wait a third of their time, so two of them do not fill two cores
    maxWorkers: Math.max(3, availableParallelism() - 1),
    env: { TMPDIR: process.env['TMPDIR'] || scratchDir() },
    // no test changes a module, and what some change of the process (umask, environment) each puts back; modules that are
    // loaded once in a process, instead of once for each file, save half a minute of its work for every hundred files
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});

import { beforeAll, describe, expect, test } from 'vitest';
import { bootstrap, startBootstrap } from './bootstrap.ts';
import { anotherFlag, edit, type MasterName, standing } from './cluster.ts';
import { figure } from './figures.ts';
import { filesOn } from './kube.ts';
import { rig } from './rig.ts';
import { until } from './until.ts';

const SCENARIO = 'power cut';

/** Milliseconds after a line that `apply` says. */
const MOMENTS = [
  ['while its new files are put in place', /One at a time: /, 700],
  ['once its new files are in place', /files? in place/, 0],
] as const;

describe('a master loses its power between activation and confirmation', { timeout: 15 * 60_000 }, () => {
  beforeAll(standing);

  test.for(MOMENTS)(
    '%s: it comes up with wholly the old revision or wholly the new one',
    async ([when, line, wait]) => {
      // several files of one revision: two manifests and the kubelet's configuration
      anotherFlag('scheduler');
      anotherFlag('controllerManager');
      edit({ 'spec.kubelet.config.maxPods': 90 + Math.floor(Math.random() * 1000) });
      const running = startBootstrap('apply', '--yes', '--timeout', '60s', '--confirm-timeout', '5m');
      const [node] = (await running.line(/One at a time: /)).replace(/.*: /, '').split(', ') as [MasterName];
      const old = await filesOn(node);
      await running.line(line);
      await new Promise((resolve) => setTimeout(resolve, wait));
      await rig('kill', node);
      expect([1, 69, 76]).toContain((await running.ended).status);
      await rig('start', node);
      const found = await filesOn(node);
      // and after that the same command brings it to what is wanted, which tells what would have been new
      await until(
        'the same command goes on',
        async () => ((await bootstrap('apply', '--yes')).status === 0 ? true : undefined),
        300,
      );
      const wanted = await filesOn(node);
      const changed = [...wanted].filter(([path, digest]) => old.get(path) !== digest).map(([path]) => path);
      expect(changed.length).toBeGreaterThanOrEqual(3);
      const isNew = changed.map((path) => found.get(path) === wanted.get(path));
      const isOld = changed.map((path) => found.get(path) === old.get(path));
      const which = isNew.every(Boolean) ? 'new' : isOld.every(Boolean) ? 'old' : 'mixed';
      figure(SCENARIO, `${when}: after boot the ${changed.length} files are`, which);
      expect(which).not.toBe('mixed');
      await until('all is well', async () => ((await bootstrap('status')).status === 0 ? true : undefined), 120);
    },
  );
});

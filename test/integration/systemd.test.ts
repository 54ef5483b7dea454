import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bootstrap, emptyDir, HA_OPTIONS } from '../support/cli.ts';
import { needTool } from '../support/tools.ts';

const UNITS = 'nodes/cp1/etc/systemd/system';

/** systemd's own reading of the units of cp1; `kubelet.service` stands in for the package's where there is none. */
function verify(dir: string): { readonly status: number | null; readonly said: string } {
  const unit = join(dir, UNITS, 'kubelet.service');
  const { status, stdout, stderr } = spawnSync(
    'systemd-analyze',
    ['verify', '--man=no', '--recursive-errors=no', unit],
    { encoding: 'utf8' },
  );
  // the kubelet itself is not installed here
  const said = (stdout + stderr)
    .split('\n')
    .filter((line) => line.includes('kubelet') && !/\/usr\/bin\/kubelet is not executable/.test(line));
  return { status, said: said.join('\n') };
}

describe.runIf(needTool('systemd-analyze'))('systemd', () => {
  test('accepts the drop-in, with values that need quoting, and the unit where it is asked for', () => {
    const dir = emptyDir();
    const ran = bootstrap(
      dir,
      'init',
      ...HA_OPTIONS,
      '--set',
      'spec.kubelet.installUnit=true',
      '--set',
      'spec.kubelet.extraArgs.provider-id=x%y $z',
      '--set',
      'spec.nodes[0].labels={zone: a, "node.kubernetes.io/pool": b}',
      '--set',
      'spec.nodes[0].hostname=cp1.example.com',
    );
    expect([ran.status, ran.stderr]).toEqual([0, '']);
    expect(verify(dir).said).toBe('');
  });

  test('would have said so, had the drop-in been wrong', () => {
    const dir = emptyDir();
    bootstrap(dir, 'init', ...HA_OPTIONS, '--set', 'spec.kubelet.installUnit=true');
    mkdirSync(join(dir, UNITS, 'kubelet.service.d'), { recursive: true });
    writeFileSync(join(dir, UNITS, 'kubelet.service.d/30-wrong.conf'), '[Service]\nExecStrat=/bin/true\n');
    expect(verify(dir).said).toContain('ExecStrat');
  });
});

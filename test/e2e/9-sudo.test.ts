import { beforeAll, describe, expect, test } from 'vitest';
import { bootstrap } from './bootstrap.ts';
import { anotherFlag, must, NAMES, standing } from './cluster.ts';
import { figure } from './figures.ts';
import { inHost } from './rig.ts';

describe('the user of SSH is not root', { timeout: 15 * 60_000 }, () => {
  beforeAll(standing);

  test('`apply` works through sudo, and its files belong to root', async () => {
    anotherFlag('scheduler');
    const ran = must(await bootstrap('apply', '--yes', '--set', 'spec.ssh.user=ubuntu'));
    figure('sudo', '`apply` as ubuntu with sudo', ran.seconds, 's');
    expect(ran.stderr.match(/✓/g)).toHaveLength(NAMES.length);
    for (const node of NAMES) {
      const foreign = 'find /etc/kubernetes /var/lib/bootstrap /var/lib/kubelet/config.yaml ! -user root';
      expect(await inHost(node, foreign)).toBe('');
    }
    expect(await bootstrap('plan', '-q')).toMatchObject({ status: 0 });
  });
});

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach } from 'vitest';
import { NAMES } from './cluster.ts';
import { LOGS } from './places.ts';
import { tryRig } from './rig.ts';

const LOOK = [
  'uptime; systemctl --no-pager status kubelet bootstrap-confirm.timer',
  'ls -lR --time-style=full-iso /var/lib/bootstrap/transaction /etc/kubernetes/manifests',
  'cat /var/lib/bootstrap/current /var/lib/bootstrap/reverted',
  'journalctl --no-pager -o short-precise -n 400 -u kubelet -u "bootstrap-*"',
  'for log in /var/log/pods/kube-system_*/*/*.log; do echo "== $log"; tail -n 40 "$log"; done',
].join('; ');

// What the hosts look like when a test has failed; nobody can look later.
beforeEach(({ task, onTestFailed }) => {
  onTestFailed(async () => {
    mkdirSync(LOGS, { recursive: true });
    const title = task.name.replace(/[^A-Za-z0-9]+/g, '-').slice(0, 60);
    for (const node of NAMES) {
      const { stdout, stderr } = await tryRig('exec', node, 'sh', '-c', LOOK);
      writeFileSync(join(LOGS, `failed-${title}-${node}.log`), stdout + stderr);
    }
  });
});

import { beforeAll, describe, expect, test } from 'vitest';
import { bootstrap } from './bootstrap.ts';
import { leavesOn, shown } from './certificates.ts';
import { must, NAMES, standing } from './cluster.ts';
import { figure } from './figures.ts';
import { kubectl } from './kube.ts';
import { generations, restarted } from './processes.ts';
import { clientsWereServed } from './rotation.ts';
import { watched } from './watched.ts';

const SCENARIO = 'renew';

/** Which file's certificate is shown at which port of a master. */
const SHOWN = [
  [6443, '/etc/kubernetes/pki/apiserver.crt'],
  [2379, '/etc/kubernetes/pki/etcd/server.crt'],
  [2380, '/etc/kubernetes/pki/etcd/peer.crt'],
] as const;

const leaves = async () => new Map(await Promise.all(NAMES.map(async (node) => [node, await leavesOn(node)] as const)));

describe('all leaf certificates of a live cluster are renewed', { timeout: 20 * 60_000 }, () => {
  beforeAll(standing);

  test('nothing restarts, no write fails and no watch ends', async () => {
    const [before, old] = [await generations(), await leaves()];
    const seen = await watched(async () => must(await bootstrap('certs', 'renew', '--apply', '--yes')));
    const [after, fresh] = [await generations(), await leaves()];
    figure(SCENARIO, '`certs renew --apply` of three masters', seen.did.seconds, 's');
    figure(SCENARIO, 'containers and kubelets that were restarted', restarted(before, after).length);
    clientsWereServed(SCENARIO, seen);
    expect(restarted(before, after)).toEqual([]);
    expect(before.size).toBeGreaterThanOrEqual(12 + 15);
    expect(seen.written, seen.written.seen.join('\n')).toMatchObject({ retried: 0, failed: 0 });
    expect(seen.followed).toMatchObject({ ends: [], retried: 0, failed: 0 });
    expect(seen.watched).toMatchObject({ fewestMembers: 3, mostBroken: 0 });
    for (const node of NAMES) {
      const [was, is] = [old.get(node) ?? new Map(), fresh.get(node) ?? new Map()];
      expect([...is.keys()].sort()).toEqual([...was.keys()].sort());
      const kept = [...was].filter(([path, { serialNumber }]) => is.get(path)?.serialNumber === serialNumber);
      expect(kept.map(([path]) => path)).toEqual([]);
      figure(SCENARIO, `certificates on ${node} that have another serial number`, is.size);
    }
  });

  test.for(SHOWN)('port %i shows the new one', async ([port, path]) => {
    for (const node of NAMES) {
      const delivered = (await leavesOn(node)).get(path);
      expect((await shown(node, port)).fingerprint256).toBe(delivered?.fingerprint256);
    }
  });

  test('the new admin.conf works, and nobody has anything left to do', async () => {
    expect(await kubectl('auth', 'can-i', '*', '*', '--all-namespaces')).toContain('yes');
    expect(await bootstrap('plan', '-q')).toMatchObject({ status: 0 });
    expect(await bootstrap('certs', 'check', '--live')).toMatchObject({ status: 0 });
    expect(await bootstrap('status', '-q')).toMatchObject({ status: 0 });
  });

  test('`certs list --live` says that directory, nodes and processes agree', async () => {
    const { stdout, seconds } = must(await bootstrap('certs', 'list', '--live', '-o', 'json'));
    figure(SCENARIO, '`certs list --live`', seconds, 's');
    const listed: readonly Listed[] = JSON.parse(stdout).certificates;
    const looked = listed.filter(({ live }) => live);
    expect(looked.filter(({ live }) => live?.agreement !== 'same')).toEqual([]);
    const served = looked.filter(({ live }) => live?.process === 'same').map(({ node, name }) => `${node} ${name}`);
    const expected = NAMES.flatMap((node) => ['apiserver', 'etcd/server', 'etcd/peer'].map((it) => `${node} ${it}`));
    expect(served).toEqual(expect.arrayContaining(expected));
  });
});

interface Listed {
  readonly name: string;
  readonly node: string | null;
  readonly live: { readonly agreement: string; readonly process: string | null } | null;
}

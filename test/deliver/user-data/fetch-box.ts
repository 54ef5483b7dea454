import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bundle, type BundleFile, type FileEffect, makeBundle } from '../../../src/bundle/bundle.ts';
import { INSTALL } from '../../../src/deliver/user-data/first-boot.ts';
import type { Sealed } from '../../../src/deliver/user-data/machine.ts';
import { packPayload } from '../../../src/deliver/user-data/payload.ts';
import { seal } from '../../../src/deliver/user-data/seal.ts';
import { bootFiles, type Ended, machineOf, scratchBoot } from './scratch.ts';

/** What install.sh and fetch.sh call. */
const PROGRAMS =
  'base64 cat chmod cp curl cut date dd grep gzip head ln mkdir mv openssl rm sed sha256sum sleep sync tail uname wc'.split(
    ' ',
  );

/** One try, and no waiting; what a test says itself comes on top. */
const AT_ONCE = { BOOTSTRAP_FETCH_FOR: '0', BOOTSTRAP_FETCH_PAUSE: '0.1', BOOTSTRAP_FETCH_STALL: '1' };

export interface Tried extends Ended {
  readonly seconds: number;
}

/** A bundle of few files, for what does not depend on them: quick to put in place. */
export const FEW: Bundle = makeBundle(
  'cp1',
  [{ path: '/etc/kubernetes/pki', mode: 0o700, owner: 'root:root' }],
  [
    file(
      '/etc/kubernetes/pki/ca.key',
      0o600,
      '-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n-----END PRIVATE KEY-----\n',
    ),
    file('/etc/kubernetes/manifests/etcd.yaml', 0o600, 'kind: Pod\n', { kind: 'manifest', pod: 'etcd' }),
  ],
);

function file(path: string, mode: number, text: string, effect: FileEffect = { kind: 'none' }): BundleFile {
  return { path, mode, owner: 'root:root', sensitive: true, effect, content: Buffer.from(text) };
}

/** A machine in a directory of this one, whose user-data says that it has to fetch its files. */
export function fetchBox(bundle: Bundle, url: string, sealed: Sealed = sealedOf(bundle)) {
  const boot = scratchBoot();
  const bin = join(boot.beside, 'bin');
  const calls = join(boot.beside, 'calls');
  mkdirSync(bin);
  const files = bootFiles(machineOf(bundle, { hostname: undefined }), { kind: 'fetch', url, sealed });
  boot.bring(files);
  // as cloud-init makes it: the link in it has the next boot try again
  mkdirSync(boot.at('/var/lib/cloud/scripts/per-boot'), { recursive: true });

  /** @param shell with its arguments */
  function start(env: NodeJS.ProcessEnv, [program, ...args]: readonly string[] = ['/bin/sh']) {
    const began = Date.now();
    const path = `${existsSync(join(bin, 'curl')) ? `${bin}:` : ''}${process.env['PATH']}`;
    const child = spawn(program ?? '', [...args, boot.at(INSTALL)], {
      env: { PATH: path, HOME: boot.beside, BOOTSTRAP_NODE_ROOT: boot.root, ...AT_ONCE, ...env },
      // a process group of its own: it is killed as a whole, as power loss does it
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const text = { stdout: '', stderr: '' };
    child.stdout.on('data', (data: Buffer) => {
      text.stdout += data.toString();
    });
    child.stderr.on('data', (data: Buffer) => {
      text.stderr += data.toString();
    });
    const ended = new Promise<Tried>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (status) => resolve({ status: status ?? 137, ...text, seconds: (Date.now() - began) / 1000 }));
    });
    return { ended, kill: () => child.pid !== undefined && process.kill(-child.pid, 'SIGKILL') };
  }

  return {
    ...boot,
    start,
    /** Runs it to its end; what else goes on here goes on meanwhile. */
    run: (env: NodeJS.ProcessEnv = {}, shell?: readonly string[]): Promise<Tried> => start(env, shell).ended,
    /** From now on every program that is called writes down its arguments and environment; KILL_AT: see there. */
    record(): void {
      const recorder = join(bin, 'recorder');
      writeFileSync(
        recorder,
        `#!/bin/sh
n=0
[ ! -f '${calls}.n' ] || read -r n <'${calls}.n'
n=$((n + 1))
echo $n >'${calls}.n'
PATH='${process.env['PATH']}'
{ echo "call $n \${0##*/} $*"; env; } >>'${calls}'
# before the program of that number does anything, or just when it has done it
[ "\${KILL_AT:-}" != "$n" ] || kill -9 0
[ "\${KILL_AFTER:-}" != "$n" ] || { "\${0##*/}" "$@"; kill -9 0; }
exec "\${0##*/}" "$@"
`,
      );
      chmodSync(recorder, 0o755);
      for (const program of PROGRAMS) symlinkSync('recorder', join(bin, program));
    },
    /** All of it since the last time; how many calls there were. */
    recorded(): { readonly text: string; readonly programs: readonly string[] } {
      const text = existsSync(calls) ? readFileSync(calls, 'utf8') : '';
      rmSync(calls, { force: true });
      rmSync(`${calls}.n`, { force: true });
      return { text, programs: [...text.matchAll(/^call \d+ (\S+)/gm)].map(([, program = '']) => program) };
    },
    /** Everything but what may be there after a fetch that failed: what the user-data has brought, and the link to it. */
    untouchable(): Readonly<Record<string, string>> {
      const all = Object.entries(boot.tree()).filter(
        ([path]) => !/^\/(?:etc\/bootstrap|var\/lib\/cloud)(?:\/|$)/.test(path),
      );
      return Object.fromEntries(all);
    },
  };
}

export type FetchBox = ReturnType<typeof fetchBox>;

export function sealedOf(bundle: Bundle): Sealed {
  return seal(packPayload(bundle).content);
}

/** A CA and a certificate of it for loopback; `later`: one that is not valid yet. */
export function makeCertificates(dir: string) {
  const at = (name: string): string => join(dir, name);
  const openssl = (...args: readonly string[]): void => {
    execFileSync('openssl', args, { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] });
  };
  writeFileSync(
    at('ca.cnf'),
    `[ca]
default_ca = d
[d]
database = index
new_certs_dir = .
default_md = sha256
policy = p
rand_serial = yes
unique_subject = no
x509_extensions = leaf
[p]
commonName = supplied
[leaf]
subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1
[req]
distinguished_name = n
x509_extensions = root
[n]
[root]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
`,
  );
  writeFileSync(at('index'), '');
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-config', 'ca.cnf'];
  openssl('req', '-x509', ...key, '-subj', '/CN=scratch CA', '-days', '2', '-keyout', 'ca.key', '-out', 'ca.crt');
  openssl('req', ...key, '-subj', '/CN=localhost', '-keyout', 'leaf.key', '-out', 'leaf.csr');
  const pair = (name: string, ...dates: readonly string[]) => {
    openssl(
      'ca',
      '-batch',
      '-notext',
      '-config',
      'ca.cnf',
      '-keyfile',
      'ca.key',
      '-cert',
      'ca.crt',
      '-in',
      'leaf.csr',
      '-out',
      `${name}.crt`,
      ...dates,
    );
    return { key: readFileSync(at('leaf.key')), cert: readFileSync(at(`${name}.crt`)) };
  };
  return {
    caFile: at('ca.crt'),
    current: pair('current', '-days', '1'),
    later: pair('later', '-startdate', '20900101000000Z', '-enddate', '20910101000000Z'),
  };
}

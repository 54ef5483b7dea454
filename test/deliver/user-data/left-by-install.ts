import { expect } from 'vitest';
import { type Bundle, type BundleFile, makeBundle } from '../../../src/bundle/bundle.ts';
import type { Machine, Secrets } from '../../../src/deliver/user-data/machine.ts';
import { bootFiles, machineOf, scratchBoot } from './scratch.ts';

type Tree = Readonly<Record<string, string>>;

const META = '/var/lib/bootstrap/revisions/1/meta';

/** What templates/user-data/install.sh leaves on a machine, as `treeOf` shows it but for the time, which nobody else knows. */
export function leftByInstall(machine: Machine, secrets: Secrets = { kind: 'inline' }): Tree {
  const boot = scratchBoot();
  try {
    boot.bring(bootFiles(machine, secrets));
    expect(boot.run()).toMatchObject({ status: 0 });
    const { [META]: meta, ...tree } = boot.tree();
    return meta === undefined ? tree : { ...tree, [META]: meta.replace(/\t[^\t]*Z\t/, '\t-\t') };
  } finally {
    boot.remove();
  }
}

/** A tree without what lies there or below. */
export function without(tree: Tree, ...paths: readonly string[]): Tree {
  return Object.fromEntries(
    Object.entries(tree).filter(([path]) => !paths.some((each) => path === each || path.startsWith(`${each}/`))),
  );
}

/** The bytes of one are no text; the characters of another mean something in a URL, in JSON or to a shell. */
const USERS: readonly Partial<BundleFile>[] = [
  { path: '/etc/kubernetes/extra/blob', content: Buffer.from(Array.from({ length: 512 }, (_, i) => i % 256)) },
  {
    path: '/etc/kubernetes/extra/text "a b"',
    content: Buffer.from('#!?&+%25%zz "\'`{}[]<>|\\^~;,:@=$(é)\t\u{1F680}\r\n\n'),
    mode: 0o640,
    owner: 'daemon:daemon',
  },
  { path: '/etc/kubernetes/extra/empty', content: Buffer.alloc(0), mode: 0o444 },
  { path: '/etc/systemd/system/kubelet.service.d/10-users.conf', content: Buffer.from('[Service]\nNice=-5\n') },
];

/** The same bundle with files of the user that are not like the others. */
function withUsers(bundle: Bundle): Bundle {
  const common = { mode: 0o644, owner: 'root:root', sensitive: false, effect: { kind: 'none' } } as const;
  const files = USERS.map((file) => ({ path: '', content: Buffer.alloc(0), ...common, ...file }));
  return makeBundle(bundle.node, bundle.directories, [...bundle.files, ...files]);
}

/** The text of everything in a bundle that nobody may know, without what others have as well. */
export function secretsIn({ files }: Bundle): readonly string[] {
  const open = files
    .filter(({ sensitive }) => !sensitive)
    .map(({ content }) => content.toString())
    .join('\n');
  const lines = files.filter(({ sensitive }) => sensitive).flatMap(({ content }) => content.toString().split('\n'));
  return lines.filter((line) => line.length > 60 && !open.includes(line));
}

/** The first machine of a cluster, with such files. */
export function cp1([bundle]: readonly Bundle[]): Machine {
  if (!bundle) throw new Error('there is no node');
  return machineOf(withUsers(bundle));
}

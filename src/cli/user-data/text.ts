import { shellQuoted } from '../../base/posix-quote.ts';
import { type Handed, KEPT_ON_THE_MACHINE, PROVIDERS, type Provider } from '../../deliver/user-data/providers.ts';
import type { UserData, UserDataWish } from '../../deliver/user-data/user-data.ts';
import type { Json } from '../../spec/tree.ts';
import { table } from '../format.ts';
import { wrap } from '../wrap.ts';
import type { Written } from './write.ts';

interface Shown {
  readonly made: readonly UserData[];
  readonly written: readonly Written[];
  readonly wish: UserDataWish;
}

/** A row a node: its file, and how much of what the provider takes that is. */
export function userDataText({ made, written, wish }: Shown): string {
  const { limit } = PROVIDERS[wish.provider];
  const rows = written.map(({ node, file, iso }, i) => {
    const bytes = made[i]?.document.counted ?? 0;
    return [
      node,
      String(bytes),
      ...(limit === undefined ? [] : [String(limit), `${Math.round((bytes / limit) * 100)} %`]),
      iso ?? file,
    ];
  });
  return table(['NODE', 'BYTES', ...(limit === undefined ? [] : ['LIMIT', 'USED']), 'FILE'], rows);
}

/** The same for `-o json`; never a content, an address or a key. */
export function userDataData({ made, written, wish }: Shown): { readonly [key: string]: Json } {
  const { limit = null } = PROVIDERS[wish.provider];
  return {
    format: wish.format,
    provider: wish.provider,
    secrets: wish.secrets.kind,
    nodes: made.map(({ node, document, upload }, i) => ({
      node,
      file: written[i]?.file ?? null,
      metaData: written[i]?.metaData ?? null,
      iso: written[i]?.iso ?? null,
      form: document.form,
      bytes: document.counted,
      limit,
      upload: upload ? { file: written[i]?.upload ?? null, sha256: upload.sealed.sha256 } : null,
    })),
  };
}

interface Advised extends Shown {
  readonly columns: number;
  readonly holds: {
    /** User-data of a master, and not of plain nodes alone. */
    readonly masters: boolean;
    readonly secrets: boolean;
    /** The key of the cluster's CA. */
    readonly authority: boolean;
  };
}

/** What is to be done with it, and who can read it. */
export function adviceText({ made, written, wish, holds, columns }: Advised): readonly string[] {
  const provider = PROVIDERS[wish.provider];
  const say = (first: string, text: string) => wrap(text, columns, first, 2);
  const lines: string[] = [];
  if (wish.secrets.kind === 'inline' && holds.secrets) {
    const kept = wish.format === 'cloud-config' ? ` ${KEPT_ON_THE_MACHINE}` : '';
    lines.push(
      `It holds private keys${holds.authority ? ', that of the CA among them' : ''}.`,
      ...(wish.format === 'tar' ? [] : say('  ', `${provider.readBy}${kept}`)),
      ...(wish.format === 'tar' ? [] : say('  ', `${provider.narrow} Or keep them out: --secrets fetch, or none.`)),
    );
  }
  if (wish.secrets.kind === 'none')
    lines.push(...say('', 'It holds no secrets: the kubelets wait until `bootstrap apply` has brought them.'));
  if (!written.length) return lines;
  lines.push('', 'Next');
  for (const [i, { upload }] of made.entries()) {
    const address = upload && `${new URL(upload.url).origin}${new URL(upload.url).pathname}`;
    if (upload) lines.push(...say('  ', `upload ${written[i]?.upload} to ${address}`));
  }
  if (wish.secrets.kind === 'fetch')
    lines.push(...say('  ', 'remove what was uploaded once all machines run: they need it once'));
  const [first] = written;
  if (first)
    lines.push(
      ...say(
        '  ',
        handOver(
          { file: first.iso ?? first.file, form: made[0]?.document.form ?? 'plain', format: wish.format },
          provider,
        ),
      ),
    );
  lines.push(
    ...say(
      '  ',
      wish.secrets.kind === 'none'
        ? 'bootstrap apply, once all machines run'
        : holds.masters
          ? 'bootstrap apply --objects, once all machines run: access rights, CoreDNS, kube-proxy'
          : 'bootstrap status, once all machines run: they need nothing more',
    ),
  );
  return lines;
}

/** A tar goes past the provider, into an image or an installer. */
function handOver(handed: Handed, provider: Provider): string {
  if (handed.format !== 'tar') return provider.handOver(handed);
  return `tar -xpf ${shellQuoted(handed.file)} -C / on the machine, as root, then systemctl enable --now kubelet`;
}

import { createPublicKey, randomBytes } from 'node:crypto';
import { BootstrapError } from '../../base/errors.ts';
import type { Pem } from '../../base/pem.ts';
import { SecretPem } from '../../base/pem.ts';
import { AUTHORITY_PATHS } from '../../pki/inventory.ts';
import { privateKey } from '../../pki/keys.ts';
import { NEW } from '../../pki/rotation/overlay.ts';
import { type OldAuthority, type Refusal, waitOldRefused } from '../../rollout/rotation/old-refused.ts';
import { resigned } from '../../rollout/rotation/resigned-token.ts';
import { mintToken, tokenAccepted } from '../../rollout/rotation/token-review.ts';
import type { RotationContext } from './context.ts';

/**
 * Proves that what was given up is trusted by nobody any more: it is shown to everybody.
 * @throws BootstrapError `failed` naming who still takes it
 */
export async function proveRefused(context: RotationContext): Promise<void> {
  if (context.journal.subjects.includes('service-account')) await tokensRefused(context);
  else await certificatesRefused(context);
}

async function certificatesRefused(context: RotationContext): Promise<void> {
  const { run, crew, pki, signal } = context;
  const { io, settings } = run;
  const results = await waitOldRefused(
    { sights: crew.sights, pki },
    givenUp(context),
    { random: randomBytes, now: () => new Date() },
    {
      seconds: settings.times.proofSeconds,
      signal,
      onUnmet: ([first = '']) => io.progress(first.slice(0, io.columns - 1)),
    },
  );
  io.progress('');
  const text = ({ to, authority, seen }: Refusal) => `${to}: a client certificate of the old CA ${authority} ${seen}`;
  for (const result of results)
    if (result.outcome === 'unchecked') io.err(`${io.color.yellow('warning:')} ${text(result)}`);
  const open = results.filter(({ outcome }) => outcome === 'trusted' || outcome === 'unknown');
  if (!open.length) {
    io.note('a client certificate of the old CA is refused everywhere');
    return;
  }
  throw new BootstrapError('failed', ['what was given up is still trusted:', ...open.map(text)].join('\n  '), {
    hint: 'the same command tries it again',
  });
}

/** The CAs that nobody is to trust any more; on the way back those are the new ones. */
function givenUp({ run, journal }: RotationContext): readonly OldAuthority[] {
  return journal.subjects.flatMap((name): readonly OldAuthority[] => {
    if (name === 'service-account') return [];
    const path = journal.direction === 'back' ? `${NEW}/${AUTHORITY_PATHS[name]}` : AUTHORITY_PATHS[name];
    const [certificate, key] = [run.store.read(`${path}.crt`), run.store.read(`${path}.key`)];
    return certificate ? [{ name, certificate: certificate.text as Pem, key: key && new SecretPem(key.text) }] : [];
  });
}

async function tokensRefused({ run, journal, crew, signal }: RotationContext): Promise<void> {
  const stored = run.store.read(journal.direction === 'back' ? `${NEW}/sa.key` : 'sa.key');
  if (!stored) return;
  const key = privateKey(new SecretPem(stored.text));
  const trusting: string[] = [];
  for (const [node, sight] of crew.sights) {
    const api = await sight.api();
    const old = resigned(await mintToken(api, { signal }), key, createPublicKey(key));
    if (await tokenAccepted(api, old, { signal })) trusting.push(node);
  }
  if (!trusting.length) {
    run.io.note('a token of the old key is refused everywhere');
    return;
  }
  throw new BootstrapError(
    'failed',
    `tokens of the old key are still accepted by the apiserver of ${trusting.join(', ')}`,
    {
      hint: 'the same command tries it again',
    },
  );
}

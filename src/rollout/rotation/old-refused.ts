import type { Pem, SecretPem } from '../../base/pem.ts';
import { readCertificate } from '../../pki/certificate.ts';
import { generateKey, privateKey } from '../../pki/keys.ts';
import type { AuthorityName, KeyPair } from '../../pki/pki.ts';
import { issueLeaf } from '../../pki/x509.ts';
import { waitFor } from '../apply/wait-for.ts';
import { ProbeError } from '../probe/probe-error.ts';
import { askWho, PROXY_HEADERS, type WhoAnswer, withApiServer } from './api-trials.ts';
import { bundleOf, type ConnectivityInput, leafOf, type MasterSight, seenOf, Unproven } from './connection.ts';
import { askEtcd, askPeer, peerUrl } from './etcd-trials.ts';
import type { SettleOptions } from './settled.ts';

/** A CA that nobody is to trust any more. */
export interface OldAuthority {
  readonly name: AuthorityName;
  readonly certificate: Pem;
  /** Undefined where it is kept elsewhere: then nothing can be tried out. */
  readonly key: SecretPem | undefined;
}

export interface Randomness {
  /** So many random bytes. */
  readonly random: (size: number) => Buffer;
  readonly now: () => Date;
}

/** What one server made of a client certificate of the old CA. */
export interface Refusal {
  readonly authority: AuthorityName;
  readonly to: string;
  /**
   * - `unknown`: it gave no answer that would say it.
   * - `unchecked`: it cannot be tried, now or later.
   */
  readonly outcome: 'refused' | 'trusted' | 'unknown' | 'unchecked';
  readonly seen: string;
}

/** How long what is made here would be of use to anybody, in ms. */
const LIFE = 5 * 60_000;

/** Nobody: it is in no group and has no rights. */
const NOBODY = 'bootstrap:probe';

/**
 * Shows a client certificate of an old CA, made in memory, to everybody who has trusted that CA. Each is also shown a
 * good one, without which a refusal would prove nothing.
 * @param input of the phase in which the old CA is trusted no more
 * @throws nothing but what an interruption brings
 */
export async function oldRefused(
  input: ConnectivityInput,
  old: readonly OldAuthority[],
  randomness: Randomness,
): Promise<readonly Refusal[]> {
  const results = await Promise.all(old.map((authority) => refusals(input, authority, randomness)));
  return results.flat();
}

/**
 * Tries until the old CAs are refused by everybody, or the time is over.
 * @returns the last results of all
 * @throws BootstrapError `failed` where it was interrupted
 */
export async function waitOldRefused(
  input: Omit<ConnectivityInput, 'signal'>,
  old: readonly OldAuthority[],
  randomness: Randomness,
  { seconds, signal, onUnmet, pauseMs = 2000 }: SettleOptions,
): Promise<readonly Refusal[]> {
  let last: readonly Refusal[] = [];
  await waitFor(
    async () => {
      last = await oldRefused({ ...input, signal }, old, randomness);
      const open = last.filter(({ outcome }) => outcome === 'trusted' || outcome === 'unknown');
      const unmet = open.map(({ authority, to, seen }) => `${to}: ${clientText(authority)} ${seen}`);
      return unmet.length ? { kind: 'not-yet', unmet } : { kind: 'good' };
    },
    { seconds, pauseMs, signal, ...(onUnmet && { onUnmet }) },
  );
  return last;
}

function clientText(authority: AuthorityName): string {
  return `a client of the old CA ${authority}`;
}

async function refusals(
  input: ConnectivityInput,
  old: OldAuthority,
  randomness: Randomness,
): Promise<readonly Refusal[]> {
  const authority = old.name;
  const unchecked = (seen: string): readonly Refusal[] => [{ authority, to: 'everybody', outcome: 'unchecked', seen }];
  if (!old.key) return unchecked('cannot be made, since the key of that CA is not here');
  if (readCertificate(old.certificate).notAfter <= randomness.now().getTime()) {
    return unchecked('is refused by everybody, since that CA has expired');
  }
  const pair = await clientOf(old, old.key, randomness);
  return Promise.all(
    attemptsOf(input, authority, pair).map(async ({ to, good, bad }): Promise<Refusal> => {
      try {
        await good();
      } catch (error) {
        if (input.signal.aborted) throw error;
        const seen = `cannot be tried, since a good one does not get through either: ${seenOf(error)}`;
        return { authority, to, outcome: 'unknown', seen };
      }
      return { authority, to, ...(await refusal(bad, input.signal)) };
    }),
  );
}

interface Attempt {
  readonly to: string;
  /** @throws where what must be taken is not taken */
  readonly good: () => Promise<unknown>;
  /** Whom it is taken for; '' where it is refused. @throws ProbeError where the handshake fails */
  readonly bad: () => Promise<string>;
}

async function refusal(bad: Attempt['bad'], signal: AbortSignal): Promise<Pick<Refusal, 'outcome' | 'seen'>> {
  try {
    const user = await bad();
    return user ? { outcome: 'trusted', seen: `is taken for ${user}` } : { outcome: 'refused', seen: 'gets 401' };
  } catch (error) {
    if (signal.aborted) throw error;
    // a good certificate came through just before, so that it is this one that the server hangs up on
    const isRefused = error instanceof ProbeError && (error.problem === 'tls' || error.problem === 'broken');
    return { outcome: isRefused ? 'refused' : 'unknown', seen: `does not get through: ${seenOf(error)}` };
  }
}

function attemptsOf(input: ConnectivityInput, name: AuthorityName, pair: KeyPair): readonly Attempt[] {
  const { sights, pki, signal } = input;
  if (name === 'etcd') {
    const members = [...sights.values()].filter((sight) => sight.endpoints().etcd?.scheme === 'https');
    return members.flatMap((member) => etcdAttempts(input, member, pair));
  }
  return withApiServer(sights).flatMap((sight): readonly Attempt[] => {
    const to = `apiserver of ${sight.node}`;
    if (name === 'kubernetes') {
      return [
        {
          to,
          good: async () => mustBeKnown(await askWho(sight, pki, pki.superAdmin, signal)),
          bad: async () => knownAs(await askWho(sight, pki, pair, signal)),
        },
      ];
    }
    const proxy = leafOf(pki, sight.node, 'front-proxy-client');
    if (!proxy) return [];
    return [
      {
        to,
        good: async () => mustBeKnown(await askWho(sight, pki, proxy, signal, PROXY_HEADERS)),
        bad: async () => knownAs(await askWho(sight, pki, pair, signal, PROXY_HEADERS)),
      },
    ];
  });
}

function etcdAttempts({ pki, signal }: ConnectivityInput, member: MasterSight, pair: KeyPair): readonly Attempt[] {
  const client = leafOf(pki, member.node, 'etcd/healthcheck-client');
  const peer = leafOf(pki, member.node, 'etcd/peer');
  if (!client || !peer) return [];
  const ca = bundleOf(pki, 'etcd');
  const asPeer = async (own: KeyPair) => askPeer(member, await peerUrl(member, pki, signal), ca, own, signal);
  return [
    {
      to: `etcd of ${member.node}`,
      good: () => askEtcd(member, ca, client, signal),
      bad: () => askEtcd(member, ca, pair, signal).then(() => NOBODY),
    },
    {
      to: `etcd peer of ${member.node}`,
      good: () => asPeer(peer),
      bad: () => asPeer(pair).then(() => NOBODY),
    },
  ];
}

function mustBeKnown({ status, user }: WhoAnswer): void {
  if (!user) throw new Unproven(`it is answered with ${status}`);
}

/** Whom one is taken for; '' for nobody. @throws Unproven where the answer says neither */
function knownAs({ status, user }: WhoAnswer): string {
  if (user) return user;
  // 403 is said to somebody who is known and may not
  if (status === 403) return 'somebody without rights';
  if (status === 401) return '';
  throw new Unproven(`is answered with ${status}`);
}

async function clientOf(old: OldAuthority, key: SecretPem, { random, now }: Randomness): Promise<KeyPair> {
  const own = await generateKey('ECDSA-P256');
  const certificate = await issueLeaf(
    {
      use: { kind: 'admin' },
      path: 'none',
      authority: old.name,
      // whom --requestheader-allowed-names lets speak for others
      subject: { commonName: old.name === 'front-proxy' ? 'front-proxy-client' : NOBODY },
      usages: ['clientAuth'],
      dnsNames: [],
      addresses: [],
    },
    own,
    { certificate: readCertificate(old.certificate), key: privateKey(key) },
    { serial: random(16), now: now(), validity: LIFE },
  );
  return { certificate, key: own };
}

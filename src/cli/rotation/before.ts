import { BootstrapError } from '../../base/errors.ts';
import type { Pem } from '../../base/pem.ts';
import { SecretPem } from '../../base/pem.ts';
import { AUTHORITY_PATHS } from '../../pki/inventory.ts';
import { publicPem } from '../../pki/keys.ts';
import type { AuthorityName } from '../../pki/pki.ts';
import type { Journal, Phase } from '../../pki/rotation/journal.ts';
import { NEW } from '../../pki/rotation/overlay.ts';
import { drops } from '../../pki/rotation/steps.ts';
import { argValue } from '../../render/args.ts';
import type { CaPair } from '../../rollout/rotation/cas.ts';
import { type Finding, workloadsOf } from '../../rollout/rotation/finding.ts';
import { SEEN_BY_PODS_AFTER } from '../../rollout/rotation/pod-findings.ts';
import { restartWorkloads } from '../../rollout/rotation/restart-workloads.ts';
import { type SurveyInput, surveyBeforeDistrust, surveyBeforeIssue } from '../../rollout/rotation/survey.ts';
import { surveyTokens } from '../../rollout/rotation/token-survey.ts';
import type { Cluster } from '../../spec/cluster.ts';
import { parseDuration } from '../../spec/duration.ts';
import { count } from '../format.ts';
import type { Produced } from '../produce.ts';
import { readyApi } from '../rollout/crew.ts';
import type { RotationContext } from './context.ts';
import { refuseUnlessWell } from './preflight.ts';
import { untilSettled } from './waiting.ts';

/**
 * Sees to it that the next phase cuts off nobody.
 * @returns why it has to wait for longer than anybody would sit there, in words; undefined where it may be entered
 * @throws BootstrapError `refused` with everything that would be cut off
 */
export async function passBefore(
  context: RotationContext,
  next: Phase,
  produced: Produced,
): Promise<string | undefined> {
  const { journal } = context;
  const isBack = journal.direction === 'back';
  if (next === 'trust' && !isBack) await refuseUnlessWell(context, produced);
  const isDropped = drops(journal, next);
  if (!isDropped && (next !== 'issue' || isBack)) return undefined;
  if (journal.subjects.includes('service-account')) return beforeKeyDrops(context);
  const look = () => surveyCas(context, isDropped);
  // what stands in the way is told before the wait, not after it
  await pass(context, next, look);
  await untilSettled(context);
  refuseBlocking(context, next, await look());
  return undefined;
}

/** The old and the new CA of a subject; on the way back the new one is what is given up. */
function caPair({ run, journal }: RotationContext, name: AuthorityName): CaPair | undefined {
  if (!journal.subjects.includes(name)) return undefined;
  const path = AUTHORITY_PATHS[name];
  const read = (file: string) => (run.store.read(file)?.text ?? '') as Pem;
  const [old, fresh] = [read(`${path}.crt`), read(`${NEW}/${path}.crt`)];
  return journal.direction === 'back' ? { old: fresh, fresh: old } : { old, fresh };
}

async function surveyCas(context: RotationContext, isDropped: boolean): Promise<readonly Finding[]> {
  const { run, crew, journal, signal } = context;
  const { cluster } = run.loaded;
  const isBack = journal.direction === 'back';
  const input: SurveyInput = {
    api: await readyApi(crew),
    kubernetes: caPair(context, 'kubernetes'),
    frontProxy: caPair(context, 'front-proxy'),
    // what has been running since before the rotation trusts the old one, which stays
    trustedSince: isBack ? 0 : bothTrustedSince(journal),
    masters: cluster.nodes.map(({ name }) => name),
    now: Date.now(),
    signal,
  };
  if (!input.kubernetes && !input.frontProxy) return [];
  if (!isDropped) return surveyBeforeIssue(input);
  const identities = await Promise.all(
    crew.masters.map(async ({ name, agent }) => [name, await agent.kubeletIdentity()] as const),
  );
  const findings = await surveyBeforeDistrust({
    ...input,
    signing: { since: placedAt(journal, 'sign'), duration: signingDuration(cluster) },
    kubeletIdentities: new Map(identities),
  });
  // how long a certificate lasts tells those of the CA that signed last from those before, not the other way round
  return isBack ? findings.filter(({ object }) => !object.startsWith('Node ') || isMaster(object, input)) : findings;
}

const isMaster = (object: string, { masters }: SurveyInput) => masters.includes(object.slice('Node '.length));

/** The controller-manager's default (--cluster-signing-duration), milliseconds. */
const YEAR = 8760 * 3_600_000;

function signingDuration({ nodes }: Cluster): number {
  const given = nodes.map(({ controllerManager }) => argValue(controllerManager.extraArgs, 'cluster-signing-duration'));
  const durations = given.map((text) => parseDuration(text ?? '') ?? YEAR);
  return Math.min(...durations);
}

/** Since when every namespace has had both CAs; milliseconds since 1970. */
function bothTrustedSince({ records }: Journal): number {
  const trust = records.find(({ phase, proven }) => phase === 'trust' && proven !== undefined);
  return trust?.proven === undefined ? 0 : Date.parse(trust.proven);
}

/** When all masters have last been given the files of a phase; milliseconds since 1970. */
function placedAt({ records }: Journal, phase: Phase): number {
  const placed = records.findLast((record) => record.phase === phase && record.placed !== undefined)?.placed;
  return placed === undefined ? 0 : Date.parse(placed);
}

/** Tokens that were signed with the key that goes: known ones in Secrets and pods, and those that nobody knows of. */
async function beforeKeyDrops(context: RotationContext): Promise<string | undefined> {
  const { run, crew, journal, signal } = context;
  const isBack = journal.direction === 'back';
  const signingSince = placedAt(journal, isBack ? 'trust' : 'sign');
  // one that never signed anything has nothing to be waited for
  if (isBack && !journal.records.some(({ phase }) => phase === 'sign')) return undefined;
  const end = signingSince + run.settings.tokensLast;
  if (end > Date.now()) {
    const moment = new Date(end).toISOString().slice(0, 16).replace('T', ' ');
    return `Tokens of the old key are to go on working until ${moment} UTC (--tokens-last): run the same command after that.`;
  }
  const key = run.store.read(isBack ? `${NEW}/sa.key` : 'sa.key');
  if (!key) return undefined;
  const oldKey = publicPem(new SecretPem(key.text));
  const api = await readyApi(crew);
  await pass(context, 'distrust', () => surveyTokens({ api, oldKey, signingSince, now: Date.now(), signal }));
  return undefined;
}

/** Restarts what may be restarted where that was asked for, tells of what is left, and refuses where something of it blocks. */
async function pass(context: RotationContext, next: Phase, look: () => Promise<readonly Finding[]>): Promise<void> {
  const { run, crew, signal, journal } = context;
  const { io, settings } = run;
  let findings = await look();
  const workloads = workloadsOf(findings.filter(({ severity }) => severity === 'blocks'));
  if (workloads.length && settings.restartWorkloads) {
    io.note(
      `restarts ${count(workloads.length, 'workload')}: ${workloads.map(({ namespace, name }) => `${namespace}/${name}`).join(', ')}`,
    );
    const { unready } = await restartWorkloads(await readyApi(crew), workloads, {
      seconds: settings.times.proofSeconds,
      signal,
      since: journal.subjects.includes('service-account')
        ? placedAt(journal, 'sign')
        : bothTrustedSince(journal) + SEEN_BY_PODS_AFTER,
      clock: Date.now,
      onUnmet: ([first = '']) => io.progress(first),
    });
    io.progress('');
    for (const line of unready) io.err(`${io.color.yellow('warning:')} ${line}`);
    findings = await look();
  }
  const told = settings.acceptLosses ? findings : findings.filter(({ severity }) => severity === 'tells');
  for (const { object, what, remedy } of told) {
    io.err(`${io.color.yellow('warning:')} ${object}: ${what}`);
    io.err(`  ${remedy}`);
  }
  refuseBlocking(context, next, findings);
}

function refuseBlocking({ run }: RotationContext, next: Phase, findings: readonly Finding[]): void {
  const blocking = findings.filter(({ severity }) => severity === 'blocks');
  if (!blocking.length || run.settings.acceptLosses) return;
  const lines = blocking.flatMap(({ object, what, remedy }) => [`  ${object}: ${what}`, `    ${remedy}`]);
  throw new BootstrapError('refused', [`${next} is not begun, because this would be cut off:`, ...lines].join('\n'), {
    hint: `mend it and run the same command again${workloadsOf(blocking).length ? '; --restart-workloads restarts the pods' : ''}; --accept-losses goes on all the same`,
  });
}

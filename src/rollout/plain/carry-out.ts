import { BootstrapError } from '../../base/errors.ts';
import { nodeChanges } from '../plan/plan-node.ts';
import { AT_ONCE } from './order.ts';
import type { PlainPlan } from './plan-plain.ts';
import { type PlainContext, type PlainEnd, takeStep } from './step.ts';

/**
 * Carries out the plans of plain nodes: the first by itself, then a few at a time. With the first failure no further one
 * is begun; those that are under way then are brought to their ends.
 * @param plans in the order in which they are to be worked on
 * @throws BootstrapError saying of each node that failed what was seen, and which were not touched
 */
export async function carryOutPlain(context: PlainContext, plans: readonly PlainPlan[]): Promise<void> {
  const left = plans.filter(({ plan }) => nodeChanges(plan));
  if (!left.length) return;
  context.tell({ kind: 'plain-order', nodes: left.map(({ node }) => node.name), atOnce: AT_ONCE });
  const ends = new Map<string, PlainEnd>();
  const broken: unknown[] = [];
  const isStopped = () =>
    context.signal.aborted || broken.length > 0 || [...ends.values()].some(({ kind }) => kind !== 'done');
  const takeNext = async (): Promise<boolean> => {
    const next = isStopped() ? undefined : left.shift();
    if (!next) return false;
    try {
      ends.set(next.node.name, await takeStep(context, next));
    } catch (error) {
      // a fault of this program: the others are brought to their ends all the same
      broken.push(error);
    }
    return true;
  };
  await takeNext();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (await takeNext());
    }),
  );
  if (broken.length) throw broken[0];
  const untouched = left.map(({ node }) => node.name);
  const failed = [...ends.values()].flatMap((end) => (end.kind === 'failed' ? [end.error] : []));
  if (failed.length) throw failure(failed, untouched);
  if (context.signal.aborted && (untouched.length || [...ends.values()].some(({ kind }) => kind !== 'done'))) {
    throw interrupted(ends, untouched);
  }
}

function failure(errors: readonly BootstrapError[], untouched: readonly string[]): BootstrapError {
  const [first] = errors;
  const codes = new Set(errors.map(({ code }) => code));
  const message = [...errors.map((error) => error.message), ...untouchedLines(untouched)].join('\n');
  return new BootstrapError(codes.size === 1 && first ? first.code : 'failed', message, {
    ...(first?.hint !== undefined && { hint: first.hint }),
    ...(errors.length === 1 && { cause: first }),
  });
}

function interrupted(ends: ReadonlyMap<string, PlainEnd>, untouched: readonly string[]): BootstrapError {
  const under = [...ends].flatMap(([node, end]) => (end.kind === 'interrupted' ? [{ node, ...end }] : []));
  const placed = under.filter(({ isPlaced }) => isPlaced);
  const others = [...under.filter(({ isPlaced }) => !isPlaced).map(({ node }) => node), ...untouched];
  const seconds = Math.max(0, ...placed.map(({ confirmSeconds }) => confirmSeconds));
  const names = placed.map(({ node }) => node).join(', ');
  const what = placed.length === 1 ? 'was proving its new revision' : 'were proving their new revisions';
  const on = '`bootstrap apply` goes on from here';
  const back = placed.length === 1 ? 'goes back to what it had' : 'go back to what they had';
  return new BootstrapError(
    'failed',
    [placed.length ? `interrupted while ${names} ${what}` : 'interrupted', ...untouchedLines(others)].join('\n'),
    { hint: seconds ? `${on}; without it, ${names} ${back} within ${seconds} s` : on },
  );
}

function untouchedLines(nodes: readonly string[]): readonly string[] {
  return nodes.length ? [`not touched: ${nodes.join(', ')}`] : [];
}

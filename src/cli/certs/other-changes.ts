import { KUBERNETES, PKI } from '../../render/layout.ts';
import { allPlans } from '../../rollout/plan/plan-node.ts';
import type { FileChange, Plan } from '../../rollout/plan.ts';

/**
 * Files that a plan changes for another reason than new certificates, as `cp1: /etc/…`. A renewal, which may well be run
 * by a timer at night, must not carry out what somebody is still editing.
 */
export function otherChanges(plan: Plan): readonly string[] {
  return allPlans(plan).flatMap(({ node, changes }) =>
    changes.filter((change) => !isOfCertificates(change)).map(({ path }) => `${node}: ${path}`),
  );
}

function isOfCertificates({ kind, path, certificates, effect, rewritten, sensitive, diff }: FileChange): boolean {
  // a mode or an owner that is put right
  if (kind === 'change' && !rewritten) return true;
  if (kind === 'remove') return false;
  if (certificates || path === `${KUBERNETES}/admin.conf`) return true;
  if (sensitive) return path.startsWith(`${PKI}/`);
  // the digests that a manifest carries are shown as `…`
  return effect.kind === 'manifest' && diff === '';
}

import type { ListedCertificate } from '../../pki/list/listed.ts';
import { below } from '../../render/json.ts';
import type { NodePlan } from '../../render/plan-node.ts';
import { type OnChange, onChange } from './on-change.ts';
import { authorityPlace, leafPlace, type PlacedFile, type Placement } from './placed.ts';
import { type FileUse, fileUses } from './uses.ts';

/** Who uses a certificate: a process, by a flag, a kubeconfig or a field; or a person, by a kubeconfig. */
interface CertificateUse {
  readonly component: FileUse['component'] | 'bootstrap' | 'person';
  readonly by: string;
}

/** A certificate of the cluster directory, with what follows from where it lies. */
export interface CertificateRow extends ListedCertificate {
  readonly uses: readonly CertificateUse[];
  /** On its node; of a CA on each node. The keys beside it are among them. */
  readonly places: readonly PlacedFile[];
  /** What happens when it is renewed, or when a CA's bundle changes; undefined where it lies on no node. */
  readonly change: OnChange | undefined;
}

/** Every row with its uses. @param plans of all nodes */
export function certificateRows(
  certificates: readonly ListedCertificate[],
  plans: readonly NodePlan[],
  placement: Placement,
): readonly CertificateRow[] {
  const uses = new Map(plans.map((plan) => [plan.input.node.name, fileUses(plan)]));
  const first = plans[0]?.input.node.name ?? '';
  const selfRotating = new Set(
    plans.filter(({ kubelet }) => below(kubelet?.config, 'rotateCertificates') === true).map(nameOf),
  );
  return certificates.map((certificate): CertificateRow => {
    const { kind, name, node, roles } = certificate;
    if (kind === 'leaf' && node === undefined) {
      const uses = [{ component: 'person', by: `${name}.conf` } as const];
      return { ...certificate, uses, places: [], change: undefined };
    }
    const held = placement.get(node ?? first);
    const places = (
      kind === 'leaf'
        ? [leafPlace(name)]
        : [
            ...(roles.includes('signs') ? [authorityPlace(name, 'signer')] : []),
            ...(roles.includes('trusted') ? [authorityPlace(name, 'bundle')] : []),
          ]
    ).flatMap((place) => held?.get(place) ?? []);
    const all = uses.get(node ?? first) ?? [];
    const isOwn = kind === 'leaf' && name === 'kubelet' && selfRotating.has(node ?? first);
    return {
      ...certificate,
      uses: usesOf(certificate, places, all),
      places,
      change: places.length ? onChange(places, all, isOwn) : undefined,
    };
  });
}

function usesOf(
  { kind, name }: ListedCertificate,
  places: readonly PlacedFile[],
  all: readonly FileUse[],
): readonly CertificateUse[] {
  // keys go with their certificates: to name both flags would say nothing more
  const open = new Set(places.filter(({ sensitive }) => !sensitive).map(({ path }) => path));
  const found = all.filter(({ path }) => open.has(path)).map(({ component, by }) => ({ component, by }));
  const people = places
    .filter(({ path }) => path.endsWith('.conf'))
    .map(({ path }) => ({ component: 'person', by: path }) as const);
  if (found.length || people.length || kind === 'authority') {
    const unique = new Map([...found, ...people].map((use) => [`${use.component} ${use.by}`, use]));
    return [...unique.values()];
  }
  return name === 'etcd/healthcheck-client' ? [{ component: 'bootstrap', by: 'asking etcd how it is' }] : [];
}

const nameOf = ({ input }: NodePlan): string => input.node.name;

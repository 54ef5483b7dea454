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
  /** On its node; of a CA on whichever nodes have it there. The keys beside it are among them. */
  readonly places: readonly PlacedFile[];
  /** What happens when it is renewed, or when a CA's bundle changes; undefined where it lies on no node. */
  readonly change: OnChange | undefined;
}

/**
 * Every row with its uses.
 * @param plans of all nodes
 */
export function certificateRows(
  certificates: readonly ListedCertificate[],
  plans: readonly NodePlan[],
  placement: Placement,
): readonly CertificateRow[] {
  const uses = new Map(plans.map((plan) => [plan.input.node.name, fileUses(plan)]));
  const selfRotating = new Set(
    plans.filter(({ kubelet }) => below(kubelet?.config, 'rotateCertificates') === true).map(nameOf),
  );
  return certificates.map((certificate): CertificateRow => {
    const { kind, name, node } = certificate;
    if (kind === 'leaf' && node === undefined) return { ...certificate, ...ofDirectory(name, plans), places: [] };
    const nodes = node === undefined ? plans.map(nameOf) : [node];
    const held = nodes.flatMap((each) => placesOf(certificate, placement.get(each)));
    const places = [...new Map(held.map((place) => [place.path, place])).values()];
    const all = nodes.flatMap((each) => uses.get(each) ?? []);
    const isOwn = kind === 'leaf' && name === 'kubelet' && selfRotating.has(node ?? '');
    return {
      ...certificate,
      uses: usesOf(certificate, places, all),
      places,
      change: held.length ? onChange(held, all, isOwn) : undefined,
    };
  });
}

/** Where a certificate lies on a node, of which it is told what lies where. */
export function placesOf(
  { kind, name, roles }: Pick<ListedCertificate, 'kind' | 'name' | 'roles'>,
  held: ReadonlyMap<string, readonly PlacedFile[]> | undefined,
): readonly PlacedFile[] {
  const what =
    kind === 'leaf'
      ? [leafPlace(name)]
      : [
          ...(roles.includes('signs') ? [authorityPlace(name, 'signer')] : []),
          ...(roles.includes('trusted') ? [authorityPlace(name, 'bundle')] : []),
        ];
  return what.flatMap((place) => held?.get(place) ?? []);
}

/** Of those that lie on no node: that of the server of static pods, or a person's. */
function ofDirectory(name: string, plans: readonly NodePlan[]): Pick<CertificateRow, 'uses' | 'change'> {
  if (name === 'serve') {
    const text = 'reload once `bootstrap apply` has given it to the server';
    const change: OnChange = { kind: 'reload', restarts: [], seconds: undefined, text };
    return { uses: [{ component: 'bootstrap', by: 'serve' }], change };
  }
  // without masters there is no API, and no kubeconfig for anybody
  const hasApi = plans.some(({ input }) => input.node.role === 'master');
  return { uses: hasApi ? [{ component: 'person', by: `${name}.conf` }] : [], change: undefined };
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

import type { Certificate } from '../../pki/certificate.ts';
import { type CertificateFacts, factsOf } from '../../pki/list/facts.ts';
import type { IssuerOf } from '../../pki/list/issuers.ts';
import { type LifeState, lifeState, usualWindow } from '../../pki/list/life.ts';
import { type Agreement, agreement, compared, type Found } from './agreement.ts';
import type { SeenNode, SeenServer, Server } from './look.ts';
import type { PlacedFile, Placement } from './placed.ts';
import { type CertificateRow, placesOf } from './rows.ts';
import type { FileUse } from './uses.ts';

/** A certificate that a process showed in a TLS handshake. */
export interface ServedCertificate {
  readonly node: string;
  readonly server: Server;
  readonly port: number;
  readonly facts: CertificateFacts;
  readonly state: LifeState;
  /** The row whose file the process serves from; undefined where it makes its certificate by itself. */
  readonly row: CertificateRow | undefined;
}

/** A certificate that lies on a node and not in the cluster directory. */
export interface ForeignCertificate {
  readonly node: string;
  /** `own`: the kubelet has got it by itself. `trusted`: it lies in a bundle. */
  readonly kind: 'own' | 'trusted';
  readonly path: string;
  readonly facts: CertificateFacts;
  readonly state: LifeState;
}

/** A certificate in a node's file that is not the one of the cluster directory. */
interface DifferingCertificate {
  readonly row: CertificateRow;
  readonly facts: CertificateFacts;
  readonly state: LifeState;
}

/** What the nodes have and show, beside the rows. */
export interface LiveView {
  /** In the order of the cluster file; `why` where one could not be looked at. */
  readonly nodes: readonly { readonly name: string; readonly why: string | undefined }[];
  readonly agreements: ReadonlyMap<CertificateRow, Agreement>;
  readonly served: readonly ServedCertificate[];
  readonly differing: readonly DifferingCertificate[];
  readonly foreign: readonly ForeignCertificate[];
  /** Servers that showed no certificate, and why. */
  readonly silent: readonly {
    readonly node: string;
    readonly server: Server;
    readonly port: number;
    readonly why: string;
  }[];
}

export interface LiveInput {
  readonly rows: readonly CertificateRow[];
  /** Nodes that were to be looked at, in the order of the cluster file. */
  readonly nodes: readonly string[];
  readonly seen: ReadonlyMap<string, SeenNode>;
  readonly unreachable: ReadonlyMap<string, string>;
  /** Of each node. */
  readonly uses: ReadonlyMap<string, readonly FileUse[]>;
  readonly placement: Placement;
  /** SHA-256 (hex) that files with keys should have, by node and path. */
  readonly digests: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly issuerOf: IssuerOf;
  readonly now: number;
  /** Milliseconds, where something else counts as soon than usual. */
  readonly within: number | undefined;
}

/** By which flag or field a server says where its certificate lies. */
const SERVING: Readonly<Record<Server, { readonly component: FileUse['component']; readonly by: readonly string[] }>> =
  {
    'kube-apiserver': { component: 'kube-apiserver', by: ['--tls-cert-file'] },
    etcd: { component: 'etcd', by: ['--cert-file'] },
    'etcd-peer': { component: 'etcd', by: ['--peer-cert-file'] },
    kubelet: { component: 'kubelet', by: ['tlsCertFile', '--tls-cert-file'] },
    'kube-controller-manager': { component: 'kube-controller-manager', by: ['--tls-cert-file'] },
    'kube-scheduler': { component: 'kube-scheduler', by: ['--tls-cert-file'] },
  };

/** Puts what was seen on the nodes beside what the cluster directory has. */
export function liveView(input: LiveInput): LiveView {
  const { nodes, seen, unreachable, rows, uses } = input;
  const views = nodes.flatMap((name) => seen.get(name) ?? []);
  const rowOf = ({ node }: SeenNode, { server }: SeenServer) => {
    const { component, by } = SERVING[server];
    const path = uses.get(node)?.find((use) => use.component === component && by.includes(use.by))?.path;
    return rows.find((row) => row.node === node && row.places.some((place) => place.path === path));
  };
  const servers = views.flatMap((view) =>
    view.servers.map((each) => ({ node: view.node, each, row: rowOf(view, each) })),
  );
  return {
    nodes: nodes.map((name) => ({ name, why: unreachable.get(name) })),
    agreements: new Map(
      rows.flatMap((row) => {
        const found = row.kind === 'leaf' ? ofLeaf(row, input, servers) : ofAuthority(row, input);
        return found ? [[row, found] as const] : [];
      }),
    ),
    served: servers.flatMap(({ node, each: { server, port, certificate }, row }) =>
      typeof certificate === 'string' ? [] : [{ node, server, port, row, ...told(certificate, input) }],
    ),
    differing: rows.flatMap((row) => differing(row, input)),
    foreign: views.flatMap((view) => foreignOn(view, input)),
    silent: servers.flatMap(({ node, each: { server, port, certificate } }) =>
      typeof certificate === 'string' ? [{ node, server, port, why: certificate }] : [],
    ),
  };
}

function told(certificate: Certificate, { issuerOf, now, within }: LiveInput) {
  const facts = factsOf(certificate, issuerOf(certificate));
  return { facts, state: lifeState(facts, now, within ?? usualWindow(facts.notAfter - facts.notBefore)) };
}

function ofLeaf(
  row: CertificateRow,
  { nodes, seen, digests }: LiveInput,
  servers: readonly { readonly node: string; readonly each: SeenServer; readonly row: CertificateRow | undefined }[],
): Agreement | undefined {
  const { node, facts, places } = row;
  if (node === undefined || !nodes.includes(node)) return undefined;
  const view = seen.get(node);
  if (!view) return agreement('unreachable', undefined, false);
  const open = places.find(isCertificate);
  const onNode = open && certificateAt(view, open.path);
  const secret = places.find(({ path }) => path.endsWith('.conf'));
  const file: Found = open
    ? compared(facts, onNode)
    : secretFound(digests.get(node)?.get(secret?.path ?? ''), view.digests.get(secret?.path ?? ''));
  const server = servers.find((each) => each.row === row)?.each;
  if (!server) return agreement(file, undefined, false);
  const { certificate } = server;
  if (typeof certificate === 'string') return agreement(file, 'silent', false);
  return agreement(file, compared(facts, certificate), onNode?.der.equals(certificate.der) ?? false);
}

function differing(row: CertificateRow, input: LiveInput): readonly DifferingCertificate[] {
  const view = row.kind === 'leaf' && row.node !== undefined ? input.seen.get(row.node) : undefined;
  const open = row.places.find(isCertificate);
  const onNode = view && open && certificateAt(view, open.path);
  if (!onNode || compared(row.facts, onNode) === 'same') return [];
  return [{ row, ...told(onNode, input) }];
}

function isCertificate({ path, sensitive }: PlacedFile): boolean {
  return !sensitive && path.endsWith('.crt');
}

function certificateAt({ files }: SeenNode, path: string): Certificate | undefined {
  const found = files.get(path);
  return typeof found === 'object' ? found[0] : undefined;
}

function secretFound(wanted: string | undefined, found: string | undefined): Found {
  if (found === undefined) return 'absent';
  return found === wanted ? 'same' : 'other';
}

/** Of a CA: on every node that should have it, in every file that it should be in. */
function ofAuthority(row: CertificateRow, { nodes, seen, placement }: LiveInput): Agreement | undefined {
  const { facts } = row;
  const wanted = nodes.flatMap((node) => {
    const paths = certificatePaths(row, node, placement);
    return paths.length ? [{ node, paths, view: seen.get(node) }] : [];
  });
  if (!wanted.length || !facts) return undefined;
  const looked = wanted.flatMap(({ view, paths }) => (view ? [{ view, paths }] : []));
  if (!looked.length) return agreement('unreachable', undefined, false);
  const missing = looked.flatMap(({ view, paths }) =>
    paths
      .filter((path) => {
        const found = view.files.get(path);
        return typeof found !== 'object' || !found.some((each) => compared(facts, each) === 'same');
      })
      .map((path) => `${view.node} ${path}`),
  );
  if (missing.length) {
    const more = missing.length > 1 ? ` and ${missing.length - 1} more` : '';
    return { node: 'absent', process: undefined, text: `not in ${missing[0]}${more}` };
  }
  const names = looked.map(({ view }) => view.node).join(', ');
  const text = looked.length < wanted.length ? `same on ${names}` : 'same';
  return { node: 'same', process: undefined, text };
}

function certificatePaths(row: CertificateRow, node: string, placement: Placement): readonly string[] {
  return placesOf(row, placement.get(node))
    .filter(isCertificate)
    .map(({ path }) => path);
}

/** What a node's bundles trust beyond the cluster directory's, and what the kubelet has got by itself. */
function foreignOn(view: SeenNode, input: LiveInput): readonly ForeignCertificate[] {
  const known = new Set(input.rows.flatMap(({ facts }) => (facts ? [facts.fingerprint] : [])));
  const bundles = new Set(
    input.rows
      .filter(({ kind }) => kind === 'authority')
      .flatMap((row) => certificatePaths(row, view.node, input.placement)),
  );
  const trusted = [...view.files].flatMap(([path, certificates]) =>
    bundles.has(path) && typeof certificates === 'object'
      ? certificates.map((certificate) => ({
          node: view.node,
          kind: 'trusted' as const,
          path,
          ...told(certificate, input),
        }))
      : [],
  );
  const strangers = trusted.filter(({ facts }) => !known.has(facts.fingerprint));
  return [
    // the same one usually lies in several files
    ...strangers.filter(
      ({ facts }, i) => strangers.findIndex((one) => one.facts.fingerprint === facts.fingerprint) === i,
    ),
    ...(view.kubelet
      ? [{ node: view.node, kind: 'own' as const, path: KUBELET_OWN, ...told(view.kubelet, input) }]
      : []),
  ];
}

/** client-go, certificate_store.go: where a kubelet keeps what it has got by itself. */
const KUBELET_OWN = '/var/lib/kubelet/pki/kubelet-client-current.pem';

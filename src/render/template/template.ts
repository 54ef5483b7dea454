import type { Located } from '../../base/fault.ts';

/** Every template there is; each may be replaced by one of the user's with the same name. */
export const TEMPLATE_NAMES = [
  'cluster/Corefile',
  'cluster/access.yaml',
  'cluster/bootstrap-tokens.yaml',
  'cluster/cluster-info.yaml',
  'cluster/coredns.yaml',
  'cluster/kube-proxy.yaml',
  'cluster/kubeadm-config.yaml',
  'cluster/kubelet-config.yaml',
  'kubeconfig.yaml',
  'kubelet/20-bootstrap.conf',
  'kubelet/config.yaml',
  'kubelet/kubelet.service',
  'manifests/etcd.yaml',
  'manifests/kube-apiserver.yaml',
  'manifests/kube-controller-manager.yaml',
  'manifests/kube-scheduler.yaml',
] as const;

export type TemplateName = (typeof TEMPLATE_NAMES)[number];

/** What a template becomes decides how values are quoted in it. */
export type TemplateKind = 'yaml' | 'systemd' | 'corefile';

export function kindOf(name: string): TemplateKind {
  if (name.endsWith('/Corefile')) return 'corefile';
  return name.endsWith('.yaml') ? 'yaml' : 'systemd';
}

/** Where a template sets a flag, and the names in the view that its value or its presence depends on. */
export interface FlagLine {
  readonly line: number;
  readonly uses: readonly string[];
}

/** A template as the build leaves it in `src/generated/templates.ts`. */
export interface CompiledTemplate {
  /** As messages name it: `templates/manifests/etcd.yaml.hbs`. */
  readonly file: string;
  /** Handlebars' precompiled form. */
  readonly spec: object;
  readonly flags: Readonly<Record<string, FlagLine>>;
}

/** A template ready for use. */
export interface Template {
  readonly name: TemplateName;
  readonly file: string;
  readonly builtin: boolean;
  readonly flags: Readonly<Record<string, FlagLine>>;
  /**
   * The text with the values of `view` in it. The names in the view are all that a template can use; a value that is
   * absent on purpose is null there.
   * @throws BootstrapError naming template, line and name where a value is missing
   */
  fill(view: object): string;
}

export type TemplateSet = ReadonlyMap<TemplateName, Template>;

export function templatePlace(file: string, line: number, column: number): Located {
  return { path: '', origin: { kind: 'file', place: { file, line, column } } };
}

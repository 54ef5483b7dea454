import { BootstrapError } from '../../base/errors.ts';
import { describeOrigin, type Located, type Origin } from '../../base/fault.ts';
import { didYouMean } from '../../base/suggest.ts';
import { COMPONENTS } from '../../kubernetes/component.ts';
import { explainFlag, type FlagExplanation } from '../../render/explain.ts';
import { explainKubeletField } from '../../render/explain-kubelet.ts';
import { allNodes } from '../../spec/all-nodes.ts';
import type { Cluster } from '../../spec/cluster.ts';
import { maskFiles } from '../../spec/masked.ts';
import { CLUSTER_SCHEMA, type SchemaNode, schemaAt } from '../../spec/schema.ts';
import { parsePath } from '../../spec/set-option.ts';
import { at, type Json, type Segment, type Tree, toJson } from '../../spec/tree.ts';
import { printResult } from '../format.ts';
import { processIo } from '../io.ts';
import { load } from '../load.ts';
import { nodeNamed } from '../nodes.ts';
import type { CommonOptions } from '../options.ts';
import { renderContext } from '../render-context.ts';
import { type Workspace, workspace } from '../workspace.ts';

/** What `explain` found: lines for people, the same as data. */
interface Explanation {
  readonly data: { readonly [key: string]: Json };
  readonly lines: readonly string[];
}

/** `explain spec.…` for a field, `explain NODE COMPONENT --FLAG` for a rendered flag. */
export async function explain(options: CommonOptions, ...what: readonly string[]): Promise<number> {
  const space = workspace(options);
  const [first = ''] = what;
  const { data, lines } =
    what.length === 1 ? await explainField(space, options, first) : await explainRendered(space, options, what);
  printResult(processIo(options), options.output, data, () => lines.join('\n'));
  return 0;
}

/** `cluster.yaml:12:5`, `profile small, profiles/small.yaml:9:5`, `default: kubeadm's default`. */
function words(origin: Origin): string {
  if (origin.kind === 'profile') return `profile ${origin.profile}, ${describeOrigin(origin)}`;
  return origin.kind === 'default' ? `default: ${origin.rule}` : describeOrigin(origin);
}

const from = ({ path, origin }: Located): { readonly [key: string]: Json } => ({ path, source: words(origin) });

const shown = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value));

async function explainField(space: Workspace, options: CommonOptions, path: string): Promise<Explanation> {
  const segments = parsePath(path);
  const schema = CLUSTER_SCHEMA as SchemaNode;
  checkKnown(schema, segments, path);
  const { cluster } = load(space, options);
  const [top, ...below] = segments;
  if (top !== 'spec')
    throw new BootstrapError('usage', `${path}: only fields below "spec" can be explained`, {
      hint: 'for example spec.networking.serviceSubnet',
    });
  const tree = at(maskFiles(cluster.spec), below);
  const { description = '' } = schemaAt(schema, segments) ?? {};
  if (!tree) {
    const isKubeletField = below[0] === 'kubelet' && below[1] === 'config' && below.length > 2;
    const said = isKubeletField
      ? await kubeletDefault(space, cluster, path, below.slice(2))
      : 'is not set, and has no default';
    return {
      data: { path, set: false, description },
      lines: [`${path} ${said}`, ...(description ? [`  ${description}`] : [])],
    };
  }
  const leaves = leavesOf(tree);
  const value = toJson(tree);
  return {
    data: { path, set: true, value, description, from: leaves.map(from) },
    lines:
      tree.kind === 'scalar' || leaves.length < 2
        ? [
            `${path} = ${shown(value)}`,
            `  ${words((leaves[0] ?? tree).origin)}`,
            ...(description ? [`  ${description}`] : []),
          ]
        : leaves.map((leaf) => `${leaf.path} = ${shown(toJson(leaf))}\n  ${words(leaf.origin)}`),
  };
}

/** What a field of KubeletConfiguration is where the cluster file leaves it alone. */
async function kubeletDefault(
  space: Workspace,
  cluster: Cluster,
  path: string,
  field: readonly Segment[],
): Promise<string> {
  const [node] = allNodes(cluster);
  if (!node) return 'is not set';
  const { value, origin } = explainKubeletField(cluster, node, await renderContext(cluster, space), field);
  if (origin.kind === 'unknown') {
    throw new BootstrapError('usage', `${path}: ${origin.message}`, origin.hint ? { hint: origin.hint } : {});
  }
  if (value === undefined) return "is not set; the kubelet's own default holds";
  return `is not set; the kubelet gets ${shown(value)} from templates/kubelet/config.yaml.hbs`;
}

function leavesOf(tree: Tree): readonly Tree[] {
  if (tree.kind === 'scalar') return [tree];
  const below = tree.kind === 'map' ? [...tree.entries.values()] : tree.items;
  return below.length ? below.flatMap(leavesOf) : [tree];
}

/** A field that no cluster file can have is a slip of the pen. */
function checkKnown(schema: SchemaNode, segments: readonly Segment[], path: string): void {
  for (const [i, segment] of segments.entries()) {
    const parent = schemaAt(schema, segments.slice(0, i));
    // below `config` and the like anything may stand
    if (!parent?.properties) continue;
    if (schemaAt(schema, segments.slice(0, i + 1))) continue;
    const known = Object.keys(parent.properties);
    throw new BootstrapError('usage', `${path}: there is no field ${JSON.stringify(segment)}`, {
      hint: didYouMean(String(segment), known) ?? `known here: ${known.join(', ')}`,
    });
  }
}

async function explainRendered(
  space: Workspace,
  options: CommonOptions,
  what: readonly string[],
): Promise<Explanation> {
  const [nodeName = '', componentName = '', flagText] = what;
  const { cluster } = load(space, options);
  const node = nodeNamed(cluster, nodeName);
  const component = COMPONENTS.find((each) => each === componentName);
  if (!component) {
    throw new BootstrapError('usage', `there is no component ${JSON.stringify(componentName)}`, {
      hint: didYouMean(componentName, COMPONENTS) ?? `components: ${COMPONENTS.join(', ')}`,
    });
  }
  if (node.role === 'node' && component !== 'kubelet') {
    throw new BootstrapError('usage', `${node.name} runs no ${component}: it is no master`, {
      hint: `only its kubelet has flags: bootstrap explain ${node.name} kubelet --config`,
    });
  }
  if (flagText === undefined || what.length > 3) {
    throw new BootstrapError('usage', 'a node, a component and one flag are needed', {
      hint: `for example: bootstrap explain ${node.name} ${component} --v`,
    });
  }
  const flag = flagText.replace(/^--?/, '').replace(/=.*$/, '');
  const found = explainFlag(cluster, node, component, flag, await renderContext(cluster, space));
  if (found.origin.kind === 'unknown') {
    const { hint } = found.origin;
    throw new BootstrapError(
      'usage',
      `${component} ${cluster.version.text} has no flag --${flag}`,
      hint ? { hint } : {},
    );
  }
  return flagExplanation(node.name, found);
}

function flagExplanation(node: string, { component, flag, values, origin, template }: FlagExplanation): Explanation {
  const head = values.length
    ? values.map((value) => `--${flag}=${value}`)
    : [`--${flag} is not given; the default of ${component} itself holds`];
  const line = template && `${template.file}:${template.line}`;
  const places: Located[] = 'at' in origin ? [origin.at] : origin.kind === 'template' ? [...origin.from] : [];
  const reason: Readonly<Record<typeof origin.kind, string>> = {
    template: `default, ${line}`,
    user: 'set in the cluster file',
    patch: 'set by a patch',
    removed: `the default (${line}) was taken away`,
    unset: line ? `${line} gives it only in other clusters` : 'neither a default nor set in the cluster file',
    unknown: '',
  };
  return {
    data: {
      node,
      component,
      flag,
      values,
      from: origin.kind,
      ...(line && { template: line }),
      sources: places.map(from),
    },
    lines: [...head, `  ${reason[origin.kind]}`, ...places.map((at) => `  ${at.path}: ${words(at.origin)}`)],
  };
}

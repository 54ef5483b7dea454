import { basename } from 'node:path/posix';
import { errorAt, type Fault } from '../../base/fault.ts';
import { didYouMean } from '../../base/suggest.ts';
import { at, childPath, locate } from '../../spec/tree.ts';
import { flagSources } from '../component-view.ts';
import type { NodeInput } from '../context.ts';
import { below, type JsonMap, sameJson } from '../json.ts';
import { BLOCK_OF, type PodComponent } from '../layout.ts';
import { listAt } from '../overlay.ts';
import { applyPatches } from '../patch/apply.ts';
import type { SchemaError } from '../pod-schema.ts';
import { templatePlace } from '../template/template.ts';

/** A pod that Kubernetes would read as it is meant, under its own name and in its own place. */
export function checkSchema(
  input: NodeInput,
  component: PodComponent,
  pod: JsonMap,
  unpatched: JsonMap,
): readonly Fault[] {
  const problems = podProblems(input, pod, component);
  return problems.map(({ path, message }) => {
    const patch = culprit(input, component, unpatched, { path, message });
    const where = path.length ? path.reduce<string>(childPath, '') : 'the manifest';
    return errorAt(patch ?? settingOf(input, component, path), `${component}: ${where} ${message}`);
  });
}

interface PodProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

function podProblems(
  { validatePod: validate }: NodeInput,
  pod: JsonMap,
  component: PodComponent,
): readonly PodProblem[] {
  const problems: PodProblem[] = [];
  if (validate && !validate(pod))
    problems.push(...unique((validate.errors ?? []).map((error) => describe(pod, error))));
  const containers = listAt(pod, 'spec', 'containers');
  const own = Math.max(
    0,
    containers.findIndex((container) => below(container, 'name') === component),
  );
  const container = ['spec', 'containers', own];
  const identity = [
    [['metadata', 'name'], component],
    [['metadata', 'namespace'], 'kube-system'],
    [['spec', 'hostNetwork'], true, ': all parts of a master find each other in the network of the machine'],
    ...(containers.length ? ([[[...container, 'name'], component]] as const) : []),
  ] as const;
  for (const [path, wanted, why = ''] of identity) {
    if (below(pod, ...path) !== wanted) problems.push({ path, message: `must stay ${JSON.stringify(wanted)}${why}` });
  }
  const program = below(pod, ...container, 'command', 0);
  if (containers.length && (typeof program !== 'string' || basename(program) !== component)) {
    const message = `must be ${component}, the program that the flags after it are for`;
    problems.push({ path: [...container, 'command', 0], message });
  }
  return problems;
}

function describe(pod: JsonMap, { instancePath, keyword, message = 'is wrong', params }: SchemaError): PodProblem {
  const path = readPath(pod, instancePath);
  if (keyword === 'additionalProperties' || keyword === 'unevaluatedProperties') {
    const name = String(params['additionalProperty'] ?? params['unevaluatedProperty']);
    return { path, message: `has no field ${JSON.stringify(name)} in a static pod` };
  }
  if (keyword === 'enum') {
    const allowed = (params['allowedValues'] as readonly string[]).filter(Boolean);
    const value = below(pod, ...path);
    return {
      path,
      message: `is ${JSON.stringify(value)}; ${didYouMean(String(value), allowed) ?? `it can be ${allowed.join(', ')}`}`,
    };
  }
  if (keyword === 'const') return { path, message: `must be ${JSON.stringify(params['allowedValue'])}` };
  return { path, message };
}

/** ajv's JSON pointer; a step into a list becomes a number. */
function readPath(pod: JsonMap, pointer: string): readonly (string | number)[] {
  const path: (string | number)[] = [];
  for (const step of pointer.split('/').slice(1)) {
    path.push(Array.isArray(below(pod, ...path)) ? Number(step) : step.replaceAll('~1', '/').replaceAll('~0', '~'));
  }
  return path;
}

function unique(problems: readonly PodProblem[]): readonly PodProblem[] {
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
}

/** The first patch after which the problem is there. */
function culprit(input: NodeInput, component: PodComponent, unpatched: JsonMap, wanted: PodProblem) {
  const has = (pod: JsonMap) =>
    podProblems(input, pod, component).some(
      (problem) => sameJson(problem.path, wanted.path) && problem.message === wanted.message,
    );
  const patches = input.node.patches.filter((patch) => patch.target === component);
  if (!patches.length || has(unpatched)) return undefined;
  const i = patches.findIndex((_, n) => has(applyPatches(unpatched, component, patches.slice(0, n + 1)).data));
  return patches[i]?.at;
}

const SETTINGS: Readonly<Record<string, string>> = {
  env: 'extraEnvs',
  resources: 'resources',
  volumeMounts: 'extraVolumes',
  volumes: 'extraVolumes',
};

/** What is not from a patch is from the setting that ends there, or from the template. */
function settingOf({ node, templates }: NodeInput, component: PodComponent, path: readonly (string | number)[]) {
  const setting = path.map((step) => SETTINGS[step]).find(Boolean);
  const place = setting === undefined ? undefined : [BLOCK_OF[component], setting];
  if (place && at(node.blocks, place)) return locate(node.blocks, place);
  return templatePlace(templates.get(flagSources(component).template)?.file ?? component, 1, 1);
}

import { errorAt, type Fault } from '../../base/fault.ts';
import { didYouMean } from '../../base/suggest.ts';
import { at, childPath, locate } from '../../spec/tree.ts';
import { flagSources } from '../component-view.ts';
import type { NodeInput } from '../context.ts';
import { below, type JsonMap } from '../json.ts';
import { BLOCK_OF, type PodComponent } from '../layout.ts';
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
    const patch = culprit(input, component, unpatched, message);
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
  const identity = [
    [['metadata', 'name'], component],
    [['metadata', 'namespace'], 'kube-system'],
  ] as const;
  for (const [path, wanted] of identity) {
    const found = below(pod, ...path);
    if (found !== wanted) problems.push({ path, message: `must stay ${JSON.stringify(wanted)}` });
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
function culprit(input: NodeInput, component: PodComponent, unpatched: JsonMap, message: string) {
  const has = (pod: JsonMap) => podProblems(input, pod, component).some((problem) => problem.message === message);
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

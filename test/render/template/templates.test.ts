import { describe, expect, it } from 'vitest';
import { BootstrapError } from '../../../src/base/errors.ts';
import { describeFault } from '../../../src/base/fault.ts';
import { renderCluster } from '../../../src/render/render.ts';
import { builtinTemplates } from '../../../src/render/template/builtin.ts';
import type { Template, TemplateName } from '../../../src/render/template/template.ts';
import { withUserTemplates } from '../../../src/render/template/user.ts';
import { clusterOf, contextFor, fakePki, specOf } from '../fixtures.ts';

async function userTemplate(text: string, name: TemplateName = 'manifests/kube-scheduler.yaml'): Promise<Template> {
  const templates = await withUserTemplates(builtinTemplates(), [{ name, file: `templates/${name}.hbs`, text }]);
  return templates.get(name) as Template;
}

async function problemsOf(run: () => unknown): Promise<{ readonly code: string; readonly faults: readonly string[] }> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof BootstrapError)) throw error;
    return { code: error.code, faults: error.faults.map(describeFault) };
  }
  throw new Error('nothing was wrong');
}

const FILE = 'templates/manifests/kube-scheduler.yaml.hbs';

describe('filling a template', () => {
  it('names template, line, column and name of a value that is missing, and the nearest name', async () => {
    const template = await userTemplate('a: 1\nb:\n  c: {{yaml imgae}}\n');
    const { code, faults } = await problemsOf(() => template.fill({ image: 'x' }));
    expect(code).toBe('cluster-file');
    expect(faults).toEqual([`${FILE}:3:6: "imgae" has no value; did you mean "image"?`]);
  });

  it.each([
    ['{{#if nope}}\na: 1\n{{/if}}\n', '1:1: "nope" has no value'],
    ['{{#unless nope}}\na: 1\n{{/unless}}\n', '1:1: "nope" has no value'],
    ['{{#each nope}}\n- 1\n{{/each}}\n', '1:1: "nope" has no value'],
    ['- {{flag "x" nope}}\n', '1:3: "nope" has no value'],
    ['{{#each image}}\n- 1\n{{/each}}\n', '1:1: "image" is not a list'],
    ['{{#if port}}\na: 1\n{{/if}}\n', '1:1: "port" is a number, neither true nor false'],
    ['- {{flag "x" none}}\n', '1:3: "none" is null, not text'],
    ['- {{flag image image}}\n', '1:3: "image" is not the name of a flag'],
    ['a: {{yaml constructor}}\n', '1:4: "constructor" has no value'],
    ['a: {{yaml __proto__}}\n', '1:11: "__proto__" is not a name'],
  ])('refuses what has no sensible value: %j', async (source, problem) => {
    const view = { image: 'a b', port: 0, none: null };
    const { faults } = await problemsOf(async () => (await userTemplate(source)).fill(view));
    expect(faults.join()).toContain(problem);
  });

  it('leaves what is switched off without a trace', async () => {
    const template = await userTemplate(
      'a:\n{{#if no}}\n  b: 1\n{{else}}\n  c: {{yaml text}}\n{{/if}}\n{{#each list}}\n- {{yaml this}}\n{{/each}}\n',
    );
    expect(template.fill({ no: null, text: 'x: y', list: ['1', 2, true] })).toBe(
      'a:\n  c: "x: y"\n- "1"\n- 2\n- true\n',
    );
  });

  it('writes lists of a flag with commas, as kubeadm does', async () => {
    expect((await userTemplate('- {{flag "urls" urls}}\n')).fill({ urls: ['a', 'b'] })).toBe('- "--urls=a,b"\n');
  });
});

describe("a template of the user's", () => {
  const minimal = (more = '') =>
    `apiVersion: v1\nkind: Pod\nmetadata: {name: kube-scheduler, namespace: kube-system}\nspec:\n  hostNetwork: true\n  containers:\n  - name: kube-scheduler\n    image: {{yaml image}}\n    command:\n    - kube-scheduler\n    - --kubeconfig=scheduler.conf\n    - --leader-elect=true\n${more}`;

  async function rendered(text: string): Promise<string> {
    const cluster = clusterOf(specOf(1));
    const templates = await withUserTemplates(builtinTemplates(), [
      { name: 'manifests/kube-scheduler.yaml', file: FILE, text },
    ]);
    const { bundles } = renderCluster(cluster, fakePki(cluster), await contextFor(cluster, templates));
    return bundles[0]?.files.find((file) => file.path.endsWith('kube-scheduler.yaml'))?.content.toString() ?? '';
  }

  it('replaces the one of this program, in any YAML that the library reads', async () => {
    expect(await rendered(minimal("    workingDir: '/a b' # a note\n"))).toContain(
      'image: registry.k8s.io/kube-scheduler:v1.36.2',
    );
  });

  it('may come with CRLF line ends', async () => {
    expect(await rendered(minimal().replaceAll('\n', '\r\n'))).toContain('- --leader-elect=true\n');
  });

  it('is checked like any other: fields, names, flags, YAML', async () => {
    expect((await problemsOf(() => rendered(minimal('    imagePolicy: x\n')))).faults).toEqual([
      `${FILE}:1:1: kube-scheduler: spec.containers[0] has no field "imagePolicy" in a static pod`,
    ]);
    expect((await problemsOf(() => rendered(minimal().replace('name: kube-scheduler, ', 'name: x, ')))).faults).toEqual(
      [`${FILE}:1:1: kube-scheduler: metadata.name must stay "kube-scheduler"`],
    );
    expect((await problemsOf(() => rendered(minimal('    - --leader-elekt=true\n')))).faults).toEqual([
      `${FILE}:13:1: kube-scheduler 1.36 has no flag --leader-elekt; did you mean "leader-elect"?`,
    ]);
    expect((await problemsOf(() => rendered(minimal('    name: twice\n')))).faults[0]).toMatch(
      /^templates\/.*:13:\d+: once filled, this is not usable YAML: Map keys must be unique/,
    );
    expect((await problemsOf(() => rendered('a: &x 1\nb: *x\n'))).faults[0]).toContain('holds an alias');
    expect((await problemsOf(() => rendered('- 1\n'))).faults[0]).toContain('is not a map');
    expect((await problemsOf(() => rendered('a: 1\n---\nb: 2\n'))).faults[0]).toContain('not usable YAML');
  });

  it('with an unknown name is an error that names the nearest', async () => {
    const { faults } = await problemsOf(() =>
      withUserTemplates(builtinTemplates(), [
        { name: 'manifests/etdc.yaml', file: 'templates/manifests/etdc.yaml.hbs', text: '' },
      ]),
    );
    expect(faults).toEqual([
      'templates/manifests/etdc.yaml.hbs:1:1: there is no template "manifests/etdc.yaml" to replace; did you mean "manifests/etcd.yaml"?',
    ]);
  });
});

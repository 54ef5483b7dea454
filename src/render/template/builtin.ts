import Handlebars from 'handlebars/runtime.js';
import { templates } from '../../generated/templates.ts';
import { makeTemplate } from './engine.ts';
import { helpersFor } from './helpers.ts';
import { type CompiledTemplate, kindOf, TEMPLATE_NAMES, type TemplateKind, type TemplateSet } from './template.ts';

/** What `handlebars/runtime.js` is; its own types say nothing. */
interface Runtime {
  create(): Runtime;
  registerHelper(helpers: object): void;
  template(spec: object): (view: object) => string;
}

const runtime = Handlebars as unknown as Runtime;

/** An instance of its own for each kind, so that nothing registered elsewhere is known in a template. */
function environment(kind: TemplateKind): Runtime {
  const instance = runtime.create();
  instance.registerHelper(helpersFor(kind));
  return instance;
}

/** The templates of this program, precompiled by the build. */
export function builtinTemplates(): TemplateSet {
  const environments = {
    yaml: environment('yaml'),
    systemd: environment('systemd'),
    corefile: environment('corefile'),
  };
  return new Map(
    TEMPLATE_NAMES.map((name) => {
      const { file, spec, flags }: CompiledTemplate = templates[name];
      let run: ((view: object) => string) | undefined;
      const lazily = (view: object) => {
        run ??= environments[kindOf(name)].template(spec);
        return run(view);
      };
      return [name, makeTemplate({ name, file, builtin: true, flags }, lazily)];
    }),
  );
}

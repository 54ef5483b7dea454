import { BootstrapError } from '../../base/errors.ts';
import { errorAt } from '../../base/fault.ts';
import { didYouMean } from '../../base/suggest.ts';
import { makeTemplate } from './engine.ts';
import { helpersFor } from './helpers.ts';
import { kindOf, TEMPLATE_NAMES, type TemplateName, type TemplateSet, templatePlace } from './template.ts';

/** A template of the user's: `name` is its path below the templates directory without `.hbs`. */
export interface UserTemplate {
  readonly name: string;
  /** As messages name it. */
  readonly file: string;
  readonly text: string;
}

/**
 * `base` with the user's templates in place of those with the same name. Handlebars' compiler is loaded only here.
 * They are trusted like code: never take them from the network.
 * @throws BootstrapError with everything that is wrong with them, each with its place
 */
export async function withUserTemplates(base: TemplateSet, sources: readonly UserTemplate[]): Promise<TemplateSet> {
  if (!sources.length) return base;
  const [{ default: Handlebars }, { COMPILE_OPTIONS, parseTemplate }] = await Promise.all([
    import('handlebars'),
    import('./compile.ts'),
  ]);
  const templates = new Map(base);
  const faults = [];
  for (const { name, file, text } of sources) {
    if (!isTemplateName(name)) {
      const hint = didYouMean(name, TEMPLATE_NAMES) ?? `templates: ${TEMPLATE_NAMES.join(', ')}`;
      faults.push(errorAt(templatePlace(file, 1, 1), `there is no template "${name}" to replace`, hint));
      continue;
    }
    try {
      const kind = kindOf(name);
      const { ast, flags } = parseTemplate(file, text.replaceAll('\r\n', '\n'), kind);
      const instance = Handlebars.create();
      instance.registerHelper(helpersFor(kind) as unknown as Handlebars.HelperDeclareSpec);
      templates.set(
        name,
        makeTemplate({ name, file, builtin: false, flags }, instance.compile(ast, COMPILE_OPTIONS(kind))),
      );
    } catch (error) {
      if (!(error instanceof BootstrapError)) throw error;
      faults.push(...error.faults);
    }
  }
  if (faults.length)
    throw new BootstrapError('cluster-file', 'there is something wrong with the templates', { faults });
  return templates;
}

function isTemplateName(name: string): name is TemplateName {
  return (TEMPLATE_NAMES as readonly string[]).includes(name);
}

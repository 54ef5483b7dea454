import { BootstrapError } from '../../base/errors.ts';
import { errorAt } from '../../base/fault.ts';
import { didYouMean } from '../../base/suggest.ts';
import { FillError } from './helpers.ts';
import { type FlagLine, type Template, type TemplateName, templatePlace } from './template.ts';

export interface TemplateSource {
  readonly name: TemplateName;
  readonly file: string;
  readonly builtin: boolean;
  readonly flags: Readonly<Record<string, FlagLine>>;
}

/** A Template around a function of Handlebars; whatever goes wrong in it becomes an error with its place. */
export function makeTemplate(source: TemplateSource, run: (view: object) => string): Template {
  return {
    ...source,
    fill(view) {
      try {
        return run(view);
      } catch (error) {
        if (!(error instanceof FillError)) throw error;
        const { of, line, column, missing } = error;
        const hint = missing
          ? (didYouMean(of, Object.keys(view)) ?? `names in this template: ${Object.keys(view).join(', ')}`)
          : undefined;
        const fault = errorAt(templatePlace(source.file, line, column), `"${of}" ${error.message}`, hint);
        const code = source.builtin ? 'internal' : 'cluster-file';
        throw new BootstrapError(code, `the template ${source.file} cannot be filled`, { faults: [fault] });
      }
    },
  };
}

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { loadCatalogue } from '../kubernetes/catalogue.ts';
import { makeContext, type RenderContext } from '../render/context.ts';
import { builtinTemplates } from '../render/template/builtin.ts';
import { type UserTemplate, withUserTemplates } from '../render/template/user.ts';
import type { Cluster } from '../spec/cluster.ts';
import { readTextFile } from '../spec/read-file.ts';
import type { Workspace } from './workspace.ts';

/** What rendering this cluster needs besides it: the flags of its minor, and the templates with the user's own. */
export async function renderContext(cluster: Cluster, space: Workspace): Promise<RenderContext> {
  const [catalogue, templates] = await Promise.all([
    loadCatalogue(cluster.version.minor),
    withUserTemplates(builtinTemplates(), userTemplates(space)),
  ]);
  return makeContext(cluster, catalogue, templates);
}

/** What lies under `templates/` in the cluster directory. */
function userTemplates({ dir, show }: Workspace): readonly UserTemplate[] {
  const root = join(dir, 'templates');
  if (!existsSync(root)) return [];
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.hbs'));
  return files.sort().map((path) => {
    const file = show(join(root, path));
    return { name: path.slice(0, -'.hbs'.length), file, text: readTextFile(join(root, path), file) };
  });
}

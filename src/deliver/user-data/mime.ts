/** One part of user-data. */
interface MimePart {
  /** `text/cloud-config`, `text/x-shellscript` and the like. */
  readonly type: string;
  /** What cloud-init calls it on the machine: letters, digits and `.-_` only. */
  readonly filename: string;
  readonly content: string;
}

/**
 * How a cloud-config joins one that came before, such as that behind an `#include`: lists grow at their end, of two texts the
 * later one counts. By default the later `runcmd` would take the place of the earlier one (cloudinit/handlers/cloud_config.py,
 * cloudinit/mergers). Where nothing came before it changes nothing.
 */
const MERGE_TYPE = 'dict(recurse_array,recurse_str)+list(append)+str()';

/** What survives without an encoding; cloud-init reads other characters of such a part as Python escapes. */
const PLAIN = /^[\t\n\x20-\x7e]*$/;

/** How much of user-data cloud-init looks through for `MIME-Version:` (cloudinit/user_data.py, convert_string). */
const LOOKED_AT = 4096;

/**
 * Several parts as one document, the same bytes for the same parts. cloud-init handles parts in this order; it collects all
 * cloud-configs before it does anything they say.
 */
export function mimeDocument(parts: readonly MimePart[]): string {
  const bodies = parts.map((part) => ({ ...part, ...encoded(part.content) }));
  let boundary = 'bootstrap';
  for (let i = 1; bodies.some(({ body }) => body.includes(`--${boundary}`)); i++) boundary = `bootstrap-${i}`;
  const lines = ['MIME-Version: 1.0', `Content-Type: multipart/mixed; boundary="${boundary}"`, ''];
  for (const { type, filename, encoding, body } of bodies) {
    lines.push(
      `--${boundary}`,
      `Content-Type: ${type}; charset="utf-8"`,
      `Content-Transfer-Encoding: ${encoding}`,
      `Content-Disposition: attachment; filename="${filename}"`,
      ...(type === 'text/cloud-config' ? [`Merge-Type: ${MERGE_TYPE}`] : []),
      '',
      body,
    );
  }
  return [...lines, `--${boundary}--`, ''].join('\n');
}

/**
 * Our cloud-config, with what the user has of their own before it. A script of theirs is saved as `part-001` beside ours,
 * `runcmd`, and scripts run in the order of their names (cloudinit/subp.py, runparts): theirs first, and ours even where
 * theirs has failed.
 */
export function withParts(cloudConfig: string, own: readonly Omit<MimePart, 'filename'>[]): string {
  // it would be taken for a MIME document itself
  const isMistakable = /mime-version:/i.test(cloudConfig.slice(0, LOOKED_AT));
  if (!own.length && !isMistakable) return cloudConfig;
  return mimeDocument([
    ...own.map((part, i) => ({ ...part, filename: `part-${String(i + 1).padStart(3, '0')}` })),
    { type: 'text/cloud-config', filename: 'cloud-config', content: cloudConfig },
  ]);
}

function encoded(content: string): { readonly encoding: string; readonly body: string } {
  if (PLAIN.test(content)) return { encoding: '7bit', body: content };
  const lines =
    Buffer.from(content)
      .toString('base64')
      .match(/.{1,76}/g) ?? [];
  return { encoding: 'base64', body: lines.join('\n') };
}

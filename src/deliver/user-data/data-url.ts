/**
 * A file's content as a URL. Text stays text, since what compresses the document afterwards finds little in base64: only
 * what stands in no URL is escaped (RFC 2396 section 2.4.3; Ignition is as strict: vincent-petithory/dataurl,
 * isURLCharRune).
 */
export function dataUrl(content: Buffer): string {
  const text = content.toString();
  if (!Buffer.from(text).equals(content)) return base64Url(content);
  return `data:,${encodeURI(text).replaceAll('#', '%23')}`;
}

export function base64Url(content: Buffer): string {
  return `data:;base64,${content.toString('base64')}`;
}

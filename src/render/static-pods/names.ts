/** An RFC 1123 subdomain as Kubernetes takes it for names of objects: the whole is limited, its labels are not. */
export function isObjectName(text: string): boolean {
  return text.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text);
}

/** The key of a label or an annotation: `name` or `prefix/name` (apimachinery util/validation, IsQualifiedName). */
export function isQualifiedName(text: string): boolean {
  const slash = text.indexOf('/');
  if (slash >= 0 && !isObjectName(text.slice(0, slash))) return false;
  return /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(text.slice(slash + 1));
}

export function isLabelValue(text: string): boolean {
  return text === '' || /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(text);
}

/** The name of a port (RFC 6335): at most 15 of a-z, 0-9 and single "-", with a letter among them. */
export function isPortName(text: string): boolean {
  return text.length <= 15 && /[a-z]/.test(text) && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(text);
}

/** The name of an image without registry, tag and digest: `a/b` of `registry:5000/a/b:tag@sha256:…`. */
export function repositoryOf(image: string): string {
  const [name = ''] = image.split('@');
  const slash = name.indexOf('/');
  // distribution/reference, splitDockerDomain: the first part may be a registry
  const rest = slash < 0 ? name : name.slice(slash + 1);
  return rest.replace(/:[^/]*$/, '');
}

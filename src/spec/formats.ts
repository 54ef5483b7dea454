import { parseVersion } from '../kubernetes/version.ts';
import { parseCidrList } from './cidr.ts';
import { parseDuration } from './duration.ts';
import { parseEndpoint } from './endpoint.ts';
import { isAddress, isDnsLabel, isDnsName, isSubdomain } from './names.ts';

/** What a value of some format has to look like: gives what is wrong with `text`, or undefined. */
type FormatCheck = (text: string) => string | undefined;

const quoted = (text: string) => JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
const matching =
  (pattern: RegExp, what: string): FormatCheck =>
  (text) =>
    pattern.test(text) ? undefined : `${quoted(text)} is not ${what}`;

function checkPath(text: string): string | undefined {
  if (!text.startsWith('/')) return `${quoted(text)} is not an absolute path`;
  if (text.split('/').some((part) => part === '..' || part === '.'))
    return `${quoted(text)} must not hold "." or ".." parts`;
  if (/[\p{Cc}:]/u.test(text)) return `${quoted(text)} holds a colon or a control character`;
  if (text.length > 4096) return 'is longer than 4096 characters';
  return undefined;
}

function checkNodeName(text: string): string | undefined {
  if (isSubdomain(text)) return undefined;
  const lower = text.toLowerCase();
  const hint = lower !== text && isSubdomain(lower) ? `; write ${quoted(lower)}` : '';
  return `${quoted(text)} is not a node name (lower-case letters, digits, "-" and ".")${hint}`;
}

function checkLabelKey(text: string): string | undefined {
  const slash = text.lastIndexOf('/');
  const name = text.slice(slash + 1);
  const ok =
    (slash < 0 || isSubdomain(text.slice(0, slash))) && /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(name);
  return ok ? undefined : `${quoted(text)} is not a label key`;
}

function checkSan(text: string): string | undefined {
  const name = text.toLowerCase();
  if (isAddress(text) || isDnsName(name)) return undefined;
  if (name.startsWith('*.') && isDnsName(name.slice(2))) return undefined;
  return `${quoted(text)} is neither an IP address nor a DNS name`;
}

function checkEtcdUrl(text: string): string | undefined {
  const rest = /^https?:\/\/([^/?#@]+)\/?$/.exec(text)?.[1];
  const endpoint = rest === undefined ? undefined : parseEndpoint(rest, 2379);
  return endpoint && 'host' in endpoint ? undefined : `${quoted(text)} is not a URL of the form https://host:2379`;
}

function checkVersion(text: string): string | undefined {
  const parsed = parseVersion(text);
  if (!('error' in parsed)) return undefined;
  return parsed.hint ? `${parsed.error}; ${parsed.hint}` : parsed.error;
}

/** The formats of `cluster.schema.json`, each with its check. */
export const FORMATS: Readonly<Record<string, FormatCheck>> = {
  'kubernetes-version': checkVersion,
  'cidr-list': (text) => {
    const parsed = parseCidrList(text);
    return 'error' in parsed ? parsed.error : undefined;
  },
  'cri-socket': matching(/^(unix:\/\/)?\/[^\p{Cc}\s"]+$/u, 'a socket such as unix:///run/containerd/containerd.sock'),
  'dns-name': (text) => (isDnsName(text) ? undefined : `${quoted(text)} is not a DNS name`),
  'env-name': matching(/^[A-Za-z_.-][A-Za-z0-9_.-]*$/, 'a name for an environment variable'),
  'etcd-url': checkEtcdUrl,
  'image-repository': matching(
    /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*$/,
    'an image repository such as registry.k8s.io or registry.example.com:5000/mirror',
  ),
  'image-tag': matching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/, 'an image tag'),
  'label-key': checkLabelKey,
  'label-value': matching(/^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/, 'a label value'),
  'node-name': checkNodeName,
  // it ends up on a command line, and in those that ssh_config makes of it (ProxyCommand with %h)
  'ssh-host': matching(/^[A-Za-z0-9_:[][A-Za-z0-9._:%[\]-]*$/, 'a host name'),
  'ssh-user': matching(/^[A-Za-z0-9_][A-Za-z0-9_.@-]*\$?$/, 'a user name'),
  'volume-name': (text) =>
    isDnsLabel(text) ? undefined : `${quoted(text)} is not a volume name (lower-case letters, digits and "-")`,
  duration: (text) => {
    const parsed = parseDuration(text);
    if (parsed === undefined) return `${quoted(text)} is not a duration such as 8760h or 6m30s`;
    return parsed > 0 ? undefined : `${quoted(text)} is not longer than nothing`;
  },
  endpoint: (text) => {
    const parsed = parseEndpoint(text, 6443);
    return 'error' in parsed ? parsed.error : undefined;
  },
  ip: (text) => (isAddress(text) ? undefined : `${quoted(text)} is not an IP address`),
  'local-file': matching(/^[^\p{Cc}]+$/u, 'the name of a file'),
  mode: (text) => (/^0?[0-7]{3}$/.test(text) ? undefined : `${quoted(text)} is not a file mode such as "0644"`),
  name: matching(
    /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,251}[A-Za-z0-9])?$/,
    'a cluster name (letters, digits, "-", "_" and ".")',
  ),
  owner: matching(/^[a-z_][a-z0-9_-]*:[a-z_][a-z0-9_-]*$/, 'an owner of the form user:group'),
  path: checkPath,
  quantity: matching(
    /^[+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+|[numkMGTPE]|[KMGTPE]i)?$/,
    'a quantity such as 250m or 512Mi',
  ),
  san: checkSan,
};

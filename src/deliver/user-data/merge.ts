import { posix } from 'node:path';
import { BootstrapError } from '../../base/errors.ts';
import { errorAt, type Fault, type Located, warningAt } from '../../base/fault.ts';
import { isList, isMap } from '../../render/json.ts';
import type { Json, Segment } from '../../spec/tree.ts';
import { CLOUD_CONFIG, cloudConfigText } from './cloud-config-text.ts';
import { FIRST_BOOT_DIR } from './first-boot.ts';
import { withParts } from './mime.ts';
import { type OwnYaml, readOwnYaml } from './own-yaml.ts';

/** What the user has of their own for their machines. */
export type Own = OwnCloudConfig | OwnPart;

export interface OwnCloudConfig extends OwnYaml {
  readonly kind: 'cloud-config';
  readonly warnings: readonly Fault[];
}

/** Something else that cloud-init takes, handed to it as it is. */
interface OwnPart {
  readonly kind: 'part';
  readonly type: string;
  readonly content: string;
  readonly warnings: readonly Fault[];
}

type CloudConfig = Readonly<Record<string, Json>>;

type Beginning = { readonly type: string } | { readonly refused: string; readonly hint: string };

/** What each of these is; what begins with another stands before it (cloudinit/handlers/__init__.py, INCLUSION_TYPES_MAP). */
const BEGINNINGS: readonly (readonly [string, Beginning])[] = [
  ['## template: jinja', { refused: 'is a template', hint: 'put the values in' }],
  ['#cloud-config-archive', { refused: 'is an archive of several parts', hint: 'give the one that is needed' }],
  ['#cloud-config-jsonp', { refused: 'is a patch of another cloud-config', hint: 'give a cloud-config' }],
  [CLOUD_CONFIG, { type: 'text/cloud-config' }],
  ['#cloud-boothook', { type: 'text/cloud-boothook' }],
  ['#include-once', { type: 'text/x-include-once-url' }],
  ['#include', { type: 'text/x-include-url' }],
  ['#part-handler', { type: 'text/part-handler' }],
  ['#!', { type: 'text/x-shellscript' }],
];

const HINT = 'a cloud-config begins with #cloud-config, a script with #!';

/**
 * Reads a file of the user's that is to become part of the user-data of their machines.
 * @param file its name as the user would write it
 * @throws BootstrapError `usage`, with what is wrong, where, and what to do
 */
export function readOwn(file: string, content: Buffer): Own {
  const refuse = (what: string, hint = HINT): never => {
    throw new BootstrapError('usage', `${file}:1: ${what}`, { hint });
  };
  if (content[0] === 0x1f && content[1] === 0x8b) return refuse('is compressed', 'give what gzip -d makes of it');
  const text = textOf(content);
  if (text === undefined) return refuse('is no text in UTF-8');
  if (text.trim() === '') return refuse('is empty');
  if (text.startsWith('\ufeff'))
    return refuse('begins with a byte-order mark, behind which cloud-init sees nothing', 'save it without');
  if (/^(?:mime-version|content-type):/i.test(text.trimStart()))
    return refuse('is a MIME document', 'give the cloud-config or the script that is in it');
  const lowered = text.trimStart().toLowerCase();
  const found = BEGINNINGS.find(([beginning]) => lowered.startsWith(beginning))?.[1];
  if (!found) return refuse('is nothing that cloud-init knows by how it begins');
  if ('refused' in found) return refuse(found.refused, found.hint);
  if (found.type === 'text/cloud-config') return readCloudConfig(file, text);
  const isInclude = found.type.includes('include');
  const at: Located = { path: '', origin: { kind: 'file', place: { file, line: 1, column: 1 } } };
  const warnings = isInclude ? [warningAt(at, 'what the machine finds at this address is not checked')] : [];
  return { kind: 'part', type: found.type, content: text, warnings };
}

/** Undefined for bytes that are none. */
function textOf(content: Buffer): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}

/** How a cloud-config joins earlier ones: with ours it has been joined here. */
const MERGE_KEYS: ReadonlySet<string> = new Set(['merge_how', 'merge_type']);

function readCloudConfig(file: string, text: string): OwnCloudConfig {
  const { data, locate } = readOwnYaml(file, text);
  const faults = typeFaults(data, locate);
  if (faults.length) throw new BootstrapError('usage', `${file}: cannot be merged`, { faults });
  const warnings = Object.keys(data)
    .filter((key) => MERGE_KEYS.has(key))
    .map((key) => warningAt(locate([key]), 'is left out: it says how this joins others, and that has been done'));
  const kept = Object.entries(data).filter(([key]) => !MERGE_KEYS.has(key));
  return { kind: 'cloud-config', data: Object.fromEntries(kept), locate, warnings };
}

function typeFaults(data: CloudConfig, locate: OwnYaml['locate']): readonly Fault[] {
  const faults: Fault[] = [];
  const fault = (path: readonly Segment[], message: string, hint?: string) =>
    faults.push(errorAt(locate(path), message, hint));
  for (const key of ['bootcmd', 'runcmd', 'write_files']) {
    const value = data[key] ?? [];
    if (!isList(value)) {
      fault([key], 'must be a list');
      continue;
    }
    for (const [i, item] of value.entries()) {
      if (key === 'write_files') {
        if (!isMap(item) || typeof item['path'] !== 'string') fault([key, i], 'must be a map with a path, a text');
      } else if (!isCommand(item)) fault([key, i], 'must be a command: a text, or a list of words');
    }
  }
  for (const [i, item] of listOf(data['runcmd']).entries()) {
    const first = isList(item) ? item[0] : item;
    // all of runcmd becomes one script (cloudinit/util.py, shellify)
    if (typeof first === 'string' && /^\s*(?:exit|exec)(?:\s|;|$)/.test(first))
      fault(['runcmd', i], 'ends the script before the machine is set up, which comes last', 'leave it out');
  }
  // cloud-init leaves out all of it on other machines of the same launch (cloudinit/filters/launch_index.py)
  if ('launch-index' in data) fault(['launch-index'], 'would keep all of this from other machines', 'leave it out');
  return faults;
}

/**
 * A cloud-config of ours and one of the user's as one. Their files and commands come before ours, so that what they install
 * is there when ours need it; only of `bootcmd` ours comes first. All else is theirs, as it is, behind our keys.
 * @param paths what the bundle brings
 * @throws BootstrapError `usage` with a fault for each thing in which the two contradict one another
 */
export function mergeCloudConfig(
  ours: CloudConfig,
  own: Pick<OwnCloudConfig, 'data' | 'locate'>,
  paths: ReadonlySet<string>,
): CloudConfig {
  const { data: theirs, locate } = own;
  const joined = {
    bootcmd: [...listOf(ours['bootcmd']), ...listOf(theirs['bootcmd'])],
    write_files: [...listOf(theirs['write_files']), ...listOf(ours['write_files'])],
    runcmd: [...listOf(theirs['runcmd']), ...listOf(ours['runcmd'])],
  };
  const both = Object.keys(theirs).filter((key) => Object.hasOwn(ours, key) && !Object.hasOwn(joined, key));
  const faults = both
    .filter((key) => JSON.stringify(ours[key]) !== JSON.stringify(theirs[key]))
    .map((key) =>
      errorAt(
        locate([key]),
        `is ${JSON.stringify(theirs[key])}, but this machine needs ${JSON.stringify(ours[key])}`,
        'leave it out',
      ),
    );
  if (!faults.length) faults.push(...nameFaults(ours, theirs, locate));
  faults.push(...fileFaults(ours, theirs, locate, paths));
  const [first] = faults;
  if (first?.at && 'place' in first.at.origin)
    throw new BootstrapError('usage', `${first.at.origin.place.file}: cannot be merged`, { faults });
  const rest = Object.entries(theirs).filter(([key]) => !Object.hasOwn(ours, key) && !Object.hasOwn(joined, key));
  const merged = Object.entries({ ...ours, ...joined }).filter(([, value]) => !isList(value) || value.length > 0);
  return Object.fromEntries([...merged, ...rest]);
}

/**
 * The user-data that brings ours and what the user has of their own.
 * @param paths what the bundle brings
 * @throws BootstrapError as {@link mergeCloudConfig}
 */
export function mergeOwn(ours: CloudConfig, own: Own, paths: ReadonlySet<string>): string {
  if (own.kind === 'part') return withParts(cloudConfigText(ours), [own]);
  return withParts(cloudConfigText(mergeCloudConfig(ours, own, paths)), []);
}

/**
 * A machine must have its node's name. Which of `hostname` and `fqdn` a machine is called by is up to the distribution where
 * `prefer_fqdn_over_hostname` does not say (cloudinit/distros/__init__.py, _select_hostname; rhel.py prefers the latter).
 */
function nameFaults(ours: CloudConfig, theirs: CloudConfig, locate: OwnYaml['locate']): readonly Fault[] {
  if (typeof ours['hostname'] !== 'string') return [];
  const both: CloudConfig = { ...ours, ...theirs };
  const name = ours['prefer_fqdn_over_hostname'] === true ? ours['fqdn'] : ours['hostname'];
  if (isTrue(theirs['preserve_hostname']))
    return [errorAt(locate(['preserve_hostname']), `this machine has to be called ${name}`, 'leave it out')];
  const { fqdn, prefer_fqdn_over_hostname: prefer } = both;
  const wrong = `some machines would be called by it, and this one has to be called ${name}`;
  if ('fqdn' in theirs && fqdn !== name && (prefer === undefined || isTrue(prefer)))
    return [errorAt(locate(['fqdn']), wrong, 'add `prefer_fqdn_over_hostname: false`')];
  if ('prefer_fqdn_over_hostname' in theirs && isTrue(prefer) && fqdn !== name)
    return [errorAt(locate(['prefer_fqdn_over_hostname']), `this machine has to be called ${name}`, 'leave it out')];
  return [];
}

/** Where only this program writes. */
const OUR_DIRS = [FIRST_BOOT_DIR, '/var/lib/bootstrap'];

function fileFaults(
  ours: CloudConfig,
  theirs: CloudConfig,
  locate: OwnYaml['locate'],
  paths: ReadonlySet<string>,
): readonly Fault[] {
  const taken = new Set([...paths, ...listOf(ours['write_files']).flatMap(pathOf)]);
  return listOf(theirs['write_files']).flatMap((file, i) =>
    pathOf(file).flatMap((path) => {
      const at = locate(['write_files', i, 'path']);
      const dir = OUR_DIRS.find((each) => path === each || path.startsWith(`${each}/`));
      if (dir) return [errorAt(at, `${path}: nothing else may lie below ${dir}`, 'put it elsewhere')];
      if (taken.has(path))
        return [errorAt(at, `${path}: the cluster brings this file`, 'change it by the cluster file, or leave it out')];
      return [];
    }),
  );
}

/** As cloud-init takes it (cloudinit/config/cc_write_files.py: os.path.abspath, in /). */
function pathOf(file: Json): readonly string[] {
  return isMap(file) && typeof file['path'] === 'string' ? [posix.resolve('/', file['path'])] : [];
}

/** As cloud-init takes it (cloudinit/util.py, is_true). */
function isTrue(value: Json | undefined): boolean {
  return value === true || (typeof value === 'string' && /^(?:true|1|on|yes)$/i.test(value.trim()));
}

function isCommand(item: Json): boolean {
  if (item === null || typeof item === 'string') return true;
  return isList(item) && item.every((word) => word === null || typeof word !== 'object');
}

function listOf(value: Json | undefined): readonly Json[] {
  return isList(value) ? value : [];
}

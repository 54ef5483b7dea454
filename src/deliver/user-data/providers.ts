import { posixQuoted } from '../../base/posix-quote.ts';
import type { Format } from './formats.ts';

export type ProviderName =
  | 'aws'
  | 'azure'
  | 'gcp'
  | 'openstack'
  | 'hetzner'
  | 'digitalocean'
  | 'vsphere'
  | 'oracle'
  | 'nocloud'
  | 'none';

/** What a document is written as. */
export type Form = 'plain' | 'gzip' | 'gzip+base64';

/** A file that is to be handed over. */
export interface Handed {
  readonly file: string;
  readonly form: Form;
  readonly format: Format;
}

/** What is to be known of a cloud whose machines get user-data. */
export interface Provider {
  readonly title: string;
  /** In bytes; undefined where there is none that matters. */
  readonly limit: number | undefined;
  /** What the limit is more exactly, where it is not one on the user-data alone. */
  readonly limitNote?: string;
  /**
   * What the limit counts: `raw` = the bytes of the document, before the API's base64; `text` = the string as it is handed
   * over, whatever is in it; `base64` = the base64 text that the API's field carries.
   */
  readonly counts: 'raw' | 'text' | 'base64';
  /**
   * How a compressed cloud-config can be handed over so that cloud-init undoes it. Ignition undoes it nowhere but in
   * guestinfo (`TryUnzip` of coreos/ignition internal/providers/util has one caller, akamai), so it is never asked for that.
   */
  readonly gzip: 'binary' | 'base64' | 'no';
  /** Whether `--compress auto` does it wherever that is smaller, or only where nothing else fits. */
  readonly auto: 'smaller' | 'needed';
  /** How the provider's own tool takes the file, or its API where that tool cannot. */
  readonly handOver: (handed: Handed) => string;
  /** Who can read it there, in whole sentences. */
  readonly readBy: string;
  /** What to do about that, likewise. */
  readonly narrow: string;
}

/** On every machine that cloud-init has set up (cloudinit/helpers.py: user-data.txt; cloudinit/sources: obj.pkl). */
export const KEPT_ON_THE_MACHINE =
  'cloud-init keeps it, for root alone, under /var/lib/cloud/instances: run `cloud-init clean` before you make an image or ' +
  'a snapshot of the disk.';

/** Whoever can reach it from the machine: pods too, unless something is done about that. */
const METADATA = 'Every process on the machine that reaches 169.254.169.254 can read it, pods too';
const POLICY = 'Keep pods away from 169.254.169.254 with a NetworkPolicy or a firewall on the node';

/**
 * Limits: `shared/reference/user-data.md`, and where this cites something, that. Whether cloud-init undoes gzip: it does
 * with whatever its datasource hands it (user_data.py, convert_string), so what counts is whether bytes can get there.
 */
export const PROVIDERS: Readonly<Record<ProviderName, Provider>> = {
  aws: {
    title: 'AWS EC2',
    // docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html: 16 KB, before it is base64-encoded
    limit: 16_384,
    counts: 'raw',
    gzip: 'binary',
    auto: 'smaller',
    // file:// would be read as text: aws/aws-cli#814, boto/botocore#416
    handOver: ({ file }) => `aws ec2 run-instances … --user-data ${posixQuoted(`fileb://${file}`)}`,
    readBy:
      `${METADATA}; and so can everybody in the account who may call ec2:DescribeInstanceAttribute, or who sees the ` +
      'launch template that holds it.',
    narrow:
      'Require IMDSv2 with a hop limit of 1 (`--metadata-options HttpTokens=required,HttpPutResponseHopLimit=1`): of the ' +
      'pods only those with hostNetwork reach it then. Allow ec2:DescribeInstanceAttribute and ' +
      'ec2:DescribeLaunchTemplateVersions to few.',
  },
  azure: {
    title: 'Azure',
    // learn.microsoft.com/azure/virtual-machines/custom-data: 64 KB; its API reference: at most 65535 bytes, decoded
    limit: 65_535,
    counts: 'raw',
    // az reads the file as text in one of five encodings, and encodes that (read_file_content and b64encode of
    // azure/cli/core/util.py): it cannot hand over bytes, and nothing undoes a base64 of one's own
    gzip: 'binary',
    auto: 'needed',
    handOver: ({ file, form }) =>
      form === 'plain'
        ? `az vm create … --custom-data ${posixQuoted(file)}`
        : `customData: loadFileAsBase64('${file}') in Bicep, custom_data = filebase64("${file}") in Terraform; az takes text only`,
    readBy:
      'The metadata service does not show customData. Root on the machine can read it (/var/lib/waagent), and whoever can ' +
      'read the deployment or the state that it was handed over with.',
    narrow:
      'Never hand it over as userData, which 169.254.169.254 shows to every process. In a template make it a parameter of ' +
      'type securestring, or the history of deployments shows it.',
  },
  gcp: {
    title: 'Google Cloud',
    // cloud.google.com, compute v1, Metadata.items.value: at most 262144 bytes; all together 512 KB
    limit: 262_144,
    counts: 'text',
    // DataSourceGCE.py: base64 is undone where user-data-encoding says so; Ignition's gcp.go knows no encoding
    gzip: 'base64',
    auto: 'needed',
    handOver: ({ file, form }) =>
      `gcloud compute instances create … --metadata-from-file=user-data=${posixQuoted(file)}` +
      (form === 'plain' ? '' : ' --metadata=user-data-encoding=base64'),
    readBy:
      `${METADATA}, if it sends \`Metadata-Flavor: Google\`; and so can everybody in the project who has ` +
      'compute.instances.get.',
    narrow: `Remove it once the machine is up: \`gcloud compute instances remove-metadata … --keys=user-data\`. ${POLICY}.`,
  },
  openstack: {
    title: 'OpenStack',
    // nova/api/openstack/compute/schemas/servers.py: maxLength 65535, format base64
    limit: 65_535,
    counts: 'base64',
    gzip: 'binary',
    // since 2025.1 Neutron's metadata agent cannot hand on what is not UTF-8: bugs.launchpad.net/neutron/+bug/2120723
    auto: 'needed',
    // read as bytes and encoded: openstackclient/compute/v2/server.py
    handOver: ({ file }) => `openstack server create … --user-data ${posixQuoted(file)}`,
    readBy: `${METADATA}, or root alone where there is nothing but a config drive; and so can the administrators of the cloud.`,
    narrow: `${POLICY}, or use a config drive (\`--config-drive true\`) in a network without a metadata service.`,
  },
  hetzner: {
    title: 'Hetzner Cloud',
    // "Length must be between 0 and 32768": docs.hetzner.cloud, POST /v1/servers, user_data: limited to 32KiB
    limit: 32_768,
    counts: 'text',
    // DataSourceHetzner.py since 20.3: maybe_b64decode, which a single line break would keep from it (validate=True)
    gzip: 'base64',
    auto: 'smaller',
    handOver: ({ file }) => `hcloud server create … --user-data-from-file ${posixQuoted(file)}`,
    readBy: `${METADATA}. The API does not show it again.`,
    narrow: `${POLICY}.`,
  },
  digitalocean: {
    title: 'DigitalOcean',
    // POST /v2/droplets, user_data: "It must be plain text and may not exceed 64 KiB in size"; DataSourceDigitalOcean.py
    // takes it as it is, and digitalocean/api-v2#147 saw base64 end in /var/log/cloud-init.log
    limit: 65_536,
    counts: 'text',
    gzip: 'no',
    auto: 'needed',
    handOver: ({ file }) => `doctl compute droplet create … --user-data-file ${posixQuoted(file)}`,
    readBy: `${METADATA}.`,
    narrow: `${POLICY}: it stays, unchanged, as long as the Droplet does.`,
  },
  vsphere: {
    title: 'vSphere',
    // guestinfo values: GUESTMSG_MAX_IN_SIZE of open-vm-tools guest_msg_def.h, vmware-tanzu/vm-operator#148
    limit: 65_536,
    counts: 'text',
    // DataSourceVMware.py, decode
    gzip: 'base64',
    auto: 'smaller',
    handOver: guestinfo,
    readBy:
      'Every process on the machine can ask the hypervisor for it (vmware-rpctool), containers too; and everybody can read ' +
      'it who may see the configuration of the VM in vCenter.',
    narrow:
      'Clear it once the machine is up: Ignition does so by itself, cloud-init where guestinfo.metadata has ' +
      '`redact: [userdata]`, otherwise `govc vm.change -vm … -e guestinfo.userdata=---`.',
  },
  oracle: {
    title: 'Oracle Cloud',
    // docs.oracle.com/iaas, LaunchInstanceDetails: metadata and extendedMetadata together at most 32,000 bytes
    limit: 31_000,
    limitNote: 'of 32000 for all metadata, the rest is left for SSH keys',
    counts: 'base64',
    // DataSourceOracle.py decodes it; so does Ignition's oraclecloud.go
    gzip: 'binary',
    auto: 'smaller',
    // read as bytes and encoded: oci_cli_compute/compute_cli_extended.py
    handOver: ({ file }) => `oci compute instance launch … --user-data-file ${posixQuoted(file)}`,
    readBy:
      `${METADATA}, if it sends \`Authorization: Bearer Oracle\`; and so can everybody who may read instances in the ` +
      'compartment.',
    narrow:
      `${POLICY}. Switch off the first version of the service, which needs no header ` +
      '(`--instance-options \'{"areLegacyImdsEndpointsDisabled": true}\'`).',
  },
  nocloud: {
    title: 'NoCloud',
    limit: undefined,
    counts: 'raw',
    gzip: 'binary',
    auto: 'needed',
    handOver: ({ file }) =>
      file.endsWith('.iso')
        ? `attach ${file} to the machine before its first boot`
        : `put ${file} and meta-data on a volume labelled cidata`,
    readBy:
      'Root on the machine can read it as long as the volume is attached, and whoever can read the volume or its image.',
    narrow: 'Detach and delete the volume, and its image, once the machine is up.',
  },
  none: {
    title: 'any provider',
    limit: undefined,
    counts: 'raw',
    gzip: 'binary',
    auto: 'needed',
    handOver: ({ file }) => `give the machine ${file} as its user-data`,
    readBy: `${METADATA}, in most clouds; and so can everybody who may look at the machine there.`,
    narrow: `${POLICY}.`,
  },
};

/** cloud-init and Ignition have keys of their own (DataSourceVMware.py; coreos/ignition internal/providers/vmware). */
function guestinfo({ file, form, format }: Handed): string {
  const key = format === 'ignition' ? 'guestinfo.ignition.config.data' : 'guestinfo.userdata';
  const encoding = form === 'gzip+base64' ? ` -e ${key}.encoding=gzip+base64` : '';
  return `govc vm.change -vm … -f ${posixQuoted(`${key}=${file}`)}${encoding}`;
}

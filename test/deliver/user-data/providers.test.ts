import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { type Form, PROVIDERS, type ProviderName } from '../../../src/deliver/user-data/providers.ts';

const names = Object.keys(PROVIDERS) as ProviderName[];

describe.each(names)('%s', (name) => {
  const provider = PROVIDERS[name];

  test('says in whole sentences who can read user-data there and what to do about it', () => {
    for (const text of [provider.readBy, provider.narrow]) expect(text).toMatch(/^[A-Z].*\.$/s);
  });

  test('is handed a file in a way that names the file', () => {
    for (const form of ['plain', 'gzip', 'gzip+base64'] satisfies Form[]) {
      expect(provider.handOver({ file: 'out/cp1.yaml', form, format: 'cloud-config' })).toContain('out/cp1.yaml');
    }
  });
});

test.each(['aws', 'gcp', 'openstack', 'hetzner', 'digitalocean', 'vsphere', 'oracle'] as const)(
  'a file whose name holds blanks and quotes stays one word of the command for %s',
  (name) => {
    const file = "it's here/cp 1.yaml";
    const command = PROVIDERS[name].handOver({ file, form: 'gzip', format: 'cloud-config' });
    const { stdout } = spawnSync('sh', ['-c', `printf '%s\\n' ${command}`], { encoding: 'utf8' });
    expect(stdout.split('\n').some((word) => word.endsWith(file))).toBe(true);
  },
);

test('bytes go to aws by fileb://, since file:// is read as text', () => {
  const command = PROVIDERS.aws.handOver({ file: 'cp1.yaml.gz', form: 'gzip', format: 'cloud-config' });
  expect(command).toBe('aws ec2 run-instances … --user-data fileb://cp1.yaml.gz');
});

test('az, which takes text only, is not named for bytes', () => {
  const way = (form: Form) => PROVIDERS.azure.handOver({ file: 'cp1.yaml', form, format: 'cloud-config' });
  expect(way('plain')).toMatch(/^az vm create .*--custom-data cp1\.yaml$/);
  expect(way('gzip')).toContain('filebase64("cp1.yaml")');
  expect(way('gzip')).not.toMatch(/^az /);
});

test('where base64 has to be announced, it is, and only then', () => {
  const way = (name: ProviderName, form: Form) => PROVIDERS[name].handOver({ file: 'f', form, format: 'cloud-config' });
  expect(way('gcp', 'plain')).not.toContain('encoding');
  expect(way('gcp', 'gzip+base64')).toContain('user-data-encoding=base64');
  expect(way('vsphere', 'plain')).not.toContain('encoding');
  expect(way('vsphere', 'gzip+base64')).toContain('guestinfo.userdata.encoding=gzip+base64');
});

test('in vSphere Ignition looks for its config under a key of its own', () => {
  const command = PROVIDERS.vsphere.handOver({ file: 'cp1.ign', form: 'plain', format: 'ignition' });
  expect(command).toContain('-f guestinfo.ignition.config.data=cp1.ign');
});

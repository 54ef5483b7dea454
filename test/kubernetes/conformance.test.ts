import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type Catalogue, loadCatalogue } from '../../src/kubernetes/catalogue.ts';
import type { Component } from '../../src/kubernetes/component.ts';
import { podSchema } from '../../src/kubernetes/pod-schema.ts';
import { readFlags } from './kubeadm-defaults.ts';

/** What kubeadm 1.36.2 wrote, where it lies beside the repository. */
const scenarios = fileURLToPath(new URL('../../../shared/conformance/scenarios', import.meta.url));
const files = existsSync(scenarios)
  ? readdirSync(scenarios, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.yaml'))
  : [];
const manifests = files.filter((file) => file.includes('/manifests/'));
const kubeletConfigs = files.filter((file) => file.includes('/kubelet/'));
const read = (file: string): unknown => parse(readFileSync(join(scenarios, file), 'utf8'));

describe.skipIf(files.length === 0)('what kubeadm writes', () => {
  const validate = new Ajv2020({ allowUnionTypes: true }).compile<{
    metadata: { name: Component };
    spec: { containers: [{ command: [string, ...string[]] }] };
  }>(podSchema);
  let catalogue: Catalogue;
  beforeAll(async () => {
    catalogue = await loadCatalogue(36);
  });

  it.each(manifests)('%s fits the schema, and its flags are in order', (file) => {
    const pod = read(file);
    if (!validate(pod)) throw new Error(JSON.stringify(validate.errors));
    const [component, ...args] = pod.spec.containers[0].command;
    expect(component).toBe(pod.metadata.name);
    const flags = readFlags(args);
    const findings = [...flags].flatMap(([name, values]) => catalogue.checkFlag(pod.metadata.name, name, values));
    expect([...findings, ...catalogue.checkTogether(pod.metadata.name, flags)]).toEqual([]);
  });

  it.each(kubeletConfigs)('%s is in order', (file) => {
    expect(catalogue.checkKubeletConfig(read(file))).toEqual([]);
  });
});

import { errorAt, type Fault, type Located } from '../../base/fault.ts';
import { at, locate } from '../../spec/tree.ts';
import type { NodeInput } from '../context.ts';
import { sameJson } from '../json.ts';
import { POD_SERVER_CA } from '../layout.ts';
import { placeOfFlag } from '../place.ts';
import type { PlannedKubelet } from '../plan-kubelet.ts';
import { templateOf } from '../plan-pods.ts';
import { templatePlace } from '../template/template.ts';
import { podUrl } from '../view/pod-url.ts';

/** Flags that count more than the fields which say where pods come from. */
const FLAGS = ['manifest-url', 'manifest-url-header', 'http-check-frequency'];

const OTHERWISE = 'take it out, or give the pods of this node "via: file"';

/** A kubelet polls one URL. Where pods of spec.staticPods come from there, it is that of spec.serve and no other. */
export function checkPodUrl(input: NodeInput, { config, unpatched, dropIn, flags }: PlannedKubelet): readonly Fault[] {
  const { cluster, node, catalogue } = input;
  const url = podUrl(cluster, node);
  if (!url) return [];
  const { authorization, ...fields } = url;
  const wanted = catalogue.canonicalKubeletConfig({
    ...fields,
    staticPodURLHeader: { Authorization: [authorization] },
  }) as typeof config;
  const patch = node.patches.findLast(({ target }) => target === 'kubeletconfiguration');
  const placeOf = (field: string): Located => {
    const path = ['kubelet', 'config', field];
    if (patch && !sameJson(config[field], unpatched[field])) return patch.at;
    return at(node.blocks, path) ? locate(node.blocks, path) : ofTemplate(input, 'kubelet/config.yaml');
  };
  const others = Object.keys(wanted).filter((field) => !sameJson(config[field], wanted[field]));
  const asked = flags.filter(({ name }) => FLAGS.includes(name));
  const isTrusted = [...dropIn.before, ...dropIn.after].some(
    (line) => line.startsWith('Environment=') && line.includes('SSL_CERT_DIR=') && line.includes(POD_SERVER_CA),
  );
  return [
    ...others.map((field) => {
      const hint = field === 'httpCheckFrequency' ? 'set spec.serve.httpCheckFrequency' : OTHERWISE;
      return errorAt(placeOf(field), `${field} is taken: ${node.name} gets pods by URL from spec.serve`, hint);
    }),
    ...asked.map((use) => {
      const message = `--${use.name} is taken: ${node.name} gets pods by URL from spec.serve`;
      return errorAt(placeOfFlag(input, 'kubelet', use), message, OTHERWISE);
    }),
    ...(isTrusted
      ? []
      : [
          errorAt(
            ofTemplate(input, 'kubelet/20-bootstrap.conf'),
            `sets no SSL_CERT_DIR with ${POD_SERVER_CA}: the kubelet would not trust the server of its pods`,
            'take the lines about it from the template of this program',
          ),
        ]),
  ];
}

function ofTemplate(input: NodeInput, name: 'kubelet/config.yaml' | 'kubelet/20-bootstrap.conf'): Located {
  return templatePlace(templateOf(input, name).file, 1, 1);
}

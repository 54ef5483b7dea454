import { readFileSync } from 'node:fs';
import { describeFault, describeOrigin } from '../../../src/base/fault.ts';
import { convertKubeadm } from '../../../src/spec/from-kubeadm/convert.ts';

const f = process.argv[2] ?? '';
try {
  const r = convertKubeadm({ text: readFileSync(f, 'utf8'), file: f });
  console.log(r.text);
  for (const c of r.carried) console.log('carried', describeOrigin(c.at.origin), c.at.path, '→', c.to);
  for (const w of r.warnings) console.log('warn', describeFault(w));
} catch (e) {
  console.log(e.message);
  for (const x of e.faults ?? []) console.log('  ', describeFault(x));
  if (!e.faults) console.log(e);
}

import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createRuntime } from './runtime.ts';
import type { MachineSettings } from './settings.ts';
import { createSystemd } from './systemd.ts';

/** One node: its systemd, its kubelet and its containers. Its sshd is the world's. `machine SETTINGS-FILE`, ends with stdin. */

const settings = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as MachineSettings;
const requests = join(settings.state, 'requests');
rmSync(requests, { recursive: true, force: true });
mkdirSync(requests, { recursive: true });

const runtime = createRuntime(settings);
const systemd = createSystemd(settings, runtime);

// where the test's own process is gone nobody else would end it
process.stdin.on('end', () => process.exit());
process.stdin.resume();
process.on('exit', () => runtime.killAll());

async function answer(name: string): Promise<void> {
  const path = join(requests, name);
  const words = readFileSync(`${path}.asked`, 'utf8').split('\n').slice(0, -1);
  rmSync(`${path}.asked`);
  appendFileSync(join(settings.state, 'systemctl.log'), `${words.join(' ')}\n`);
  const { status, out = '', error = '' } = await systemd.systemctl(words);
  if (error) writeFileSync(`${path}.error`, `${error}\n`);
  writeFileSync(`${path}.done`, `${status}\n${out}`);
  renameSync(`${path}.done`, `${path}.answered`);
}

function look(): void {
  for (const file of readdirSync(requests)) if (file.endsWith('.asked')) void answer(file.slice(0, -'.asked'.length));
}
watch(requests, look);
setInterval(look, 200);

void systemd.boot().then(() => writeFileSync(join(settings.state, 'booted'), ''));

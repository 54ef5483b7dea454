import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { startWorld } from './world/world.ts';
const t=Date.now();
let stop: () => Promise<void> = async () => {};
const world = await startWorld({ nodes: Number(process.argv[2] ?? 3), whenOver: (s) => { stop = s; } });
writeFileSync('/tmp/h1/world.json', JSON.stringify({ dir: world.dir, roots: world.names.map((n) => world.node(n).root) , ms: Date.now()-t}));
rmSync('/tmp/h1/stop', { force: true });
while (!existsSync('/tmp/h1/stop')) await new Promise((r) => setTimeout(r, 200));
await stop();

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheName, loadScript } from '../cli/load-program.ts';

type Main = (argv: readonly string[]) => Promise<void>;

/** Runs the built program once for every kind of work and keeps the code that V8 made of what was used. */
export async function writeCodeCache(outdir: string): Promise<void> {
  const loaded = loadScript(join(outdir, 'main.cjs'), '');
  const { main } = loaded.exports() as { readonly main: Main };
  const dir = mkdtempSync(join(tmpdir(), 'bootstrap-build-'));
  const quiet = silence();
  try {
    const nodes = [1, 2, 3].flatMap((i) => ['--node', `cp${i}=10.0.0.1${i}`]);
    await main(['init', '--dir', dir, '--profile', 'ha', '--endpoint', 'api.example.com', ...nodes]);
    if (process.exitCode) throw new Error(`the program that was built does not work:\n${quiet.said()}`);
    await main(['render', '--dir', dir]);
    await main(['config', 'validate', '--dir', dir]);
    writeFileSync(join(outdir, cacheName()), loaded.script.createCachedData());
  } finally {
    quiet.end();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Keeps what is printed meanwhile. */
function silence(): { said(): string; end(): void } {
  const streams = [process.stdout, process.stderr].map((stream) => ({ stream, write: stream.write }));
  const said: string[] = [];
  for (const { stream } of streams) {
    stream.write = (chunk: string | Uint8Array) => {
      said.push(String(chunk));
      return true;
    };
  }
  return {
    said: () => said.join(''),
    end: () => {
      for (const { stream, write } of streams) stream.write = write;
    },
  };
}

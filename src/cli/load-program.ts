import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { Script } from 'node:vm';

interface CommonJsModule {
  exports: unknown;
}

/** A CommonJS file, compiled; `exports` runs it. */
export interface LoadedScript {
  readonly script: Script;
  exports(): unknown;
}

/**
 * Compiles a CommonJS file as `require` would, from the code that V8 made of it when the package was built: compiling
 * takes half the time of a whole run. V8 compiles by itself where there is no such code or it is of another source.
 * @param cache the file with that code (`cacheName`); it need not be there
 */
export function loadScript(file: string, cache: string): LoadedScript {
  const cachedData = readIfThere(cache);
  const source = `(function(exports,require,module,__filename,__dirname){${readFileSync(file, 'utf8')}\n})`;
  const script = new Script(source, { filename: file, ...(cachedData && { cachedData }) });
  return {
    script,
    exports() {
      const module: CommonJsModule = { exports: {} };
      const run = script.runInThisContext() as (...args: readonly unknown[]) => void;
      run(module.exports, createRequire(file), module, file, dirname(file));
      return module.exports;
    },
  };
}

/**
 * The name of the code's file for this very Node binary. V8 11 (Node 20) takes code of another build of the same
 * version and crashes on it: 20.19.6 did on that of 20.20.2.
 */
export function cacheName(): string {
  const { size, mtimeMs } = statSync(process.execPath);
  return `main-${process.version}-${process.arch}-${size}-${Math.round(mtimeMs)}.cache`;
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}

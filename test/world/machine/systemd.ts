import { spawn } from 'node:child_process';
import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Kubelet, startKubelet } from './kubelet.ts';
import type { Runtime } from './runtime.ts';
import { environment, type MachineSettings, onNode } from './settings.ts';
import { disable, enable, enabledUnits, isEnabled, readUnit, type Unit, unitName, wordsOf } from './units.ts';

/** What a run of systemctl gives. */
export interface Said {
  readonly status: number;
  readonly out?: string;
  readonly error?: string;
}

type State = 'inactive' | 'active' | 'activating' | 'failed';

/** A kubelet that has ended by itself is started again after so long (RestartSec of Kubernetes' own unit: 10 s). */
const RESTART_MS = 1000;

/** Stands for systemd: the kubelet, and services and timers by their unit files. A unit's settings are those of the last
 * daemon-reload, as there. */
export function createSystemd(settings: MachineSettings, runtime: Runtime) {
  const loaded = new Map<string, Unit>();
  const timers = new Map<string, ReturnType<typeof setTimeout>>();
  const states = new Map<string, State>();
  let kubelet: Kubelet | undefined;
  let again: ReturnType<typeof setTimeout> | undefined;
  const log = (line: string) =>
    appendFileSync(join(settings.state, 'kubelet.log'), `${new Date().toISOString()} ${line}\n`);

  const load = (name: string): Unit | undefined => {
    const unit = loaded.get(name) ?? readUnit(settings, name);
    if (unit) loaded.set(name, unit);
    return unit;
  };

  function runKubelet(unit: Unit): void {
    clearTimeout(again);
    const flags = new Map<string, string>();
    for (const word of wordsOf(unit.get('ExecStart')?.[0] ?? '').slice(1)) {
      const [, name = '', value = ''] = /^--([^=]+)=?(.*)$/s.exec(word) ?? [];
      flags.set(name, value);
    }
    const restart = () => {
      kubelet?.stop();
      kubelet = undefined;
      states.set('kubelet.service', 'activating');
      again = setTimeout(() => runKubelet(unit), RESTART_MS);
    };
    try {
      kubelet = startKubelet(settings, runtime, flags, log, restart);
      states.set('kubelet.service', 'active');
    } catch (error) {
      log(error instanceof Error ? error.message : String(error));
      restart();
    }
  }

  /** Words that are paths of the node get its root, except for the program itself. */
  function runService(name: string, unit: Unit): Promise<Said> {
    const absent = (unit.get('ConditionPathExists') ?? []).some((path) => !existsSync(onNode(settings, path)));
    if (absent) return Promise.resolve({ status: 0 });
    const [program = '', ...args] = wordsOf(unit.get('ExecStart')?.[0] ?? '');
    states.set(name, 'activating');
    const child = spawn(
      program,
      args.map((word) => (word.startsWith('/') ? onNode(settings, word) : word)),
      { cwd: settings.root, env: environment(settings), stdio: ['ignore', 'ignore', 'pipe'] },
    );
    child.stderr.on('data', (data: Buffer) => appendFileSync(join(settings.state, 'services.log'), `${name}: ${data}`));
    child.on('error', () => undefined);
    return new Promise((resolve) =>
      child.on('close', (code) => {
        states.set(name, code === 0 ? 'inactive' : 'failed');
        resolve(
          code === 0 ? { status: 0 } : { status: 1, error: `Job for ${name} failed, see "systemctl status ${name}"` },
        );
      }),
    );
  }

  async function start(name: string, wait: boolean): Promise<Said> {
    if (states.get(name) === 'active') return { status: 0 };
    const unit = load(name);
    if (!unit) return { status: 5, error: `Failed to start ${name}: Unit ${name} not found.` };
    if (name === 'kubelet.service') runKubelet(unit);
    else if (name.endsWith('.timer')) startTimer(name, unit);
    else {
      const done = runService(name, unit);
      if (wait) return done;
    }
    return { status: 0 };
  }

  function startTimer(name: string, unit: Unit): void {
    const seconds = ['OnActiveSec', 'OnBootSec', 'OnStartupSec'].flatMap((key) => unit.get(key) ?? []).map(secondsOf);
    states.set(name, 'active');
    if (!seconds.length) return;
    const service = unit.get('Unit')?.[0] ?? name.replace(/\.timer$/, '.service');
    const elapse = () => {
      states.set(name, 'inactive');
      void start(service, false);
    };
    timers.set(name, setTimeout(elapse, Math.min(...seconds) * 1000));
  }

  function stop(name: string): Said {
    if (name === 'kubelet.service') {
      clearTimeout(again);
      kubelet?.stop();
      kubelet = undefined;
      log('Stopped kubelet');
    }
    clearTimeout(timers.get(name));
    states.set(name, 'inactive');
    return { status: 0 };
  }

  function show(names: readonly string[], properties: readonly string[], valueOnly: boolean): Said {
    const lines = names.flatMap((name) => {
      const unit = load(name);
      const active = states.get(name) ?? 'inactive';
      const all: Readonly<Record<string, string>> = {
        Id: name,
        LoadState: unit ? 'loaded' : 'not-found',
        ActiveState: active,
        SubState: { active: 'running', inactive: 'dead', failed: 'failed', activating: 'auto-restart' }[active],
        UnitFileState: unit ? (isEnabled(settings, name) ? 'enabled' : 'disabled') : '',
      };
      const asked = properties.length ? properties : Object.keys(all);
      return asked.flatMap((key) => (all[key] === undefined ? [] : [valueOnly ? all[key] : `${key}=${all[key]}`]));
    });
    return { status: 0, out: lines.map((line) => `${line}\n`).join('') };
  }

  async function systemctl(args: readonly string[]): Promise<Said> {
    const { verb, names, options, properties } = readArguments(args);
    const wait = !options.has('--no-block');
    const each = async (act: (name: string) => Promise<Said> | Said): Promise<Said> => {
      let result: Said = { status: 0 };
      for (const name of names) {
        const said = await act(name);
        const out = `${result.out ?? ''}${said.out ?? ''}`;
        result = { ...said, out, status: result.status || said.status };
      }
      return result;
    };
    switch (verb) {
      case 'daemon-reload':
        loaded.clear();
        for (const name of ['kubelet.service', ...enabledUnits(settings)]) load(name);
        return { status: 0 };
      case 'start':
        return each((name) => start(name, wait));
      case 'stop':
        return each(stop);
      case 'restart':
      case 'try-restart':
      case 'reload-or-restart':
        return each(async (name) => {
          if (verb === 'try-restart' && states.get(name) !== 'active') return { status: 0 };
          stop(name);
          return start(name, wait);
        });
      case 'enable':
        return each(async (name) => {
          const unit = readUnit(settings, name);
          if (!unit) return { status: 1, error: `Failed to enable unit: Unit file ${name} does not exist.` };
          enable(settings, name, unit);
          return options.has('--now') ? start(name, wait) : { status: 0 };
        });
      case 'disable':
        return each((name) => {
          disable(settings, name);
          return options.has('--now') ? stop(name) : { status: 0 };
        });
      case 'is-active':
        return each((name) => {
          const state = states.get(name) ?? 'inactive';
          return { status: state === 'active' ? 0 : 3, out: options.has('--quiet') ? '' : `${state}\n` };
        });
      case 'is-enabled':
        return each((name) => {
          const state = readUnit(settings, name) ? (isEnabled(settings, name) ? 'enabled' : 'disabled') : 'not-found';
          const status = { enabled: 0, disabled: 1, 'not-found': 4 }[state] ?? 1;
          return { status, out: options.has('--quiet') ? '' : `${state}\n` };
        });
      case 'is-failed':
        return each((name) => ({
          status: states.get(name) === 'failed' ? 0 : 1,
          out: `${states.get(name) ?? 'inactive'}\n`,
        }));
      case 'reset-failed':
        return { status: 0 };
      case 'cat':
        return each((name) => (readUnit(settings, name) ? { status: 0, out: `# ${name}\n` } : { status: 1 }));
      case 'show':
        return show(names, properties, options.has('--value'));
      case 'is-system-running':
        return { status: 0, out: 'running\n' };
      default:
        return { status: 1, error: `test/world: systemctl ${args.join(' ')} is not known here` };
    }
  }

  return {
    systemctl,
    /** What is enabled starts: what must be over before the kubelet begins first. */
    async boot(): Promise<void> {
      const names = enabledUnits(settings);
      for (const name of names) load(name);
      load('kubelet.service');
      const early = names.filter((name) => loaded.get(name)?.get('Before')?.join(' ').includes('kubelet.service'));
      for (const name of early) await start(name, true);
      for (const name of names) if (!early.includes(name)) await start(name, false);
    },
  };
}

/** `90`, `90s`, `10min`, `500ms` (systemd.time(7)). */
function secondsOf(text: string): number {
  const [, count = '0', unit = ''] = /^([\d.]+)\s*([a-z]*)$/.exec(text) ?? [];
  return Number(count) * ({ ms: 0.001, s: 1, sec: 1, m: 60, min: 60, h: 3600 }[unit || 's'] ?? 1);
}

function readArguments(args: readonly string[]) {
  const words: string[] = [];
  const options = new Set<string>();
  const properties: string[] = [];
  const rest = [...args];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '-p' || word === '--property') properties.push(...(rest.shift() ?? '').split(','));
    else if (word.startsWith('--property=')) properties.push(...word.slice('--property='.length).split(','));
    else if (word === '-q') options.add('--quiet');
    else if (word.startsWith('-')) options.add(word);
    else words.push(word);
  }
  const [verb = '', ...names] = words;
  return { verb, names: names.map(unitName), options, properties };
}

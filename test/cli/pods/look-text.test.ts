import { createColors } from 'picocolors';
import { describe, expect, test } from 'vitest';
import { BootstrapError } from '../../../src/base/errors.ts';
import { listText } from '../../../src/cli/pods/list-text.ts';
import { linePrefix, plainText } from '../../../src/cli/pods/logs-text.ts';
import { podOfName } from '../../../src/cli/pods/named.ts';
import {
  declared,
  FILE,
  type Given,
  mirror,
  NOW,
  node,
  runtimePod,
  shown,
  truth,
} from '../../rollout/pods/pods-fixtures.ts';

const text = (given: Given, columns = 80) =>
  listText(truth(given), { columns, color: createColors(false), now: NOW, within: ' --dir prod' });

describe('the list of pods', () => {
  test('says how long each runs, and that all is well', () => {
    expect(text({ mirrors: shown(['default/static-web-cp1', mirror()]) })).toBe(
      [
        'POD                 NODE  SOURCE    RUNS     RESTARTS  MIRROR  LABELS',
        'default/static-web  cp1   in place  2 hours  0         Ready   role=myrole',
        'All is well.',
      ].join('\n'),
    );
  });

  test('leaves the labels of the mirrors out where there is no room for them', () => {
    expect(text({ mirrors: shown(['default/static-web-cp1', mirror()]) }, 64)).toMatch(/MIRROR\n.*Ready\n/);
  });

  test('has no column of mirrors where there is no API', () => {
    expect(text({})).not.toContain('MIRROR');
  });

  test('says what is wrong on several nodes once, with commands that can be copied', () => {
    const names = ['cp1', 'cp2'];
    const bare = (name: string) => node({ node: name, index: new Map(), files: new Map(), manifests: [], pods: [] });
    const given = { pods: names.map((name) => declared({ node: name })), nodes: names.map(bare) };
    expect(text(given)).toBe(
      [
        'POD                 NODE  SOURCE       RUNS  RESTARTS',
        'default/static-web  cp1   not applied  no    -',
        'default/static-web  cp2   not applied  no    -',
        '2 problems',
        '  default/static-web on cp1 and cp2: is declared, but not applied yet',
        '    what to do: `bootstrap apply --node cp1 --node cp2 --dir prod`',
      ].join('\n'),
    );
  });

  test('fits a terminal, whatever the names', () => {
    const name = 'a-name-that-goes-on-and-on-until-nobody-can-read-it';
    const long = 'node-with-quite-a-long-name.example.com';
    const pods = [declared({ name, node: long, called: `default/${name}` })];
    const at = node({ node: long, index: new Map(), files: new Map(), manifests: [], pods: [] });
    const lines = text({ pods, nodes: [at] }).split('\n');
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80);
    expect(lines[1]).toContain('…');
  });

  test('of a thousand nodes shows those on which something is wrong', () => {
    const names = Array.from({ length: 1000 }, (_, i) => `n${i}`);
    const pods = names.map((name) => declared({ node: name }));
    const nodes = names.map((name) =>
      node({
        node: name,
        pods: [runtimePod({ name: `static-web-${name}` })],
        ...(name === 'n7' && { files: new Map([[FILE, 'x']]) }),
      }),
    );
    const lines = text({ pods, nodes }).split('\n');
    expect(lines.length).toBeLessThan(12);
    expect(lines).toContain('default/static-web on 999 other nodes: all is well');
  });
});

describe('the name of a pod', () => {
  const pods = ['default/static-web', 'agent', 'a/proxy', 'b/proxy'];
  const nodes = ['cp1', 'Node01'];

  test.each([
    ['default/static-web', 'default/static-web'],
    ['static-web', 'default/static-web'],
    ['static-web-cp1', 'default/static-web'],
    ['default/static-web-node01', 'default/static-web'],
    ['agent', 'agent'],
    ['kube-system/agent', 'agent'],
  ])('%s means %s', (name, pod) => {
    expect(podOfName(name, pods, nodes)).toBe(pod);
  });

  test.each([
    ['proxy', '"proxy" is not one pod: there are a/proxy and b/proxy', 'say which one, with its namespace'],
    ['static-wep', 'there is no static pod "static-wep"', 'did you mean "default/static-web"?'],
    ['zzzzzzzzz', 'there is no static pod "zzzzzzzzz"', 'there are default/static-web, agent, a/proxy, b/proxy'],
  ])('%s is none', (name, message, hint) => {
    const failed = (() => {
      try {
        return podOfName(name, pods, nodes);
      } catch (error) {
        return error;
      }
    })();
    expect(failed).toBeInstanceOf(BootstrapError);
    expect(failed).toMatchObject({ code: 'usage', message, hint });
  });
});

describe('lines of a log', () => {
  const log = (container: string) => ({ container, uid: 'u', attempt: 0, size: 0, lines: [] });

  test('say whose they are where there are several', () => {
    const one = { node: 'cp1', logs: [log('web')] };
    const two = { node: 'cp2', logs: [log('web'), log('proxy')] };
    expect(linePrefix([one], 'cp1', 'web')).toBe('');
    expect(linePrefix([one, { ...one, node: 'cp3' }], 'cp1', 'web')).toBe('cp1: ');
    expect(linePrefix([two], 'cp2', 'web')).toBe('web: ');
    expect(linePrefix([one, two], 'cp1', 'web')).toBe('cp1 web: ');
  });

  test('do nothing to a terminal', () => {
    expect(plainText('\x1b[31mred\x1b[0m\ttab \x07bell \x1b]0;title\x07')).toBe('red\ttab  bell  ]0;title ');
  });
});

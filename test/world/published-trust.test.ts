import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { emptyDir } from '../support/cli.ts';
import { needTool } from '../support/tools.ts';
import { mergedTrust } from './component/published-trust.ts';

const lists = { 'requestheader-allowed-names': ['front-proxy-client'] };
const DAY_MS = 86_400_000;

function authority(name: string, days: number): string {
  const file = join(emptyDir(), 'ca.crt');
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', '/dev/null'];
  const args = ['req', '-x509', '-subj', `/CN=${name}`, '-days', String(days), ...key, '-out', file];
  execFileSync('openssl', args, { stdio: 'ignore' });
  return readFileSync(file, 'utf8');
}

describe.runIf(needTool('openssl'))('what an apiserver publishes of whom it trusts', () => {
  test('gains what it trusts itself and loses nothing that has not expired, each certificate once', () => {
    const [old, next, brief] = [authority('old', 30), authority('new', 30), authority('brief', 1)];
    const before = { 'client-ca-file': `${brief}${old}`, 'requestheader-allowed-names': '["other"]' };
    const both = mergedTrust(before, { clients: `${next}${old}`, front: next, lists }, Date.now());
    expect(both['client-ca-file']).toBe(`${brief}${old}${next}`);
    expect(both['requestheader-client-ca-file']).toBe(next);
    expect(both['requestheader-allowed-names']).toBe('["other","front-proxy-client"]');
    // only the new one is trusted now, and nothing changes
    expect(mergedTrust(both, { clients: next, front: next, lists }, Date.now())).toEqual(both);
    const later = mergedTrust(both, { clients: next, front: next, lists }, Date.now() + 2 * DAY_MS);
    expect(later['client-ca-file']).toBe(`${old}${next}`);
    // deleted and made again
    expect(mergedTrust({}, { clients: next, front: undefined, lists }, Date.now())).toEqual({ 'client-ca-file': next });
  });
});

import { describe, expect, it } from 'vitest';
import { canonicalDuration, canonicalQuantity } from '../../src/kubernetes/canonical.ts';
import { loadCatalogue } from '../../src/kubernetes/catalogue.ts';

describe('a duration', () => {
  it.each([
    ['60s', '1m0s'],
    ['120s', '2m0s'],
    ['4h', '4h0m0s'],
    ['90m', '1h30m0s'],
    ['1.5h', '1h30m0s'],
    ['0', '0s'],
    ['0s', '0s'],
    ['1m30s', '1m30s'],
    ['1500ms', '1.5s'],
    ['1500us', '1.5ms'],
    ['12ns', '12ns'],
    ['-90s', '-1m30s'],
    ['.5s', '500ms'],
  ])('%s is written %s', (given, written) => expect(canonicalDuration(given)).toBe(written));

  it.each(['', '5', 's', '1 h', '1d'])('is not %j', (text) => expect(canonicalDuration(text)).toBeUndefined());
});

describe('a quantity', () => {
  it.each([
    [0.5, '500m'],
    ['0.5', '500m'],
    ['2000m', '2'],
    [2, '2'],
    ['1500m', '1500m'],
    ['1024Mi', '1Gi'],
    ['1.5Gi', '1536Mi'],
    ['0.5Ki', '512'],
    ['1000Mi', '1000Mi'],
    ['128e6', '128e6'],
    ['1280e5', '128e6'],
    ['1000M', '1G'],
    ['100Mi', '100Mi'],
    ['0', '0'],
    ['0.0000000001', '1n'],
    ['-1000m', '-1'],
  ])('%s is written %s', (given, written) => expect(canonicalQuantity(given)).toBe(written));

  it.each(['', '.', 'Mi', '1 Gi', 'one', '1Zi', '1e99'])('is not %j', (text) =>
    expect(canonicalQuantity(text)).toBeUndefined(),
  );
});

describe('a kubelet configuration', () => {
  it.each(['maxPods', 'podsPerCore', 'registryPullQPS', 'kubeAPIBurst', 'maxOpenFiles', 'maxParallelImagePulls'])(
    'with a negative %s is refused, as the kubelet does',
    async (field) => {
      const catalogue = await loadCatalogue(36);
      expect(catalogue.checkKubeletConfig({ [field]: -1 })).toMatchObject([{ severity: 'error', path: [field] }]);
      expect(catalogue.checkKubeletConfig({ [field]: 10 })).toEqual([]);
    },
  );

  it('has its durations written as Go does, and nothing else changed', async () => {
    const config = {
      syncFrequency: '60s',
      authentication: { webhook: { cacheTTL: '120s' } },
      evictionSoftGracePeriod: { 'memory.available': '90s' },
      maxPods: 60,
      imageMinimumGCAge: 'soon',
      noSuchField: '60s',
    };
    expect((await loadCatalogue(36)).canonicalKubeletConfig(config)).toEqual({
      ...config,
      syncFrequency: '1m0s',
      authentication: { webhook: { cacheTTL: '2m0s' } },
    });
  });
});

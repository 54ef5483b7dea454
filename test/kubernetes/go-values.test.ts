import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isQuantity,
  parseCsvRecord,
  parseGoBool,
  parseGoDuration,
  parseGoFloat,
  parseGoInt,
} from '../../src/kubernetes/go-values.ts';

describe('values as Go reads them', () => {
  it.each([
    ['1h30m', 5400],
    ['0', 0],
    ['0s', 0],
    ['-1.5h', -5400],
    ['500ms', 0.5],
    ['.5s', 0.5],
    ['1h0m0.5s', 3600.5],
    ['5', undefined],
    ['', undefined],
    ['-', undefined],
    ['1d', undefined],
    ['s', undefined],
    ['1 h', undefined],
    ['3000000h', undefined],
  ])('the duration %j is %s seconds', (text, seconds) => {
    expect(parseGoDuration(text)).toBe(seconds);
  });

  it.each([
    ['10', 10n],
    ['-3', -3n],
    ['+7', 7n],
    ['0x1F', 31n],
    ['0b11', 3n],
    ['0o17', 15n],
    ['017', 15n],
    ['1_000', 1000n],
    ['08', undefined],
    ['1_', undefined],
    ['1e3', undefined],
    ['1.0', undefined],
    ['', undefined],
    ['--1', undefined],
  ])('the integer %j is %s', (text, value) => {
    expect(parseGoInt(text)).toBe(value);
  });

  it('booleans are twelve words and no others', () => {
    expect(['true', 'T', '1', 'TRUE'].map(parseGoBool)).toEqual([true, true, true, true]);
    expect(['false', 'f', '0', 'False'].map(parseGoBool)).toEqual([false, false, false, false]);
    expect(['yes', 'on', 'tRue', '', 'no', ' true'].map(parseGoBool)).toEqual(Array(6).fill(undefined));
  });

  it('numbers may have a fraction and an exponent', () => {
    expect(['0.02', '1e3', '-.5', 'Inf'].map(parseGoFloat)).toEqual([0.02, 1000, -0.5, Infinity]);
    expect(['', '.', '1,5', '0.1.2', 'x'].map(parseGoFloat)).toEqual(Array(5).fill(undefined));
  });

  it('quantities have one suffix', () => {
    expect(['100Mi', '0.5', '250m', '1e3', '5G', '1.'].every(isQuantity)).toBe(true);
    expect(['100MB', 'Mi', '1 Gi', '10%', '', '1KiB'].some(isQuantity)).toBe(false);
  });

  it('comma lists follow the quoting of CSV', () => {
    expect(parseCsvRecord('a,"b,c",d""')).toBeUndefined();
    expect(parseCsvRecord('a,"b,""c""",')).toEqual(['a', 'b,"c"', '']);
    expect(parseCsvRecord('')).toEqual([]);
  });

  it('whatever is written, reading it ends without an error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'grapheme' })), (text) => {
        for (const read of [parseGoBool, parseGoInt, parseGoFloat, parseGoDuration, isQuantity, parseCsvRecord])
          read(text);
      }),
    );
  });
});

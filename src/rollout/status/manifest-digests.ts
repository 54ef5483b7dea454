import type { PodDigests } from './observe.ts';

/** The annotations of ours in the text of a manifest, by which its mirror pod is known; both undefined where it has none. */
export function manifestDigests(text: string): PodDigests {
  const digest = (name: string) =>
    new RegExp(`^\\s+["']?bootstrap/${name}["']?:\\s*["']?([0-9a-f]{64})\\b`, 'm').exec(text)?.[1];
  return { inputs: digest('inputs-digest'), manifest: digest('manifest-digest') };
}

/** What `apply` tells while it works; `src/cli` turns it into words. */
export type ApplyEvent =
  | { readonly kind: 'order'; readonly nodes: readonly string[]; readonly together: boolean }
  /** Plain nodes, after the masters: the first by itself, then so many at a time. */
  | { readonly kind: 'plain-order'; readonly nodes: readonly string[]; readonly atOnce: number }
  | { readonly kind: 'staged'; readonly node: string; readonly revision: number }
  /** Why a step may not begin yet. */
  | { readonly kind: 'gate'; readonly node: string; readonly unmet: readonly string[] }
  | { readonly kind: 'leader-moved'; readonly node: string; readonly to: string }
  | { readonly kind: 'activated'; readonly node: string; readonly files: number; readonly kubelet: string }
  /** What is not proven yet after a step. */
  | { readonly kind: 'proof'; readonly node: string; readonly unmet: readonly string[] }
  /** What could not be seen, and is taken on trust. */
  | { readonly kind: 'unproven'; readonly node: string; readonly what: readonly string[] }
  | { readonly kind: 'committed'; readonly node: string; readonly revision: number; readonly seconds: number }
  | { readonly kind: 'reverting'; readonly node: string; readonly why: readonly string[] }
  | { readonly kind: 'reverted'; readonly node: string; readonly well: boolean }
  | { readonly kind: 'object'; readonly object: string; readonly what: string };

export type Tell = (event: ApplyEvent) => void;

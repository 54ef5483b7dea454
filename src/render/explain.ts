export function explainFlag(..._: readonly unknown[]): unknown { return undefined; }

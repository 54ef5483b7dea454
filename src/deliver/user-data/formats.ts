/** What a machine's first boot can understand. */
export const FORMATS = ['cloud-config', 'ignition', 'tar'] as const;
export type Format = (typeof FORMATS)[number];

/** What a machine's first boot can understand. */
export const FORMATS = ['cloud-config', 'ignition', 'tar'] as const;
export type Format = (typeof FORMATS)[number];

/** Whether it comes compressed; `auto`: where the provider takes it. */
export const COMPRESS = ['auto', 'gzip', 'none'] as const;
export type Compress = (typeof COMPRESS)[number];

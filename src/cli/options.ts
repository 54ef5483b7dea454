/** Options that every command understands, as commander hands them over. */
export interface CommonOptions {
  readonly dir?: string;
  readonly file?: string;
  readonly profile?: readonly string[];
  readonly set?: readonly string[];
  readonly output?: 'text' | 'json' | 'yaml';
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly color?: boolean;
}

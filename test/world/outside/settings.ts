import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { followedIdentity, type IdentityFiles } from '../identity.ts';

/** What a client outside is told, as JSON in the file that is its argument. */
export interface ClientSettings extends IdentityFiles {
  readonly host: string;
  readonly port: number;
  /** The file in which it keeps what it has seen. */
  readonly tally: string;
  /** Of the object that it writes or looks at. */
  readonly path: string;
}

const MOST_ERRORS = 50;

/** For the programs of this folder: what they were told; they end with stdin. */
export function clientSettings() {
  const settings = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as ClientSettings;
  const errors: string[] = [];
  process.stdin.on('end', () => process.exit());
  process.stdin.resume();
  return {
    ...settings,
    identity: followedIdentity(settings),
    errors,
    failed(error: Error): void {
      if (errors.length < MOST_ERRORS) errors.push(`${new Date().toISOString()} ${error.message}`);
    },
    save(tally: object): void {
      writeFileSync(`${settings.tally}.new`, JSON.stringify(tally));
      renameSync(`${settings.tally}.new`, settings.tally);
    },
  };
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

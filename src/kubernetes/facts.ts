const ETCD: Readonly<Record<number, string>> = { 33: '3.5.21-0', 34: '3.6.4-0', 35: '3.6.6-0', 36: '3.6.8-0', 37: '3.7.0-0' };
export function etcdImageTag(minor: number): string {
  return ETCD[minor] ?? '';
}

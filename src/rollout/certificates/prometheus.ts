import { exposition, type Sample } from '../../base/exposition.ts';
import type { LiveView } from './live.ts';
import type { CertificateRow } from './rows.ts';

export interface PrometheusInput {
  /** The cluster's name. */
  readonly cluster: string;
  readonly rows: readonly CertificateRow[];
  readonly now: Date;
  readonly live: LiveView | undefined;
}

/**
 * The certificates in the text format of Prometheus, for node_exporter's textfile collector. Help texts never change:
 * the collector refuses files that describe one metric differently.
 */
export function prometheusText({ cluster, rows, now, live }: PrometheusInput): string {
  const known = rows.flatMap(({ name, node = '', facts }) =>
    facts ? [{ labels: { cluster, node, name, issuer: facts.issuer }, facts }] : [],
  );
  const served = (live?.served ?? []).map(({ node, port, server, row, facts }) => ({
    labels: { cluster, node, name: row?.name ?? server, issuer: facts.issuer, port: String(port) },
    value: seconds(facts.notAfter),
  }));
  return [
    metric(
      'bootstrap_certificate_not_after_seconds',
      'When a certificate in the cluster directory ends, in seconds since 1970.',
      known.map(({ labels, facts }) => ({ labels, value: seconds(facts.notAfter) })),
    ),
    metric(
      'bootstrap_certificate_not_before_seconds',
      'From when on a certificate in the cluster directory is valid, in seconds since 1970.',
      known.map(({ labels, facts }) => ({ labels, value: seconds(facts.notBefore) })),
    ),
    metric('bootstrap_certificates_generated_seconds', 'When these metrics were written, in seconds since 1970.', [
      { labels: { cluster }, value: seconds(now.getTime()) },
    ]),
    metric(
      'bootstrap_certificate_served_not_after_seconds',
      'When a certificate ends that a process shows in TLS handshakes, in seconds since 1970.',
      served,
    ),
    metric(
      'bootstrap_node_up',
      'Whether a master could be looked at.',
      (live?.nodes ?? []).map(({ name, why }) => ({
        labels: { cluster, node: name },
        value: why === undefined ? 1 : 0,
      })),
    ),
  ].join('');
}

function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}

/** A series may occur once only: of several, say two trusted CAs of the same name, the one that ends first is told. */
function metric(name: string, help: string, samples: readonly Sample[]): string {
  const series = new Map<string, Sample>();
  for (const sample of samples) {
    const key = JSON.stringify(sample.labels);
    const other = series.get(key);
    if (!other || sample.value < other.value) series.set(key, sample);
  }
  return exposition('gauge', name, help, [...series.values()]);
}

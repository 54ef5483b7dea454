import type { LiveView } from './live.ts';
import type { CertificateRow } from './rows.ts';

export interface PrometheusInput {
  /** The cluster's name. */
  readonly cluster: string;
  readonly rows: readonly CertificateRow[];
  readonly now: Date;
  readonly live: LiveView | undefined;
}

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
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
  if (!samples.length) return '';
  const series = new Map<string, number>();
  for (const { labels, value } of samples) {
    const key = Object.entries(labels)
      .map(([label, text]) => `${label}="${escaped(text)}"`)
      .join(',');
    series.set(key, Math.min(value, series.get(key) ?? Number.POSITIVE_INFINITY));
  }
  const lines = [...series].map(([labels, value]) => `${name}{${labels}} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join('')}`;
}

/** As the exposition format has it: backslash, double quote and line feed. */
function escaped(text: string): string {
  return text.replace(/[\\"\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`));
}

import { exposition } from '../../base/exposition.ts';
import type { Reading } from './keep-reading.ts';
import type { Served } from './server.ts';

/** What a server has answered since it was started. Only nodes that have shown their token are told apart. */
export interface ServeMetrics {
  count(served: Served): void;
  /** A TLS handshake that has failed. */
  countRefused(): void;
  /** The text format of Prometheus. */
  text(reading: Reading, connections: number): string;
}

interface Poll {
  /** Milliseconds since the epoch. */
  at: number;
  revision: string | undefined;
}

export function serveMetrics(started: Date): ServeMetrics {
  const answers = new Map<string, number>();
  const polls = new Map<string, Poll>();
  let refused = 0;
  return {
    countRefused: () => {
      refused += 1;
    },
    count({ at, answer: { status, node, revision } }) {
      const key = `${node ?? ''} ${status}`;
      answers.set(key, (answers.get(key) ?? 0) + 1);
      if (node === undefined) return;
      const poll = polls.get(node) ?? { at, revision: undefined };
      poll.at = at;
      poll.revision = revision ?? poll.revision;
      polls.set(node, poll);
    },
    text(reading, connections) {
      const state = reading.state();
      const last = reading.last();
      const { taken, takenAt, failed } = reading.counts();
      // a node that has left is told no more
      const known = [...polls].filter(([node]) => last?.nodes.has(node));
      const gauge = (name: string, help: string, value: number) =>
        exposition('gauge', `bootstrap_serve_${name}`, help, [{ labels: {}, value }]);
      return [
        gauge('start_time_seconds', 'When the server was started, in seconds since 1970.', seconds(started.getTime())),
        gauge(
          'in_doubt',
          'Whether the server answers 503, because what it reads is not whole.',
          state.kind === 'doubt' ? 1 : 0,
        ),
        gauge('connections', 'TLS connections that are open.', connections),
        exposition(
          'counter',
          'bootstrap_serve_failed_handshakes_total',
          'TLS handshakes that have failed, as with a client that does not trust the certificate.',
          [{ labels: {}, value: refused }],
        ),
        exposition('counter', 'bootstrap_serve_snapshots_total', 'States of the directory that were taken over.', [
          { labels: {}, value: taken },
        ]),
        exposition(
          'counter',
          'bootstrap_serve_failed_reads_total',
          'Looks at the directory that found no whole state.',
          [{ labels: {}, value: failed }],
        ),
        ...(last
          ? [
              gauge(
                'snapshot_taken_seconds',
                'When what is served was taken over from the directory, in seconds since 1970.',
                seconds(takenAt),
              ),
              gauge(
                'certificate_not_after_seconds',
                "When the server's certificate ends, in seconds since 1970.",
                seconds(Date.parse(last.notAfter)),
              ),
              exposition(
                'gauge',
                'bootstrap_serve_revision_info',
                'Which list a node is to have, by the beginning of its SHA-256.',
                [...last.nodes].flatMap(([node, { list }]) => info(node, list?.sha256)),
              ),
            ]
          : []),
        exposition(
          'gauge',
          'bootstrap_serve_node_revision_info',
          'Which list a node was given last, by the beginning of its SHA-256.',
          known.flatMap(([node, { revision }]) => info(node, revision)),
        ),
        exposition(
          'gauge',
          'bootstrap_serve_last_poll_seconds',
          'When a node has asked last with its token, in seconds since 1970.',
          known.map(([node, { at }]) => ({ labels: { node }, value: seconds(at) })),
        ),
        exposition(
          'counter',
          'bootstrap_serve_answers_total',
          'Answers by node and status; without a node where no right token was shown.',
          [...answers].flatMap(([key, value]) => {
            const [node = '', status = ''] = key.split(' ');
            return node === '' || last?.nodes.has(node) ? [{ labels: { node, status }, value }] : [];
          }),
        ),
      ].join('');
    },
  };
}

function info(node: string, digest: string | undefined) {
  return digest === undefined ? [] : [{ labels: { node, revision: digest.slice(0, 12) }, value: 1 }];
}

function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}

import { type Command, Option } from 'commander';
import { type Action, examples } from '../command-parts.ts';

export function serve(root: Command, action: Action): void {
  root
    .command('serve')
    .description('give static pods to kubelets over HTTPS: the server behind staticPodURL')
    .option('-d, --dir <dir>', 'the cluster directory; what it has published lies in its serve/ (default: ".")')
    .option('--from <dir>', 'a copy of that serve/, on a machine without the cluster directory')
    .option('--listen <[host:]port>', 'where to listen (default: all addresses, the port of spec.serve.endpoint)')
    .option(
      '--metrics <host:port>',
      'where Prometheus finds /metrics, over plain HTTP; off for nowhere',
      '127.0.0.1:9446',
    )
    .option('--unit', 'print a systemd unit for just this, and end')
    .addOption(new Option('--log <format>', 'how to write the access log').choices(['text', 'json']).default('text'))
    .action(action(async () => (await import('./serve.ts')).serve))
    .addHelpText(
      'after',
      examples(
        'bootstrap serve',
        'bootstrap serve --from /srv/pods --listen 10.0.0.5:8443',
        'bootstrap serve --unit > /etc/systemd/system/bootstrap-serve.service',
      ),
    );
}

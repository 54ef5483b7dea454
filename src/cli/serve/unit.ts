import { systemdWord } from '../../render/template/systemd-quote.ts';

export interface UnitInput {
  /** Absolute, with its arguments. */
  readonly argv: readonly [string, ...string[]];
  /** What is read. */
  readonly dir: string;
  /** A port below 1024. */
  readonly isPrivileged: boolean;
}

/** A systemd service that may read that directory and listen, and nothing else. */
export function serveUnit({ argv: [program, ...words], dir, isPrivileged }: UnitInput): string {
  const command = [systemdWord(program).replaceAll('$$', '$'), ...words.map(systemdWord)].join(' \\\n    ');
  return `[Unit]
Description=Static pods for kubelets (bootstrap serve)
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=${command}
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=2
TimeoutStopSec=20
LimitNOFILE=65536
ReadOnlyPaths=${systemdWord(dir)}
NoNewPrivileges=true
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=true
PrivateDevices=true
ProtectKernelTunables=true
ProtectKernelModules=true
ProtectKernelLogs=true
ProtectControlGroups=true
ProtectClock=true
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=true
RestrictRealtime=true
LockPersonality=true
SystemCallArchitectures=native
CapabilityBoundingSet=${isPrivileged ? 'CAP_NET_BIND_SERVICE' : ''}

[Install]
WantedBy=multi-user.target
`;
}

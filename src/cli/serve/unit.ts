import { join } from 'node:path';
import { systemdWord } from '../../render/template/systemd-quote.ts';

export interface UnitInput {
  /** Absolute, with its arguments. */
  readonly argv: readonly [string, ...string[]];
  /** What is read. */
  readonly dir: string;
  /** The cluster directory where that is part of it: the server has no business with its keys. */
  readonly clusterDir: string | undefined;
  /** Whom the directory belongs to: it is closed to all others. */
  readonly owner: { readonly uid: number; readonly gid: number };
  /** A port below 1024. */
  readonly isPrivileged: boolean;
}

/** What lies beside `serve/` in a cluster directory and is nothing but keys, or full of them. */
const SECRETS = ['pki', 'nodes', 'user-data', 'admin.conf', 'super-admin.conf'];

/**
 * A systemd service that may read that directory and listen, and nothing else. It has no rights over the files of others,
 * root's neither, so it runs as whoever owns the directory.
 */
export function serveUnit({ argv: [program, ...words], dir, clusterDir, owner, isPrivileged }: UnitInput): string {
  const command = [unitWord(program), ...words.map(systemdWord)].join(' \\\n    ');
  const hidden = clusterDir === undefined ? [] : SECRETS.map((name) => join(clusterDir, name));
  const capability = isPrivileged ? 'CAP_NET_BIND_SERVICE' : '';
  // a private /tmp would hide what lies there
  const isInTmp = [program, dir].some((path) => /^(\/var)?\/tmp\//.test(path));
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
User=${owner.uid}
Group=${owner.gid}
UMask=0077
${pathLines('ReadOnlyPaths', [dir])}${pathLines('InaccessiblePaths', hidden)}NoNewPrivileges=true
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=${!isInTmp}
PrivateDevices=true
ProtectKernelTunables=true
ProtectKernelModules=true
ProtectKernelLogs=true
ProtectControlGroups=true
ProtectClock=true
ProtectHostname=true
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=true
RestrictRealtime=true
RestrictSUIDSGID=true
LockPersonality=true
SystemCallArchitectures=native
CapabilityBoundingSet=${capability}
AmbientCapabilities=${capability}

[Install]
WantedBy=multi-user.target
`;
}

/**
 * One line each, whether or not the path is there. Those of unusual characters are left out: in paths systemd takes no
 * escapes (config_parse_namespace_path_strv), and all of this is a second wall.
 */
function pathLines(setting: string, paths: readonly string[]): string {
  const plain = paths.filter((path) => !/["'\\\u0000-\u001f\u007f]/.test(path));
  return plain.map((path) => `${setting}=${unitWord(`-${path}`)}\n`).join('');
}

/** A word where no variables are put in: all but the arguments of a command (systemd.service(5)). */
function unitWord(text: string): string {
  return systemdWord(text).replaceAll('$$', '$');
}

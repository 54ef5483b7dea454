import { INSTALL } from './first-boot.ts';

export const FIRST_BOOT_SERVICE = 'bootstrap-user-data.service';

/**
 * Runs the first boot's script where nothing else does: at every boot, and again after a failure, until the script has
 * removed itself, for the payload may not have been uploaded yet (systemd takes `Restart=` for a oneshot since 244). `sh`
 * runs it, so that no policy of SELinux has to let a service start with a file of /etc. It must not be ordered before
 * kubelet.service: it waits until that one is started. What it has to say it says on the console by itself; a proxy stands in
 * /etc/environment.
 */
export const FIRST_BOOT_UNIT = `[Unit]
Description=Make this machine a Kubernetes master
ConditionPathExists=${INSTALL}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh ${INSTALL}
Restart=on-failure
RestartSec=1min
EnvironmentFile=-/etc/environment

[Install]
WantedBy=multi-user.target
`;

import { chmodSync, copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What kubeadm takes for three masters' files: four invocations a node, each in a root directory of its own.
 * @param work a directory that may be filled
 * @returns a shell script to time, and what has to be done before each time
 */
export function kubeadmScript(
  kubeadm: string,
  work: string,
  algorithm: string,
): { readonly run: string; readonly prepare: () => void } {
  const names = ['cp1', 'cp2', 'cp3'];
  const phases = ['certs all', 'kubeconfig all', 'control-plane all', 'etcd local'];
  const prepare = () => {
    for (const [i, name] of names.entries()) {
      const root = join(work, name);
      rmSync(root, { recursive: true, force: true });
      mkdirSync(join(root, 'tmp'), { recursive: true });
      writeFileSync(join(root, 'kubeadm.yaml'), config(name, `10.0.0.${11 + i}`, algorithm));
    }
  };
  const run = join(work, 'run.sh');
  const copy = join(work, 'kubeadm');
  copyFileSync(kubeadm, copy);
  chmodSync(copy, 0o755);
  const lines = names.flatMap((name) =>
    phases.map(
      (phase) =>
        `env -i ${copy} init phase ${phase} --rootfs ${join(work, name)} --config /kubeadm.yaml >/dev/null 2>&1`,
    ),
  );
  writeFileSync(run, `set -e\n${lines.join('\n')}\n`);
  return { run, prepare };
}

function config(name: string, address: string, algorithm: string): string {
  return `apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
nodeRegistration: {name: ${name}, criSocket: unix:///var/run/containerd/containerd.sock}
localAPIEndpoint: {advertiseAddress: ${address}, bindPort: 6443}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.36.2
controlPlaneEndpoint: api.example.com:6443
encryptionAlgorithm: ${algorithm}
`;
}

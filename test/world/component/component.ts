import { setInterval } from 'node:timers';
import { apiServer } from './api-server.ts';
import { controllerManager } from './controller-manager.ts';
import { lead } from './election.ts';
import { fatal, flag, readFlags } from './flags.ts';
import { healthServer } from './health-server.ts';
import { kubeconfigClient } from './kubeconfig-client.ts';

/** Stand-ins of the programs of the control plane: `component SHARED-FOLDER PROGRAM FLAG…`. */

const [shared = '', program = '', ...args] = process.argv.slice(2);
switch (program) {
  case 'kube-apiserver':
    void apiServer(readFlags(program, shared, args));
    break;
  case 'kube-controller-manager': {
    const flags = readFlags(program, shared, args);
    controllerManager(flags);
    healthServer(flags, 10257, shared);
    break;
  }
  case 'kube-scheduler': {
    const flags = readFlags(program, shared, args);
    lead(kubeconfigClient(flag(flags, 'kubeconfig')), 'kube-scheduler');
    healthServer(flags, 10259, shared);
    break;
  }
  default:
    // whatever the user's own pods are: it runs until it is told to end, and says so
    if (process.env['FAIL_ON_PURPOSE']) fatal(process.env['FAIL_ON_PURPOSE']);
    console.log(`${program} runs`);
    setInterval(() => console.log(`${program} still runs`), 1000);
}

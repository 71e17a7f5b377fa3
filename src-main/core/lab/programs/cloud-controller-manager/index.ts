export { parseAddressRange } from './address-pool.ts';
export { cloudControllerManager } from './cloud-controller-manager.ts';

declare module 'node-forge/lib/asn1.js' {
  const asn1: typeof import('node-forge').asn1;
  export default asn1;
}

declare module 'node-forge/lib/x509.js' {
  const pki: import('./forge.ts').Forge['pki'];
  export default pki;
}

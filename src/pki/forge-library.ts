/** The parts of node-forge in one module, so that they are one file of the program, read only by who issues something. */
export { default as asn1 } from 'node-forge/lib/asn1.js';
export { default as pki } from 'node-forge/lib/x509.js';

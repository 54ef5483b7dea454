import { X509Certificate } from 'node:crypto';

const BLOCKS = /^(-----BEGIN CERTIFICATE-----\n[^-]+-----END CERTIFICATE-----\n?)+$/;

/** A file of certificates as lines that say what is in them, so that two can be compared; any other text as it is. */
export function certificateText(text: string): string {
  if (!BLOCKS.test(text)) return text;
  try {
    return text
      .split(/(?<=-----END CERTIFICATE-----\n?)(?=-----BEGIN)/)
      .map((pem) => lines(new X509Certificate(pem)))
      .join('\n');
  } catch {
    return text;
  }
}

function lines({ subject, issuer, subjectAltName, validFrom, validTo, serialNumber }: X509Certificate): string {
  const oneLine = (name: string) => name.replace(/\n/g, ', ');
  return [
    `certificate ${oneLine(subject)}`,
    `  issued by ${oneLine(issuer)}`,
    ...(subjectAltName?.split(', ').map((name) => `  for ${name}`) ?? []),
    `  from ${validFrom} to ${validTo}`,
    `  serial number ${serialNumber}`,
    '',
  ].join('\n');
}

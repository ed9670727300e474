import { getRandomValues, type webcrypto } from "node:crypto";
import { spiffeId } from "../../runtime/spiffe.ts";
import { loadX509 } from "./x509.ts";

const KEY_ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const SERIAL_BYTES = 16;
const TEN_YEARS_MS = 10 * 365 * 86_400_000;

/** How far the clock of a peer may be behind that of the authority. */
export const CLOCK_SKEW_MS = 5 * 60_000;
export const LEAF_VALIDITY_MS = 24 * 3_600_000;

/** A certificate and its private key. */
export interface KeyedCertificate {
  readonly certificatePem: string;
  /** PKCS#8. Never to be shown. */
  readonly keyPem: string;
}

export interface RootOptions {
  trustDomain: string;
  now: Date;
  /** The default is ten years. */
  validityMs?: number;
}

export interface LeafOptions {
  trustDomain: string;
  name: string;
  notBefore: Date;
  notAfter: Date;
  /** The default is dnsNamesOf(name). */
  dnsNames?: readonly string[];
  /** The default is loopback. */
  ipAddresses?: readonly string[];
  /** The default is the SPIFFE id alone. */
  uris?: readonly string[];
}

/** A root of its own that signs leaves and nothing else. */
export async function createRoot({ trustDomain, now, validityMs = TEN_YEARS_MS }: RootOptions): Promise<KeyedCertificate> {
  const x509 = await loadX509();
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: randomSerial(),
    name: [{ CN: ["Bookmesh root"] }],
    notBefore: wholeSeconds(now.getTime() - CLOCK_SKEW_MS),
    notAfter: wholeSeconds(now.getTime() + validityMs),
    keys,
    signingAlgorithm: KEY_ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      new x509.SubjectAlternativeNameExtension([{ type: "url", value: `spiffe://${trustDomain}` }]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificatePem: pemOf(certificate), keyPem: await exportKey(keys.privateKey) };
}

/** A leaf with a new key, for a server and for a client, that a root vouches for. It outlives the root if it is told to. */
export async function issueLeaf(root: KeyedCertificate, options: LeafOptions): Promise<KeyedCertificate> {
  const { trustDomain, name, notBefore, notAfter } = options;
  const { dnsNames = dnsNamesOf(name), ipAddresses = ["127.0.0.1", "::1"] } = options;
  const { uris = [spiffeId({ trustDomain, name })] } = options;
  const x509 = await loadX509();
  const [keys, signingKey] = await Promise.all([generateKeys(), importKey(root.keyPem)]);
  const issuer = new x509.X509Certificate(root.certificatePem);
  const subjectAltNames = [
    ...uris.map((value) => ({ type: "url" as const, value })),
    ...dnsNames.map((value) => ({ type: "dns" as const, value })),
    ...ipAddresses.map((value) => ({ type: "ip" as const, value })),
  ];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: randomSerial(),
    subject: [{ CN: [name] }],
    issuer: issuer.subjectName,
    notBefore: wholeSeconds(notBefore.getTime()),
    notAfter: wholeSeconds(notAfter.getTime()),
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: KEY_ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      ...(subjectAltNames.length > 0 ? [new x509.SubjectAlternativeNameExtension(subjectAltNames)] : []),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificatePem: pemOf(certificate), keyPem: await exportKey(keys.privateKey) };
}

/** The DNS names under which a service is called: on one machine, and in a cluster. */
export function dnsNamesOf(name: string): string[] {
  return [name, "localhost", `${name}.bookmesh`, `${name}.bookmesh.svc`, `${name}.bookmesh.svc.cluster.local`];
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(KEY_ALGORITHM, true, ["sign", "verify"]);
}

function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = Buffer.from(pem.replace(/-----[^-]+-----/g, ""), "base64");
  return crypto.subtle.importKey("pkcs8", der, KEY_ALGORITHM, false, ["sign"]);
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const base64 = Buffer.from(await crypto.subtle.exportKey("pkcs8", key)).toString("base64");
  return `-----BEGIN PRIVATE KEY-----\n${base64.replace(/.{1,64}/g, "$&\n")}-----END PRIVATE KEY-----\n`;
}

function pemOf(certificate: { toString(format: "pem"): string }): string {
  return `${certificate.toString("pem").trim()}\n`;
}

/** 128 bits, positive: the sign bit is clear, and the first byte is not 0, which DER would drop. */
function randomSerial(): string {
  const bytes = getRandomValues(new Uint8Array(SERIAL_BYTES));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return Buffer.from(bytes).toString("hex");
}

/** Certificates know no milliseconds. */
function wholeSeconds(timeMs: number): Date {
  return new Date(Math.floor(timeMs / 1_000) * 1_000);
}

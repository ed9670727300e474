import { randomBytes, type webcrypto } from "node:crypto";
import type { KeyedCertificate } from "../../cli/certs/authority.ts";
import { loadX509 } from "../../cli/certs/x509.ts";

const ECDSA = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
/** Smaller than TLS takes today. */
const SMALL_RSA = { name: "RSASSA-PKCS1-v1_5", modulusLength: 1_024, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" };
const HOUR_MS = 3_600_000;

/** A certificate, its key, and who vouches for it. */
export interface ForeignCertificate extends KeyedCertificate {
  readonly signingKey: webcrypto.CryptoKey;
}

export interface ForeignCertificateOptions {
  /** Who signs. The default is itself. */
  issuer?: ForeignCertificate;
  /** The name in it. The default is "foreign". */
  subject?: string;
  /** Whether it may sign others. The default is false. */
  ca?: boolean;
  uris?: readonly string[];
  /** Object ids of what it may be used for; the default is none, which is everything. */
  usages?: readonly string[];
  /** The default is in an hour. */
  notAfter?: Date;
  /** Whether its key is too small. The default is false. */
  weak?: boolean;
}

/** A certificate as an authority other than ours may make it. */
export async function foreignCertificate(options: ForeignCertificateOptions = {}): Promise<ForeignCertificate> {
  const { issuer, subject = "foreign", ca = false, uris = [], usages = [], notAfter = new Date(Date.now() + HOUR_MS) } = options;
  const x509 = await loadX509();
  const keys = (await crypto.subtle.generateKey(options.weak ? SMALL_RSA : ECDSA, true, [
    "sign",
    "verify",
  ])) as webcrypto.CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.create({
    ...{ serialNumber: `40${randomBytes(8).toString("hex")}`, subject: [{ CN: [subject] }], publicKey: keys.publicKey },
    issuer: issuer ? new x509.X509Certificate(issuer.certificatePem).subjectName : [{ CN: [subject] }],
    signingKey: issuer?.signingKey ?? keys.privateKey,
    signingAlgorithm: ECDSA,
    notBefore: new Date(Math.min(Date.now(), notAfter.getTime()) - HOUR_MS),
    notAfter,
    extensions: [
      new x509.BasicConstraintsExtension(ca, undefined, true),
      ...(usages.length > 0 ? [new x509.ExtendedKeyUsageExtension([...usages])] : []),
      ...(uris.length > 0 ? [new x509.SubjectAlternativeNameExtension(uris.map((value) => ({ type: "url", value })))] : []),
    ],
  });
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  return {
    certificatePem: `${certificate.toString("pem")}\n`,
    keyPem: `-----BEGIN PRIVATE KEY-----\n${pkcs8.replace(/.{1,64}/g, "$&\n")}-----END PRIVATE KEY-----\n`,
    signingKey: keys.privateKey,
  };
}

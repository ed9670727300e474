import { createPrivateKey } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ForeignCertificateOptions, foreignCertificate } from "../test/support/foreign-certificates.ts";
import { TestAuthority } from "../test/support/test-authority.ts";
import { CREDENTIAL_FILES, CredentialsError, readKeyMaterial } from "./credential-files.ts";

const HOUR_MS = 3_600_000;
const ORDERS = "spiffe://bookmesh.local/orders";
const now = new Date();

let authority: TestAuthority;
let stranger: TestAuthority;
beforeAll(async () => {
  [authority, stranger] = await Promise.all([TestAuthority.create(), TestAuthority.create()]);
});
afterAll(async () => {
  await Promise.all([authority[Symbol.asyncDispose](), stranger[Symbol.asyncDispose]()]);
});

const inHours = (hours: number) => new Date(Math.floor((now.getTime() + hours * HOUR_MS) / 1_000) * 1_000);
const files = Object.values(CREDENTIAL_FILES);

test("reads who it is, and from when until when", async () => {
  const [notBefore, notAfter] = [inHours(-3), inHours(9)];
  const folder = await authority.folder("orders", { notBefore, notAfter });

  const { roots, ...material } = await readKeyMaterial(folder, now);

  expect(roots.map((root) => root.toString())).toEqual([authority.root.certificatePem]);
  expect(material).toEqual({
    ca: await readFile(join(folder, "ca.crt")),
    certificate: await readFile(join(folder, "tls.crt")),
    key: await readFile(join(folder, "tls.key")),
    identity: { trustDomain: "bookmesh.local", name: "orders" },
    // The root is younger than that.
    notBefore: expect.any(Date),
    notAfter,
  });
});

test("trusts several roots, whichever of them has issued it, with remarks in between", async () => {
  const ca = `the other one\n${stranger.root.certificatePem}\r\nours\n${authority.root.certificatePem}`;

  const { identity } = await readKeyMaterial(await authority.folder("orders", { ca }), now);

  expect(identity.name).toBe("orders");
});

test.each(files)("says that %s is missing", async (file) => {
  const folder = await authority.folder("orders");
  await rm(join(folder, file));

  await expect(readKeyMaterial(folder, now)).rejects.toEqual(new CredentialsError(`${join(folder, file)} does not exist`));
});

test.each(files)("says that %s cannot be read", async (file) => {
  const folder = await authority.folder("orders");
  await rm(join(folder, file));
  await mkdir(join(folder, file));

  await expect(readKeyMaterial(folder, now)).rejects.toEqual(
    new CredentialsError(`${join(folder, file)} cannot be read (EISDIR)`),
  );
});

const damages: readonly [what: string, text: string][] = [
  ["empty", ""],
  ["of something else", "hello"],
  ["damaged", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
  ["cut off", "-----BEGIN CERTIFICATE-----\nMIIB"],
];

test.each(
  damages.flatMap(([what, text]) => [
    [CREDENTIAL_FILES.ca, what, text, "holds no certificates in PEM"],
    [CREDENTIAL_FILES.certificate, what, text, "holds no certificate in PEM"],
    [CREDENTIAL_FILES.key, what, text, "holds no private key in PEM without a passphrase"],
  ]),
)("refuses a %s that is %s", async (file = "", _what, text = "", problem = "") => {
  const folder = await authority.folder("orders");
  await rewrite(folder, file, text);

  await expect(readKeyMaterial(folder, now)).rejects.toThrow(`${file} ${problem}`);
});

test("refuses a root that is damaged, although there is a good one beside it", async () => {
  const ca = `${authority.root.certificatePem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`;

  await expect(readKeyMaterial(await authority.folder("orders", { ca }), now)).rejects.toThrow("holds no certificates");
});

test("refuses a key that is another one's", async () => {
  const folder = await authority.folder("orders");
  const { keyPem } = await authority.issue("orders");
  await rewrite(folder, "tls.key", keyPem);

  await expect(readKeyMaterial(folder, now)).rejects.toThrow("tls.key is not the key of tls.crt");
});

test("refuses a key that needs a passphrase", async () => {
  const folder = await authority.folder("orders");
  const key = createPrivateKey(await readFile(join(folder, "tls.key")));
  const locked = key.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "sesame" });
  await rewrite(folder, "tls.key", String(locked));

  await expect(readKeyMaterial(folder, now)).rejects.toThrow("tls.key holds no private key in PEM without a passphrase");
});

test("refuses a certificate that no trusted root has issued", async () => {
  const folder = await authority.folder("orders", { ca: stranger.root.certificatePem });

  await expect(readKeyMaterial(folder, now)).rejects.toThrow("tls.crt was issued by nobody in ca.crt");
});

test("refuses a certificate outside of its time, to the moment", async () => {
  const [notBefore, notAfter] = [inHours(1), inHours(2)];
  const folder = await authority.folder("orders", { notBefore, notAfter });
  const justBefore = (time: Date) => new Date(time.getTime() - 1);

  await expect(readKeyMaterial(folder, justBefore(notBefore))).rejects.toThrow(
    `tls.crt is not valid before ${notBefore.toISOString()}`,
  );
  await expect(readKeyMaterial(folder, notBefore)).resolves.toMatchObject({ notBefore });
  await expect(readKeyMaterial(folder, justBefore(notAfter))).resolves.toMatchObject({ notAfter });
  await expect(readKeyMaterial(folder, notAfter)).rejects.toThrow(`tls.crt has expired at ${notAfter.toISOString()}`);
});

test.each([
  ["two identities", [ORDERS, "spiffe://bookmesh.local/push"]],
  ["an identity and another URI", [ORDERS, "https://bookmesh.local/"]],
  ["no identity", []],
  ["something that is no identity of a mesh", ["spiffe://bookmesh.local/shop/orders"]],
])("refuses a certificate with %s", async (_what, uris) => {
  await expect(readKeyMaterial(await authority.folder("orders", { uris }), now)).rejects.toThrow(
    "tls.crt names no identity: one spiffe://domain/name",
  );
});

test("never says anything of the key", async () => {
  const folder = await authority.folder("orders");
  const key = await readFile(join(folder, "tls.key"), "utf8");
  await rewrite(folder, "tls.key", key.slice(0, 100));

  const error: CredentialsError = await readKeyMaterial(folder, now).catch((thrown) => thrown);

  expect(error).toBeInstanceOf(CredentialsError);
  expect(error.cause).toBeUndefined();
  expect(String(error)).not.toContain(key.slice(40, 60));
});

test("does not look again at files that it knows, but for their time", async () => {
  const notAfter = inHours(1);
  const folder = await authority.folder("orders", { notAfter });
  const known = await readKeyMaterial(folder, now);

  expect(await readKeyMaterial(folder, now, known)).toBe(known);
  await expect(readKeyMaterial(folder, notAfter, known)).rejects.toThrow("tls.crt has expired");

  await rewrite(folder, "ca.crt", `${await readFile(join(folder, "ca.crt"), "utf8")}${stranger.root.certificatePem}`);
  expect(await readKeyMaterial(folder, now, known)).not.toBe(known);
});

describe("of an authority that lets another one sign", () => {
  test("takes the certificates in between from behind the certificate", async () => {
    const { identity, notAfter } = await readKeyMaterial(await chain(), now);

    expect(identity.name).toBe("orders");
    // The first of them that expires makes all of them worthless.
    expect(notAfter).toEqual(inHours(2));
  });

  test("refuses a certificate without those in between", async () => {
    await expect(readKeyMaterial(await chain({ pems: ({ leaf }) => [leaf] }), now)).rejects.toThrow("issued by nobody");
  });

  test("refuses certificates in the wrong order", async () => {
    const pems: Chain["pems"] = ({ leaf, upper, lower }) => [leaf, upper, lower];

    await expect(readKeyMaterial(await chain({ pems }), now)).rejects.toThrow("issued by nobody");
  });

  test("takes certificates that lead to the root and further", async () => {
    const pems: Chain["pems"] = ({ leaf, lower, upper, root }) => [leaf, lower, upper, root];

    await expect(readKeyMaterial(await chain({ pems }), now)).resolves.toBeDefined();
  });

  test("refuses what somebody has issued who may not", async () => {
    await expect(readKeyMaterial(await chain({ upper: { ca: false } }), now)).rejects.toThrow("issued by nobody");
  });

  test("refuses certificates of which one in between has expired", async () => {
    const folder = await chain({ upper: { notAfter: inHours(-1) } });

    await expect(readKeyMaterial(folder, now)).rejects.toThrow(`has expired at ${inHours(-1).toISOString()}`);
  });

  test("does not trust a root that has expired", async () => {
    await expect(readKeyMaterial(await chain({ root: { notAfter: inHours(-1) } }), now)).rejects.toThrow("issued by nobody");
  });

  test.each([
    ["servers alone", ["1.3.6.1.5.5.7.3.1"]],
    ["clients alone", ["1.3.6.1.5.5.7.3.2"]],
    ["e-mail", ["1.3.6.1.5.5.7.3.4"]],
  ])("refuses a certificate for %s", async (_what, usages) => {
    await expect(readKeyMaterial(await chain({ leaf: { usages } }), now)).rejects.toThrow(
      "tls.crt is not for servers and clients both (server auth, client auth)",
    );
  });

  test("refuses a key that is too small for TLS", async () => {
    await expect(readKeyMaterial(await chain({ leaf: { weak: true } }), now)).rejects.toThrow(
      "tls.crt is none for TLS: ee key too small",
    );
  });
});

/** Writes over a link, not through it. */
async function rewrite(folder: string, file: string, text: string): Promise<void> {
  await rm(join(folder, file));
  await writeFile(join(folder, file), text);
}

interface Chain {
  root?: ForeignCertificateOptions;
  upper?: ForeignCertificateOptions;
  leaf?: ForeignCertificateOptions;
  /** What tls.crt holds. */
  pems?: (made: Record<"leaf" | "lower" | "upper" | "root", string>) => string[];
}

/** A folder of a leaf with two others between it and the root. */
async function chain(options: Chain = {}): Promise<string> {
  const { pems = ({ leaf, lower, upper }) => [leaf, lower, upper] } = options;
  const root = await foreignCertificate({ subject: "root", ca: true, notAfter: inHours(9), ...options.root });
  const upper = await foreignCertificate({ subject: "upper", ca: true, issuer: root, notAfter: inHours(2), ...options.upper });
  const lower = await foreignCertificate({ subject: "lower", ca: true, issuer: upper, notAfter: inHours(5) });
  const leaf = await foreignCertificate({ issuer: lower, uris: [ORDERS], notAfter: inHours(7), ...options.leaf });
  const folder = await authority.folder("orders", { ca: root.certificatePem });
  const made = { leaf, lower, upper, root };
  const texts = Object.fromEntries(Object.entries(made).map(([name, { certificatePem }]) => [name, certificatePem]));
  await rewrite(folder, "tls.crt", pems(texts as Record<keyof typeof made, string>).join(""));
  await rewrite(folder, "tls.key", leaf.keyPem);
  return folder;
}

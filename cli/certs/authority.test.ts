import { createPrivateKey, X509Certificate } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer, type TLSSocket } from "node:tls";
import { identityOf } from "../../runtime/spiffe.ts";
import { createRoot, issueLeaf, type LeafOptions } from "./authority.ts";

const NOW = new Date("2026-11-21T12:00:00.500Z");
const trustDomain = "bookmesh.local";
const hour = 3_600_000;

function leafOptions(options: Partial<LeafOptions> = {}): LeafOptions {
  const notBefore = new Date(NOW.getTime() - hour);
  return { trustDomain, name: "orders", notBefore, notAfter: new Date(NOW.getTime() + hour), ...options };
}

test("makes a root that may sign leaves and nothing below them", async () => {
  const { certificatePem, keyPem } = await createRoot({ trustDomain, now: NOW });
  const root = new X509Certificate(certificatePem);

  expect(root).toMatchObject({ ca: true, subject: "CN=Bookmesh root", subjectAltName: "URI:spiffe://bookmesh.local" });
  expect(root.verify(root.publicKey)).toBe(true);
  expect(root.checkPrivateKey(createPrivateKey(keyPem))).toBe(true);
  expect(root.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: "prime256v1" });
  expect(new Date(root.validTo).getTime() - NOW.getTime()).toBeGreaterThan(9.9 * 365 * 24 * hour);
  // pathLenConstraint 0, behind cA TRUE.
  expect(root.raw.includes(Buffer.from("30060101ff020100", "hex"))).toBe(true);
});

test("issues a leaf with one identity, for all names under which a service is called", async () => {
  const authority = await createRoot({ trustDomain, now: NOW });
  const { certificatePem, keyPem } = await issueLeaf(authority, leafOptions());
  const [root, leaf] = [new X509Certificate(authority.certificatePem), new X509Certificate(certificatePem)];

  expect(leaf.checkIssued(root)).toBe(true);
  expect(leaf.verify(root.publicKey)).toBe(true);
  expect(leaf.checkPrivateKey(createPrivateKey(keyPem))).toBe(true);
  expect(identityOf(leaf)).toEqual({ trustDomain, name: "orders" });
  expect(leaf.subjectAltName).toBe(
    "URI:spiffe://bookmesh.local/orders, DNS:orders, DNS:localhost, DNS:orders.bookmesh, DNS:orders.bookmesh.svc, " +
      "DNS:orders.bookmesh.svc.cluster.local, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1",
  );
  expect(leaf).toMatchObject({ ca: false, subject: "CN=orders", keyUsage: ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"] });
  expect([leaf.validFrom, leaf.validTo]).toEqual(["Nov 21 11:00:00 2026 GMT", "Nov 21 13:00:00 2026 GMT"]);
});

test("gives every certificate a serial number of 128 bits and a key of its own", async () => {
  const authority = await createRoot({ trustDomain, now: NOW });
  const issued = await Promise.all(Array.from({ length: 20 }, () => issueLeaf(authority, leafOptions())));
  const serials = issued.map(({ certificatePem }) => new X509Certificate(certificatePem).serialNumber);

  expect(new Set(serials).size).toBe(20);
  // A first digit above 7 would make it negative.
  for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
  expect(new Set(issued.map(({ keyPem }) => keyPem)).size).toBe(20);
});

test("issues what no mesh should accept, for those who test that", async () => {
  const authority = await createRoot({ trustDomain, now: NOW });
  const leaf = await issueLeaf(authority, leafOptions({ uris: [], ipAddresses: [], dnsNames: ["orders"] }));

  expect(new X509Certificate(leaf.certificatePem).subjectAltName).toBe("DNS:orders");
});

test("issues leaves with which two peers speak TLS 1.3 and know each other", async () => {
  const now = new Date();
  const authority = await createRoot({ trustDomain, now });
  const times = { notBefore: new Date(now.getTime() - hour), notAfter: new Date(now.getTime() + hour) };
  const [orders, push] = await Promise.all(
    ["orders", "push"].map((name) => issueLeaf(authority, { trustDomain, name, ...times })),
  );
  const optionsOf = (leaf = orders) => ({ cert: leaf?.certificatePem, key: leaf?.keyPem, ca: authority.certificatePem });
  const server = createServer({ ...optionsOf(orders), requestCert: true, minVersion: "TLSv1.3" }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "secureConnection") as Promise<[TLSSocket]>;

  const client = connect({ ...optionsOf(push), port: (server.address() as AddressInfo).port, host: "127.0.0.1" });
  const [peer] = await accepted;

  expect(peer).toMatchObject({ authorized: true });
  expect(peer.getProtocol()).toBe("TLSv1.3");
  expect(identityOf(peer.getPeerX509Certificate() ?? { subjectAltName: "" })).toEqual({ trustDomain, name: "push" });
  client.destroy();
  server.close();
});

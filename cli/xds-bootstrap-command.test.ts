import { resolve } from "node:path";
import { testSurroundings } from "./fixtures/surroundings.ts";
import { printXdsBootstrap } from "./xds-bootstrap-command.ts";

const features = ["xds_v3", "ignore_resource_deletion"];

/** How a client proves who it is, with the files in a folder. */
function tls(folder: string) {
  const config = {
    certificate_file: `${folder}/tls.crt`,
    private_key_file: `${folder}/tls.key`,
    ca_certificate_file: `${folder}/ca.crt`,
    refresh_interval: "1s",
  };
  return [{ type: "tls", config }];
}

test("prints the document with which a client finds every registry, and proves who it is", async () => {
  const { surroundings, stdout } = testSurroundings();

  expect(await printXdsBootstrap({ registry: ["a:1", "b:2"], data: "/data", nodeId: "py-1" }, surroundings)).toBe(0);
  expect(JSON.parse(stdout())).toEqual({
    xds_servers: [
      { server_uri: "a:1", channel_creds: tls("/data/credentials/operator"), server_features: features },
      { server_uri: "b:2", channel_creds: tls("/data/credentials/operator"), server_features: features },
    ],
    node: { id: "py-1", cluster: "external", locality: { zone: "" }, metadata: {} },
  });
});

test.each([
  ["a socket", "mine.sock", resolve("mine.sock")],
  ["the one in the data folder", true, "/data/relay.sock"],
] as const)("sends a client to a relay, by %s", async (_which, relay, socket) => {
  const { surroundings, stdout } = testSurroundings();

  await printXdsBootstrap({ registry: ["a:1"], data: "/data", relay }, surroundings);

  expect(JSON.parse(stdout()).xds_servers).toEqual([
    { server_uri: `unix:${socket}`, channel_creds: [{ type: "insecure" }], server_features: features },
  ]);
});

test("gives the client a name of its own, and looks for registries and credentials as every command does", async () => {
  const { surroundings, stdout } = testSurroundings({ env: { REGISTRIES: "c:3", CREDENTIALS_DIR: "/mine" } });

  await printXdsBootstrap({ data: "" }, surroundings);

  const { node, xds_servers: servers } = JSON.parse(stdout());
  expect(node.id).toMatch(new RegExp(`^cli-.+-${process.pid}$`));
  expect(servers).toMatchObject([{ server_uri: "c:3", channel_creds: tls("/mine") }]);
});

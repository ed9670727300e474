import { testSurroundings } from "./fixtures/surroundings.ts";
import { printXdsBootstrap } from "./xds-bootstrap-command.ts";

const features = ["xds_v3", "ignore_resource_deletion"];

test("prints the document with which a client finds every registry", async () => {
  const { surroundings, stdout } = testSurroundings();

  expect(await printXdsBootstrap({ registry: ["a:1", "b:2"], data: "", nodeId: "py-1" }, surroundings)).toBe(0);
  expect(JSON.parse(stdout())).toEqual({
    xds_servers: [
      { server_uri: "a:1", channel_creds: [{ type: "insecure" }], server_features: features },
      { server_uri: "b:2", channel_creds: [{ type: "insecure" }], server_features: features },
    ],
    node: { id: "py-1", cluster: "external", locality: { zone: "" }, metadata: {} },
  });
});

test("gives the client a name of its own, and looks for the registries as every command does", async () => {
  const { surroundings, stdout } = testSurroundings({ env: { REGISTRIES: "c:3" } });

  await printXdsBootstrap({ data: "" }, surroundings);

  const { node, xds_servers: servers } = JSON.parse(stdout());
  expect(node.id).toMatch(new RegExp(`^cli-.+-${process.pid}$`));
  expect(servers).toMatchObject([{ server_uri: "c:3" }]);
});

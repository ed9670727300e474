import { Command } from "commander";
import { temporaryFolder } from "./fixtures/processes.ts";
import { writeMeshFile } from "./mesh-file.ts";
import { type RegistryOptions, registriesFrom, withRegistryOptions } from "./registry-option.ts";

/** What a command finds that is started with these arguments. */
function find(args: readonly string[], env: NodeJS.ProcessEnv = {}, mesh?: string[]): readonly string[] {
  const data = temporaryFolder();
  if (mesh !== undefined) writeMeshFile(data, { registries: mesh });
  const command = withRegistryOptions(new Command("x"))
    .configureOutput({ writeErr() {} })
    .exitOverride();
  command.parse(["--data", data, ...args], { from: "user" });
  return registriesFrom(command.opts<RegistryOptions>(), env);
}

test("looks for the registry where it is told to, then where the mesh is said to be, then at its own port", () => {
  const env = { REGISTRIES: "b:2" };

  expect(find(["--registry", "a:1,[::1]:1"], env, ["c:3"])).toEqual(["a:1", "[::1]:1"]);
  expect(find([], env, ["c:3"])).toEqual(["b:2"]);
  expect(find([], {}, ["c:3", "d:4"])).toEqual(["c:3", "d:4"]);
  expect(find([])).toEqual(["127.0.0.1:50050"]);
});

test("takes it for not said when a process is told that there is no registry", () => {
  expect(find([], { REGISTRIES: "none" })).toEqual(["127.0.0.1:50050"]);
  expect(find([], { REGISTRIES: "" })).toEqual(["127.0.0.1:50050"]);
});

test.each(["a", "a:", "a:1,", "a:1;b:2", "xds:///registry", "http://a:1"])("refuses %j", (list) => {
  expect(() => find(["--registry", list])).toThrow("Expected host:port[,host:port].");
  expect(() => find([], { REGISTRIES: list })).toThrow(`REGISTRIES: expected host:port[,host:port], not ${list}`);
});

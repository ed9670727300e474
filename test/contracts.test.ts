import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { allContractsIn } from "../runtime/contracts.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

let copy: string;
beforeEach(async () => {
  copy = await mkdtemp(join(tmpdir(), "bookmesh-contracts-"));
  for (const name of ["buf.yaml", "protos", "test/support/protos"])
    await cp(join(root, name), join(copy, name), { recursive: true });
  await symlink(join(root, "node_modules"), join(copy, "node_modules"));
});
afterEach(() => rm(copy, { recursive: true }));

/** Runs buf on the copy. @returns its exit status and what it printed. */
function buf(...args: string[]): Promise<{ status: number; output: string }> {
  return new Promise((resolve) => {
    execFile(join(root, "node_modules/.bin/buf"), args, { cwd: copy }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), output: stdout + stderr });
    });
  });
}

const checkBreaking = () => buf("breaking", "protos", "--against", "protos/released.binpb");

async function edit(file: string, from: string, to: string): Promise<void> {
  const path = join(copy, "protos", file);
  const text = await readFile(path, "utf8");
  expect(text).toContain(from);
  await writeFile(path, text.replace(from, to));
}

test("the contracts pass the linter, are formatted, and keep what was released", async () => {
  expect(await buf("lint", "protos")).toEqual({ status: 0, output: "" });
  expect(await buf("format", "protos", "--diff", "--exit-code")).toEqual({ status: 0, output: "" });
  expect(await checkBreaking()).toEqual({ status: 0, output: "" });
});

test.each([
  [
    "a deleted field",
    "bookstore/catalog/v1/book.proto",
    "  int32 first_published = 4;",
    "",
    /field "4" with name "first_published" on message "Book" was deleted/,
  ],
  [
    "another type",
    "bookstore/push/v1/push_service.proto",
    "  bool unread_only = 4;",
    "  string unread_only = 4;",
    /Field "4" with name "unread_only".*changed type from "bool" to "string"/,
  ],
  [
    "another number",
    "recommendations.proto",
    "  string title = 2;",
    "  string title = 3;",
    /field "2" with name "title" on message "BookRecommendation" was deleted/,
  ],
  [
    "a renamed method",
    "bookstore/register/v1/register_service.proto",
    "rpc GetUser(",
    "rpc FetchUser(",
    /RPC "GetUser" on service "RegisterService" was deleted/,
  ],
])("a breaking edit is refused with its name: %s", async (_name, file, from, to, message) => {
  await edit(file, from, to);

  const { status, output } = await checkBreaking();

  expect(status).not.toBe(0);
  expect(output).toMatch(new RegExp(message, "i"));
});

test("a new field breaks nothing", async () => {
  await edit(
    "bookstore/catalog/v1/book.proto",
    "  Rating rating = 9;",
    "  Rating rating = 9;\n  // The number on the back.\n  string isbn = 10;",
  );

  expect(await checkBreaking()).toEqual({ status: 0, output: "" });
});

test("a method without a policy is named, wherever it stands", async () => {
  await edit(
    "recommendations.proto",
    "service Recommendations {",
    "service Recommendations {\n  // Forgotten.\n  rpc Forgotten(RecommendationRequest) returns (RecommendationResponse);\n",
  );
  const image = join(copy, "image.binpb");
  expect(await buf("build", "-o", image)).toEqual({ status: 0, output: "" });

  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, await readFile(image)));

  expect(() => allContractsIn(registry)).toThrow("/Recommendations/Forgotten: no mesh.policy.v1.method option");
});

test("a method without a comment is refused by the linter", async () => {
  const path = join(copy, "protos/bookstore/push/v1/push_service.proto");
  const text = await readFile(path, "utf8");
  await writeFile(path, text.replace(/(^ {2}\/\/.*\n)+(?= {2}rpc MarkRead)/m, ""));

  const { status, output } = await buf("lint", "protos");

  expect(status).not.toBe(0);
  expect(output).toMatch(/RPC "MarkRead" should have a non-empty comment/);
});

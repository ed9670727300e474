import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Shop } from "../support/shop.ts";
import { pythonWithGrpc } from "./requirements.ts";

/** The contract as the tutorial prints it. */
const TUTORIAL_PROTO = `
syntax = "proto3";

enum BookCategory {
    MYSTERY = 0;
    SCIENCE_FICTION = 1;
    SELF_HELP = 2;
}

message RecommendationRequest {
    int32 user_id = 1;
    BookCategory category = 2;
    int32 max_results = 3;
}

message BookRecommendation {
    int32 id = 1;
    string title = 2;
}

message RecommendationResponse {
    repeated BookRecommendation recommendations = 1;
}

service Recommendations {
    rpc Recommend (RecommendationRequest) returns (RecommendationResponse);
}
`;

/** What the tutorial types into a Python shell, with its part on TLS, made to print the ids. */
const TUTORIAL_CLIENT = `
import sys
import grpc
from recommendations_pb2 import BookCategory, RecommendationRequest
from recommendations_pb2_grpc import RecommendationsStub

ca, certificate, key = (open(f"{sys.argv[2]}/{name}", "rb").read() for name in ("ca.crt", "tls.crt", "tls.key"))
channel = grpc.secure_channel(sys.argv[1], grpc.ssl_channel_credentials(ca, key, certificate))
client = RecommendationsStub(channel)
request = RecommendationRequest(user_id=1, category=BookCategory.SCIENCE_FICTION, max_results=3)
print(sorted(book.id for book in client.Recommend(request).recommendations))
try:
    client.Recommend(RecommendationRequest(user_id=1, category=7, max_results=3))
except grpc.RpcError as error:
    print(error.code().name, error.details())
`;

const run = promisify(execFile);

test("the tutorial's Python stub gets three of the books 4, 5 and 6, and its errors", async () => {
  await using shop = await Shop.open();
  const folder = await mkdtemp(join(tmpdir(), "bookmesh-python-"));
  await writeFile(join(folder, "recommendations.proto"), TUTORIAL_PROTO);
  await writeFile(join(folder, "client.py"), TUTORIAL_CLIENT);
  const plugin = "--plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin";
  await run("protoc", ["-I.", "--python_out=.", "--grpc_python_out=.", plugin, "recommendations.proto"], { cwd: folder });

  const args = ["client.py", String(shop.grpc.recommendations), join(shop.data, "credentials", "operator")];
  const { stdout } = await run(String(pythonWithGrpc()), args, { cwd: folder });

  expect(stdout).toBe("[4, 5, 6]\nNOT_FOUND Category not found\n");
  await rm(folder, { recursive: true });
}, 60_000);

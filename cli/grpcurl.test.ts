import { grpcurlAs, pathFrom } from "./grpcurl.ts";

test("tells grpcurl who calls, by paths from where the reader is", () => {
  expect(grpcurlAs("/home/me/shop/.bookmesh/credentials/operator", "/home/me/shop")).toBe(
    "grpcurl -cacert .bookmesh/credentials/operator/ca.crt -cert .bookmesh/credentials/operator/tls.crt " +
      "-key .bookmesh/credentials/operator/tls.key",
  );
});

test("quotes what a shell would take apart", () => {
  expect(grpcurlAs("/it's mine", "/")).toContain(`-cacert 'it'\\''s mine/ca.crt'`);
});

test.each([
  ["/a/b", "/a/b/c", "c"],
  ["/a/b", "/a/c", "/a/c"],
  ["/a", "/a", "/a"],
  ["/a", "/a/..b/c", "/a/..b/c"],
])("from %s sees %s as %s", (cwd, path, expected) => {
  expect(pathFrom(cwd, path)).toBe(expected);
});

import type { BlobStore } from "./blob-store.ts";
import { openFileBlobs } from "./file-blobs.ts";
import { openS3Blobs } from "./s3-blobs.ts";

export interface BlobSettings {
  documentsDir: string;
  s3Bucket?: string | undefined;
  s3Endpoint?: string | undefined;
  s3Region: string;
  s3AccessKeyId?: string | undefined;
  s3SecretAccessKey?: string | undefined;
}

/** Opens the bucket if there is one, or else the folder. */
export function openBlobs(settings: BlobSettings): Promise<BlobStore> {
  const { s3Bucket: bucket, s3Endpoint: endpoint, s3Region: region, s3AccessKeyId: id, s3SecretAccessKey: secret } = settings;
  if (bucket === undefined) return openFileBlobs(settings.documentsDir);
  const credentials = id === undefined || secret === undefined ? undefined : { accessKeyId: id, secretAccessKey: secret };
  return openS3Blobs({ bucket, endpoint, region, credentials });
}

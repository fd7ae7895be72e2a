// As much of `@aws-sdk/client-s3` as deploy/examples/node uses: real requests to the server of the tests, which
// wants a signature and does not check it.

import { Readable } from "node:stream";

export class GetObjectCommand {
  constructor(input) {
    this.input = input;
    this.method = "GET";
  }
}

export class PutObjectCommand {
  constructor(input) {
    this.input = input;
    this.method = "PUT";
  }
}

const authorization =
  "AWS4-HMAC-SHA256 Credential=none/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=none";

export class S3Client {
  async send({ method, input: { Bucket, Key, Body } }) {
    const path = [Bucket, ...Key.split("/")].map(encodeURIComponent).join("/");
    const response = await fetch(`${process.env.AWS_ENDPOINT_URL}/${path}`, {
      method,
      body: Body,
      headers: { authorization },
    });
    if (!response.ok) {
      throw new Error(`${method} ${path}: ${response.status}`);
    }
    return { Body: Readable.fromWeb(response.body) };
  }
}

// A Lambda function in Node that has `pdf2img` draw the PDFs of an S3 event.
//
// For who has a function already, or wants to do something with the pages. `pdf2img` is an executable beside
// this file or in a layer (`/opt/bin`); it needs no library and no package. deploy/README.md says how to ship it.

import { execFile } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";

import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";

const s3 = new S3Client({});

const { OUTPUT_BUCKET, PDF2IMG = "/opt/bin/pdf2img", PDF2IMG_FLAGS = "--dpi 150 --format png" } = process.env;
// What it is told, beside the file: pdf2img render --help lists it.
const FLAGS = PDF2IMG_FLAGS.split(" ");
// Kept back for the uploads, and to say what happened before Lambda ends it all.
const RESERVE_MS = 10_000;

export async function handler(event, context) {
  const results = [];
  for (const record of event.Records) {
    results.push(await convert(record.s3, context));
  }
  return results;
}

async function convert(record, context) {
  const bucket = record.bucket.name;
  // Keys are form-encoded in S3's events.
  const key = decodeURIComponent(record.object.key.replaceAll("+", " "));
  // /tmp outlives an invocation; a directory that is removed does not fill it up.
  const scratch = await mkdtemp(join(tmpdir(), "pdf2img-"));
  try {
    const pdf = join(scratch, "document.pdf");
    const pages = join(scratch, "pages");
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    await pipeline(Body, createWriteStream(pdf));
    const result = await render(pdf, pages, context.getRemainingTimeInMillis() - RESERVE_MS);

    const images = [];
    for (const page of result.pages) {
      if (page.error) {
        console.log(`s3://${bucket}/${key}: page ${page.page}: ${page.error.message}`);
        continue;
      }
      const target = `${key.replace(/\.pdf$/, "")}/${basename(page.key)}`;
      await s3.send(new PutObjectCommand({ Bucket: OUTPUT_BUCKET, Key: target, Body: await readFile(page.key) }));
      images.push(target);
    }
    if (result.error) {
      console.log(`s3://${bucket}/${key}: ${result.error.message}`);
    }
    return { key, status: result.status, images };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

// What `pdf2img render --json` says of the document.
function render(pdf, pages, timeout) {
  const options = { timeout: Math.max(timeout, 1000), killSignal: "SIGKILL", maxBuffer: 64 * 1024 * 1024 };
  return new Promise((resolve, reject) => {
    execFile(PDF2IMG, ["render", pdf, "-o", pages, "--json", ...FLAGS], options, (error, stdout, stderr) => {
      // 0: all pages; 1: some; 2: none, and then also a wrong flag, which leaves no JSON.
      if ((!error || error.code === 1 || error.code === 2) && stdout) {
        resolve(JSON.parse(stdout));
      } else {
        // Lambda then tries again, or hands the event on.
        const how = error?.killed ? `was killed after ${timeout} ms` : `ended with ${error?.code ?? 0}`;
        reject(new Error(`pdf2img ${how}: ${stderr.trim()}`));
      }
    });
  });
}

"""Has a function draw a document against the local S3 and Lambda: render_locally.py PDF2IMG BOOTSTRAP DIRECTORY"""

import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "scripts"))

from stack import Manifests, Stack, StackError  # noqa: E402

KEY = "inbox/report.pdf"
WITHIN_S = 60


def main() -> int:
    pdf2img, bootstrap, data = (Path(it).resolve() for it in sys.argv[1:])
    data.mkdir(parents=True, exist_ok=True)
    with Stack(pdf2img.parent, data, data.with_suffix(".log"), ["--bootstrap", str(bootstrap)]) as stack:
        s3 = stack.client()
        s3.put_object(Bucket=stack.input_bucket, Key=KEY, Body=one_page())
        manifests = Manifests(s3, stack.output_bucket, [KEY])
        end = time.monotonic() + WITHIN_S
        while not manifests.all_final() and time.monotonic() < end:
            time.sleep(0.1)
            stack.check_alive()
            manifests.refresh()
        if not manifests.all_final():
            sys.exit(f"no manifest within {WITHIN_S} s:\n{stack.last_words()}")
        manifest = manifests.found[KEY]
        if manifest["status"] != "complete":
            sys.exit(f"the manifest says {manifest}\n{stack.last_words()}")
        [page] = manifest["pages"]
        image = s3.get_object(Bucket=stack.output_bucket, Key=page["key"])["Body"].read()
        log = stack.last_words()
    if image[:8] != b"\x89PNG\r\n\x1a\n" or (page["width"], page["height"]) != (300, 150):
        sys.exit(f"that is no picture of the page: {page}")
    print(f"drawn: {page['width']} × {page['height']} pixels, {len(image)} bytes, by {page['backend']}")
    for line in log.splitlines():
        if "sandbox" in line or "enforced" in line:
            print(f"log: {line[:400]}")
    return 0


def one_page() -> bytes:
    """A page of 144 by 72 points. It has no cross-reference table, which engines do without."""
    content = b"0.9 0.2 0.1 rg 20 20 40 40 re f"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 144 72] /Contents 4 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
    ]
    body = b"".join(b"%d 0 obj\n%s\nendobj\n" % pair for pair in enumerate(objects, 1))
    return b"%PDF-1.4\n" + body + b"trailer << /Size 5 /Root 1 0 R >>\n%%EOF\n"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StackError as error:
        sys.exit(str(error))

/* The few calls that render-mupdf makes. MuPDF reports errors with longjmp, which must not cross a
 * Rust frame: every function here catches what MuPDF throws and returns a code and a message. */

#ifndef RENDER_MUPDF_SHIM_H
#define RENDER_MUPDF_SHIM_H

#include <stddef.h>
#include <stdint.h>

/* What a call came to. Mirrored by `Status` in src/ffi.rs. */
enum shim_status
{
	SHIM_OK = 0,
	SHIM_MALFORMED = 1,
	SHIM_PASSWORD = 2,
	SHIM_MEMORY = 3,
	SHIM_UNSUPPORTED = 4,
	SHIM_FAILED = 5,
};

/* Bytes of a message, with its terminating zero. */
#define SHIM_MESSAGE_BYTES 256

/* A document, its own MuPDF context, and the page that was loaded last. */
typedef struct shim_document shim_document;

/* The entries of a page dictionary that say how large the page is, unchecked. */
typedef struct
{
	/* Media, crop, trim, bleed, art. */
	double boxes[5][4];
	int32_t has_box[5];
	int32_t rotate;
	double user_unit;
} shim_page_entries;

/* How and where a page is drawn. */
typedef struct
{
	/* The rectangle that is drawn, in the page's own space. */
	double rect[4];
	/* What stands for /Rotate and /UserUnit, both already part of `matrix`. */
	int32_t rotate;
	double user_unit;
	/* From the page's own space to pixels. */
	float matrix[6];
	int32_t annotations;
	/* Rows without gaps: RGB, or RGBA with colours multiplied by alpha; or gray, for as long as no colour
	 * comes, with room for RGB. */
	int32_t width_px;
	int32_t height_px;
	int32_t alpha;
	int32_t gray;
	unsigned char *samples;
} shim_drawing;

/* What drawing came to, when it did not fail altogether. */
typedef struct
{
	int32_t errors;
	/* Whether the page's contents were given up before their end; the message says why. */
	int32_t cut_short;
	/* Whether the rows are gray at the end. */
	int32_t gray;
} shim_drawn;

/* The version of the linked library, or NULL if it is not the one of the headers. */
const char *shim_version(void);

/* Opens `data`, which must outlive the document. `password` may be NULL. */
int shim_open(const unsigned char *data, size_t len, size_t store_bytes, const char *password,
	shim_document **out, int32_t *page_count, char *message);

/* Gives the document a font for Chinese, Japanese and Korean text that brings none, before its first
 * page is loaded. The font must live as long as the process. */
void shim_offer_cjk_font(shim_document *document, const unsigned char *font, size_t len);

/* Loads a page, counted from 0, in place of the one that was loaded before. */
int shim_load_page(shim_document *document, int32_t page, shim_page_entries *out, char *message);

/* Draws the page that was loaded last. */
int shim_draw_page(shim_document *document, const shim_drawing *drawing, shim_drawn *out, char *message);

void shim_close(shim_document *document);

#endif

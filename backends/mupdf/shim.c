/* For madvise. */
#define _DEFAULT_SOURCE

#include "shim.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "mupdf/fitz.h"
#include "mupdf/pdf.h"

struct shim_document
{
	/* One context for each document, without locks: contexts that share a base take a lock around
	 * every allocation. */
	fz_context *ctx;
	pdf_document *pdf;
	pdf_page *page;
	/* Whether page->obj is our own copy of the page dictionary. */
	int page_is_own;
	uint32_t pages_loaded;
	/* How many errors MuPDF has reported and passed over. */
	int32_t reported;
	/* For East Asian text that brings no font; NULL if there is none. */
	const unsigned char *cjk_font;
	size_t cjk_font_len;
};

/* Deeper page trees are not walked at open; a tree that a program wrote has a handful of levels. */
#define MAX_TREE_DEPTH 256

static int status_of(int code)
{
	switch (code)
	{
	case FZ_ERROR_SYSTEM:
		/* The document is read from memory, so that the only system call to fail is malloc. */
		return SHIM_MEMORY;
	case FZ_ERROR_UNSUPPORTED:
	case FZ_ERROR_LIMIT:
		return SHIM_UNSUPPORTED;
	case FZ_ERROR_FORMAT:
	case FZ_ERROR_SYNTAX:
	case FZ_ERROR_LIBRARY:
	case FZ_ERROR_REPAIRED:
		return SHIM_MALFORMED;
	default:
		return SHIM_FAILED;
	}
}

/* Takes over the error that was caught: its message, and its status as the result. */
static int take_error(fz_context *ctx, char *message)
{
	int code;
	fz_strlcpy(message, fz_convert_error(ctx, &code), SHIM_MESSAGE_BYTES);
	return status_of(code);
}

/* Counts what MuPDF passes over. The message is dropped: a hostile document can cause any number. */
static void count_error(void *document, const char *message)
{
	int32_t *reported = &((shim_document *)document)->reported;
	(void)message;
	if (*reported < INT32_MAX / 2)
		(*reported)++;
}

/* From this size on, in bytes, memory comes in huge pages where the kernel has them to give. A scan
 * takes tens of megabytes, and the kernel's part in handing them over 4 KiB at a time is a fifth of
 * the page's whole time. */
#define HUGE_FROM (4u << 20)
#define HUGE_PAGE (2u << 20)

static void *allocate(void *opaque, size_t size)
{
	void *memory = NULL;
	(void)opaque;
#ifdef MADV_HUGEPAGE
	if (size >= HUGE_FROM && posix_memalign(&memory, HUGE_PAGE, size) == 0)
	{
		/* It is advice: where it is not followed, pages are small. */
		(void)madvise(memory, size, MADV_HUGEPAGE);
		return memory;
	}
#endif
	return malloc(size);
}

static void *reallocate(void *opaque, void *old, size_t size)
{
	(void)opaque;
	return realloc(old, size);
}

static void release(void *opaque, void *memory)
{
	(void)opaque;
	free(memory);
}

static fz_context *new_context(size_t store_bytes)
{
	static const fz_alloc_context allocator = { NULL, allocate, reallocate, release };
	/* To MuPDF, 0 means a store without bounds. */
	fz_context *ctx = fz_new_context(&allocator, NULL, store_bytes ? store_bytes : 1);
	if (ctx)
	{
		/* A hostile document can cause any number of messages; what matters is returned or counted. */
		fz_set_warning_callback(ctx, NULL, NULL);
		fz_set_error_callback(ctx, NULL, NULL);
	}
	return ctx;
}

const char *shim_version(void)
{
	/* The library refuses to make a context for headers of another version. */
	fz_context *ctx = new_context(1);
	if (!ctx)
		return NULL;
	fz_drop_context(ctx);
	return FZ_VERSION;
}

/* Counts the leaves below a node, by the rules by which MuPDF looks a page up. Returns -1 if the
 * tree has a cycle, too many levels, or more nodes than `budget`. */
static int count_leaves(fz_context *ctx, pdf_obj *node, int depth, int64_t *budget, pdf_cycle_list *up)
{
	pdf_cycle_list here;
	pdf_obj *kids = pdf_dict_get(ctx, node, PDF_NAME(Kids));
	int i, below, leaves = 0, n = pdf_array_len(ctx, kids);

	if (depth > MAX_TREE_DEPTH || pdf_cycle(ctx, &here, up, node))
		return -1;
	for (i = 0; i < n; i++)
	{
		pdf_obj *kid = pdf_array_get(ctx, kids, i);
		pdf_obj *type = pdf_dict_get(ctx, kid, PDF_NAME(Type));
		int is_node = type ? pdf_name_eq(ctx, type, PDF_NAME(Pages))
			: pdf_dict_get(ctx, kid, PDF_NAME(Kids)) && !pdf_dict_get(ctx, kid, PDF_NAME(MediaBox));
		if (--*budget < 0)
			return -1;
		below = is_node ? count_leaves(ctx, kid, depth + 1, budget, &here) : 1;
		if (below < 0)
			return -1;
		leaves += below;
	}
	return leaves;
}

/* The number of pages. The tree is walked, because /Count lies in damaged and in hostile files;
 * with a budget, because a kilobyte of tree can have 10^8 leaves. The walk costs nothing in the
 * end: MuPDF makes the same one to find the first page, without a budget. */
static int count_pages(fz_context *ctx, pdf_document *pdf)
{
	pdf_obj *pages = pdf_dict_getp(ctx, pdf_trailer(ctx, pdf), "Root/Pages");
	int64_t budget = 2 * (int64_t)pdf_xref_len(ctx, pdf) + 16;
	int leaves = -1;

	fz_var(leaves);

	fz_try(ctx)
		leaves = count_leaves(ctx, pages, 0, &budget, NULL);
	fz_catch(ctx)
	{
		fz_rethrow_if(ctx, FZ_ERROR_SYSTEM);
		fz_ignore_error(ctx);
		leaves = -1;
	}
	if (leaves < 0)
	{
		/* What the file claims, below the number of its objects; pages are then looked up one
		 * by one, without the unbounded walk. */
		pdf_set_page_tree_cache(ctx, pdf, 0);
		return pdf_count_pages(ctx, pdf);
	}
	if (leaves > 0 && leaves != pdf_dict_get_int(ctx, pages, PDF_NAME(Count)))
	{
		pdf_dict_put_int(ctx, pages, PDF_NAME(Count), leaves);
		return pdf_count_pages(ctx, pdf);
	}
	return leaves;
}

int shim_open(const unsigned char *data, size_t len, size_t store_bytes, const char *password,
	shim_document **out, int32_t *page_count, char *message)
{
	fz_context *ctx = new_context(store_bytes);
	shim_document *document = NULL;
	pdf_document *pdf = NULL;
	fz_stream *stream = NULL;
	int status = SHIM_OK;

	if (!ctx)
	{
		fz_strlcpy(message, "cannot create a MuPDF context", SHIM_MESSAGE_BYTES);
		return SHIM_MEMORY;
	}

	fz_var(document);
	fz_var(pdf);
	fz_var(stream);
	fz_var(status);

	fz_try(ctx)
	{
		document = fz_malloc_struct(ctx, shim_document);
		/* Opened as a PDF and as nothing else: no other format is ever tried. */
		stream = fz_open_memory(ctx, data, len);
		pdf = pdf_open_document_with_stream(ctx, stream);
		if (pdf_needs_password(ctx, pdf) && !(password && pdf_authenticate_password(ctx, pdf, password)))
		{
			status = SHIM_PASSWORD;
		}
		else
		{
			*page_count = count_pages(ctx, pdf);
			/* A table that can be read may still lead nowhere: its numbers can be off by one. */
			if (*page_count < 1 && !pdf_was_repaired(ctx, pdf))
			{
				pdf_repair_xref(ctx, pdf);
				*page_count = count_pages(ctx, pdf);
			}
			if (*page_count < 1)
				fz_throw(ctx, FZ_ERROR_FORMAT, "the document has no pages");
		}
	}
	fz_always(ctx)
		fz_drop_stream(ctx, stream);
	fz_catch(ctx)
		status = take_error(ctx, message);

	if (status != SHIM_OK)
	{
		pdf_drop_document(ctx, pdf);
		fz_free(ctx, document);
		fz_drop_context(ctx);
		return status;
	}
	document->ctx = ctx;
	document->pdf = pdf;
	fz_set_error_callback(ctx, count_error, document);
	*out = document;
	return SHIM_OK;
}

/* One font for all four character collections: it is looked up by Unicode. */
static fz_font *load_cjk_font(fz_context *ctx, const char *name, int ordering, int serif)
{
	shim_document *document = fz_user_context(ctx);
	(void)ordering;
	(void)serif;
	/* A cache of the bounding boxes of its glyphs would be large, and is not needed. */
	return fz_new_font_from_memory(ctx, name, document->cjk_font, (int)document->cjk_font_len, 0, 0);
}

void shim_offer_cjk_font(shim_document *document, const unsigned char *font, size_t len)
{
	if (len > INT_MAX)
		return;
	document->cjk_font = font;
	document->cjk_font_len = len;
	fz_set_user_context(document->ctx, document);
	fz_install_load_system_font_funcs(document->ctx, NULL, load_cjk_font, NULL);
}

static int box_of(fz_context *ctx, pdf_obj *array, double box[4])
{
	int i;
	if (pdf_array_len(ctx, array) < 4)
		return 0;
	for (i = 0; i < 4; i++)
	{
		pdf_obj *value = pdf_array_get(ctx, array, i);
		if (!pdf_is_number(ctx, value))
			return 0;
		box[i] = pdf_to_real(ctx, value);
	}
	return 1;
}

static void drop_page(shim_document *document)
{
	if (document->page)
		fz_drop_page(document->ctx, &document->page->super);
	document->page = NULL;
	document->page_is_own = 0;
}

/* After so many pages, the objects of a document are read anew. */
#define PAGES_REMEMBERED 64

/* MuPDF keeps all objects that it has read for as long as the document is open, so that the
 * thousandth page would take more memory than the first. Not after every page, because objects come
 * in streams of a hundred, which would be decompressed for each. */
static void forget_objects(shim_document *document)
{
	fz_context *ctx = document->ctx;
	/* What was corrected is in no file to be read from. */
	if (!pdf_was_repaired(ctx, document->pdf) && pdf_count_unsaved_versions(ctx, document->pdf) == 0)
		pdf_clear_xref(ctx, document->pdf);
}

int shim_load_page(shim_document *document, int32_t number, shim_page_entries *out, char *message)
{
	fz_context *ctx = document->ctx;
	int status = SHIM_OK;

	fz_var(status);

	drop_page(document);
	if (document->pages_loaded++ % PAGES_REMEMBERED == 1)
		forget_objects(document);

	fz_try(ctx)
	{
		pdf_obj *page;
		document->page = pdf_load_page(ctx, document->pdf, number);
		page = document->page->obj;
		if (!pdf_is_dict(ctx, page))
			fz_throw(ctx, FZ_ERROR_FORMAT, "the page is not a dictionary");
		out->has_box[0] = box_of(ctx, pdf_dict_get_inheritable(ctx, page, PDF_NAME(MediaBox)), out->boxes[0]);
		out->has_box[1] = box_of(ctx, pdf_dict_get_inheritable(ctx, page, PDF_NAME(CropBox)), out->boxes[1]);
		out->has_box[2] = box_of(ctx, pdf_dict_get(ctx, page, PDF_NAME(TrimBox)), out->boxes[2]);
		out->has_box[3] = box_of(ctx, pdf_dict_get(ctx, page, PDF_NAME(BleedBox)), out->boxes[3]);
		out->has_box[4] = box_of(ctx, pdf_dict_get(ctx, page, PDF_NAME(ArtBox)), out->boxes[4]);
		out->rotate = pdf_to_int(ctx, pdf_dict_get_inheritable(ctx, page, PDF_NAME(Rotate)));
		out->user_unit = pdf_to_real_default(ctx, pdf_dict_get(ctx, page, PDF_NAME(UserUnit)), 1);
	}
	fz_catch(ctx)
	{
		status = take_error(ctx, message);
		drop_page(document);
	}
	return status;
}

/* Makes MuPDF see the rectangle that we draw as the page: it clips to the boxes that it finds, and
 * differs from us about missing and absurd ones. The entries go into a copy of the page dictionary,
 * so that the document stays as it is. */
static void impose_geometry(fz_context *ctx, shim_document *document, const shim_drawing *drawing)
{
	pdf_page *page = document->page;
	fz_rect rect = fz_make_rect(drawing->rect[0], drawing->rect[1], drawing->rect[2], drawing->rect[3]);

	if (!document->page_is_own)
	{
		pdf_obj *own = pdf_copy_dict(ctx, page->obj);
		pdf_drop_obj(ctx, page->obj);
		page->obj = own;
		document->page_is_own = 1;
	}
	pdf_dict_put_rect(ctx, page->obj, PDF_NAME(MediaBox), rect);
	pdf_dict_put_rect(ctx, page->obj, PDF_NAME(CropBox), rect);
	pdf_dict_put_int(ctx, page->obj, PDF_NAME(Rotate), drawing->rotate);
	pdf_dict_put_real(ctx, page->obj, PDF_NAME(UserUnit), drawing->user_unit);
}

/* Ends every clip, mask, group and tile that an error left open: what was drawn inside a group
 * reaches the image only when the group ends. */
static void end_open_containers(fz_context *ctx, fz_device *dev)
{
	/* Every turn shortens the stack, or makes a clip of a mask. */
	while (dev->container_len > 0)
	{
		fz_try(ctx)
		{
			switch (dev->container[dev->container_len - 1].type)
			{
			case fz_device_container_stack_is_clip: fz_pop_clip(ctx, dev); break;
			case fz_device_container_stack_is_mask: fz_end_mask(ctx, dev); break;
			case fz_device_container_stack_is_group: fz_end_group(ctx, dev); break;
			case fz_device_container_stack_is_tile: fz_end_tile(ctx, dev); break;
			}
		}
		fz_catch(ctx)
			fz_ignore_error(ctx);
	}
}

static void run(fz_context *ctx, shim_document *document, fz_device *dev, fz_matrix ctm, int annotations,
	shim_drawn *out, char *message)
{
	fz_cookie cookie = { 0 };
	pdf_page *page = document->page;

	document->reported = 0;

	fz_try(ctx)
		pdf_run_page_contents(ctx, page, dev, ctm, &cookie);
	fz_catch(ctx)
	{
		fz_rethrow_if(ctx, FZ_ERROR_SYSTEM);
		take_error(ctx, message);
		out->errors++;
		out->cut_short = 1;
		end_open_containers(ctx, dev);
	}
	if (annotations)
	{
		/* An annotation that cannot be drawn costs the annotations after it, and not the page. */
		fz_try(ctx)
			pdf_run_page_annots(ctx, page, dev, ctm, &cookie);
		fz_catch(ctx)
		{
			fz_rethrow_if(ctx, FZ_ERROR_SYSTEM);
			fz_ignore_error(ctx);
			out->errors++;
			end_open_containers(ctx, dev);
		}
		fz_try(ctx)
			pdf_run_page_widgets(ctx, page, dev, ctm, &cookie);
		fz_catch(ctx)
		{
			fz_rethrow_if(ctx, FZ_ERROR_SYSTEM);
			fz_ignore_error(ctx);
			out->errors++;
			end_open_containers(ctx, dev);
		}
	}
	/* MuPDF counts errors of syntax only, and reports those too. Images, fonts and masks that it
	 * cannot read are reported, and leave a blank where nothing else tells of them. */
	out->errors += fz_maxi(cookie.errors, document->reported);
}

int shim_draw_page(shim_document *document, const shim_drawing *drawing, shim_drawn *out, char *message)
{
	fz_context *ctx = document->ctx;
	const float *m = drawing->matrix;
	fz_pixmap *pixmap = NULL;
	fz_device *dev = NULL;
	fz_matrix page_ctm;
	int status = SHIM_OK;

	fz_var(pixmap);
	fz_var(dev);

	fz_try(ctx)
	{
		fz_matrix ctm = fz_make_matrix(m[0], m[1], m[2], m[3], m[4], m[5]);
		if (!document->page)
			fz_throw(ctx, FZ_ERROR_ARGUMENT, "no page is loaded");
		impose_geometry(ctx, document, drawing);
		/* MuPDF puts its own page transform before ours; this takes it out again. */
		pdf_page_transform(ctx, document->page, NULL, &page_ctm);
		ctm = fz_concat(fz_invert_matrix(page_ctm), ctm);
		pixmap = fz_new_pixmap_with_data(ctx, fz_device_rgb(ctx), drawing->width_px, drawing->height_px,
			NULL, drawing->alpha, drawing->width_px * (drawing->alpha ? 4 : 3), drawing->samples);
		dev = fz_new_draw_device(ctx, fz_identity, pixmap);
		run(ctx, document, dev, ctm, drawing->annotations, out, message);
		fz_close_device(ctx, dev);
	}
	fz_always(ctx)
	{
		fz_drop_device(ctx, dev);
		fz_drop_pixmap(ctx, pixmap);
	}
	fz_catch(ctx)
		status = take_error(ctx, message);
	return status;
}

void shim_close(shim_document *document)
{
	fz_context *ctx = document->ctx;
	drop_page(document);
	pdf_drop_document(ctx, document->pdf);
	fz_set_error_callback(ctx, NULL, NULL);
	fz_free(ctx, document);
	fz_drop_context(ctx);
}

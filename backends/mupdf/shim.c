/* For madvise. */
#define _DEFAULT_SOURCE

#include "shim.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "mupdf/fitz.h"
#include "mupdf/pdf.h"

struct shim_document
{
	/* One context for each document, without locks: contexts that share a base take a lock around
	 * every allocation. */
	fz_context *ctx;
	struct large_blocks *large;
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

/* How many large blocks are looked after, in use or not; what is beyond is had and freed as ever. */
#define MAX_BLOCKS 16

typedef struct
{
	void *memory;
	size_t size;
	int is_used;
} large_block;

/* The large blocks of a context. One that is freed is kept for the next that is about as large: a page
 * with transparency asks for its own size several times over, and so does the page after it, and each
 * time the kernel would have to find the memory again and clear it. */
typedef struct large_blocks
{
	large_block blocks[MAX_BLOCKS];
	int count;
	size_t spare, max_spare;
} large_blocks;

/* Takes block i out of the list; its memory is the caller's then. */
static void *take_out(large_blocks *large, int i)
{
	void *memory = large->blocks[i].memory;
	if (!large->blocks[i].is_used)
		large->spare -= large->blocks[i].size;
	large->blocks[i] = large->blocks[--large->count];
	return memory;
}

static void free_spare(large_blocks *large)
{
	int i;
	for (i = large->count - 1; i >= 0; i--)
		if (!large->blocks[i].is_used)
			free(take_out(large, i));
}

/* The index of a block that is in use, or -1. */
static int find_block(const large_blocks *large, const void *memory)
{
	int i;
	/* This is asked of everything that is freed, and few of those begin a huge page. */
	if ((uintptr_t)memory % HUGE_PAGE != 0)
		return -1;
	for (i = 0; i < large->count; i++)
		if (large->blocks[i].memory == memory && large->blocks[i].is_used)
			return i;
	return -1;
}

static void *allocate_large(large_blocks *large, size_t size)
{
	void *memory = NULL;
	int i, best = -1;

	for (i = 0; i < large->count; i++)
	{
		const large_block *block = &large->blocks[i];
		if (!block->is_used && block->size >= size && block->size / 2 <= size
			&& (best < 0 || block->size < large->blocks[best].size))
			best = i;
	}
	if (best >= 0)
	{
		large->blocks[best].is_used = 1;
		large->spare -= large->blocks[best].size;
		return large->blocks[best].memory;
	}
	if (posix_memalign(&memory, HUGE_PAGE, size) != 0)
		return NULL;
#ifdef MADV_HUGEPAGE
	/* It is advice: where it is not followed, pages are small. */
	(void)madvise(memory, size, MADV_HUGEPAGE);
#endif
	if (large->count < MAX_BLOCKS)
	{
		large_block block = { memory, size, 1 };
		large->blocks[large->count++] = block;
	}
	return memory;
}

static void *allocate(void *opaque, size_t size)
{
	large_blocks *large = opaque;
	void *memory = NULL;
	if (size >= HUGE_FROM)
		memory = allocate_large(large, size);
	if (!memory)
		memory = malloc(size);
	if (!memory && large->spare > 0)
	{
		free_spare(large);
		memory = malloc(size);
	}
	return memory;
}

static void *reallocate(void *opaque, void *old, size_t size)
{
	large_blocks *large = opaque;
	void *memory;
	int i = find_block(large, old);
	if (i >= 0)
		take_out(large, i);
	memory = realloc(old, size);
	if (!memory && size > 0 && large->spare > 0)
	{
		free_spare(large);
		memory = realloc(old, size);
	}
	return memory;
}

static void release(void *opaque, void *memory)
{
	large_blocks *large = opaque;
	int i = find_block(large, memory);
	if (i < 0)
	{
		free(memory);
		return;
	}
	if (large->spare + large->blocks[i].size > large->max_spare)
	{
		free(take_out(large, i));
		return;
	}
	large->blocks[i].is_used = 0;
	large->spare += large->blocks[i].size;
}

/* Ends a context and gives back what was kept for it. */
static void drop_context(fz_context *ctx, large_blocks *large)
{
	fz_drop_context(ctx);
	free_spare(large);
	free(large);
}

/* Set with the first context: MuPDF makes none for headers of another version. */
static atomic_int library_is_of_headers;

/* Returns NULL for want of memory, or if the library is of another version than its headers. */
static fz_context *new_context(large_blocks **out, size_t store_bytes)
{
	large_blocks *large = calloc(1, sizeof *large);
	fz_alloc_context allocator = { large, allocate, reallocate, release };
	fz_context *ctx;

	if (!large)
		return NULL;
	/* Others in the process, that cannot ask for it back, need memory too. */
	large->max_spare = store_bytes / 2;
	/* To MuPDF, 0 means a store without bounds. */
	ctx = fz_new_context(&allocator, NULL, store_bytes ? store_bytes : 1);
	if (!ctx)
	{
		drop_context(NULL, large);
		return NULL;
	}
	/* A hostile document can cause any number of messages; what matters is returned or counted. */
	fz_set_warning_callback(ctx, NULL, NULL);
	fz_set_error_callback(ctx, NULL, NULL);
	atomic_store(&library_is_of_headers, 1);
	*out = large;
	return ctx;
}

const char *shim_version(void)
{
	/* Making a context takes longer than opening many a document. */
	if (!atomic_load(&library_is_of_headers))
	{
		large_blocks *large;
		fz_context *ctx = new_context(&large, 1);
		if (!ctx)
			return NULL;
		drop_context(ctx, large);
	}
	return FZ_VERSION;
}

/* The leaves of the page tree, in the order of the pages. */
typedef struct
{
	/* References to page dictionaries, and not the dictionaries. */
	pdf_obj **leaves;
	int count, room;
	/* How many nodes may still be looked at. */
	int64_t budget;
} page_list;

/* A node of the page tree whose children are being looked at. */
typedef struct
{
	pdf_cycle_list cycle;
	pdf_obj *kids;
	int next, len;
} tree_level;

/* After so many pages, the objects of a document are read anew. */
#define PAGES_REMEMBERED 64

/* MuPDF keeps all objects that it has read for as long as the document is open, so that the
 * thousandth page would take more memory than the first. Not after every page, because objects come
 * in streams of a hundred, which would be decompressed for each. */
static void forget_objects(fz_context *ctx, pdf_document *pdf)
{
	/* What was corrected is in no file to be read from. */
	if (!pdf_was_repaired(ctx, pdf) && pdf_count_unsaved_versions(ctx, pdf) == 0)
		pdf_clear_xref(ctx, pdf);
}

static void add_leaf(fz_context *ctx, page_list *list, pdf_obj *leaf)
{
	if (list->count == list->room)
	{
		int room = list->room ? 2 * list->room : 16;
		list->leaves = fz_realloc_array(ctx, list->leaves, room, pdf_obj *);
		list->room = room;
	}
	list->leaves[list->count++] = pdf_keep_obj(ctx, leaf);
}

static void drop_leaves(fz_context *ctx, page_list *list)
{
	while (list->count > 0)
		pdf_drop_obj(ctx, list->leaves[--list->count]);
	fz_free(ctx, list->leaves);
	list->leaves = NULL;
	list->room = 0;
}

/* Goes down to a node. Returns 0 if it is one of those that lead to it. */
static int enter_node(fz_context *ctx, tree_level *level, pdf_cycle_list *up, pdf_obj *node)
{
	if (pdf_cycle(ctx, &level->cycle, up, node))
		return 0;
	/* Kept, so that it outlives the dictionary that it stands in. */
	level->kids = pdf_keep_obj(ctx, pdf_resolve_indirect(ctx, pdf_dict_get(ctx, node, PDF_NAME(Kids))));
	level->next = 0;
	level->len = pdf_array_len(ctx, level->kids);
	return 1;
}

/* Lists the leaves of a page tree, by the rules by which MuPDF looks a page up. Returns 0 if the
 * tree has a cycle, too many levels, or more nodes than the budget. */
static int list_leaves(fz_context *ctx, pdf_document *pdf, pdf_obj *root, page_list *list)
{
	/* However many objects there are, they are gone through 128 times at most to forget them. */
	int remembered = PAGES_REMEMBERED + pdf_xref_len(ctx, pdf) / 64;
	tree_level *levels = fz_malloc_array(ctx, MAX_TREE_DEPTH, tree_level);
	int depth = -1, sound = 1;

	fz_var(depth);
	fz_var(sound);

	fz_try(ctx)
	{
		sound = enter_node(ctx, &levels[0], NULL, root);
		depth = sound ? 0 : -1;
		while (sound && depth >= 0)
		{
			tree_level *level = &levels[depth];
			pdf_obj *kid, *type;

			if (level->next == level->len)
			{
				pdf_drop_obj(ctx, level->kids);
				depth--;
				continue;
			}
			kid = pdf_array_get(ctx, level->kids, level->next++);
			type = pdf_dict_get(ctx, kid, PDF_NAME(Type));
			if (--list->budget < 0)
				sound = 0;
			else if (type ? !pdf_name_eq(ctx, type, PDF_NAME(Pages))
				: !pdf_dict_get(ctx, kid, PDF_NAME(Kids)) || pdf_dict_get(ctx, kid, PDF_NAME(MediaBox)))
			{
				add_leaf(ctx, list, kid);
				if (list->count % remembered == 0)
					forget_objects(ctx, pdf);
			}
			else if (depth + 1 == MAX_TREE_DEPTH || !enter_node(ctx, &levels[depth + 1], &level->cycle, kid))
				sound = 0;
			else
				depth++;
		}
	}
	fz_always(ctx)
	{
		for (; depth >= 0; depth--)
			pdf_drop_obj(ctx, levels[depth].kids);
		fz_free(ctx, levels);
	}
	fz_catch(ctx)
		fz_rethrow(ctx);
	return sound;
}

static int by_object(const void *a, const void *b)
{
	const pdf_rev_page_map *one = a, *other = b;
	return (one->object > other->object) - (one->object < other->object);
}

/* Gives MuPDF the list as its map of pages. Its own walk, with the first page, would read all page
 * dictionaries again, and keep them. */
static void install_page_map(fz_context *ctx, pdf_document *pdf, page_list *list)
{
	int i;
	pdf->rev_page_map = fz_malloc_array(ctx, list->count, pdf_rev_page_map);
	for (i = 0; i < list->count; i++)
	{
		pdf->rev_page_map[i].page = i;
		pdf->rev_page_map[i].object = pdf_to_num(ctx, list->leaves[i]);
	}
	qsort(pdf->rev_page_map, list->count, sizeof *pdf->rev_page_map, by_object);
	pdf->fwd_page_map = list->leaves;
	pdf->map_page_count = list->count;
	list->leaves = NULL;
	list->count = 0;
}

/* The number of pages. The tree is walked, because /Count lies in damaged and in hostile files;
 * with a budget, because a kilobyte of tree can have 10^8 leaves. */
static int count_pages(fz_context *ctx, pdf_document *pdf)
{
	pdf_obj *pages = pdf_dict_getp(ctx, pdf_trailer(ctx, pdf), "Root/Pages");
	page_list list = { NULL, 0, 0, 2 * (int64_t)pdf_xref_len(ctx, pdf) + 16 };
	int count = 0, sound = 0;

	fz_var(sound);
	fz_var(count);

	fz_try(ctx)
	{
		fz_try(ctx)
			sound = list_leaves(ctx, pdf, pages, &list);
		fz_catch(ctx)
		{
			fz_rethrow_if(ctx, FZ_ERROR_SYSTEM);
			fz_ignore_error(ctx);
		}
		/* What was read may have been forgotten, and a repair replaces it. */
		pages = pdf_dict_getp(ctx, pdf_trailer(ctx, pdf), "Root/Pages");
		if (!sound)
		{
			/* What the file claims, below the number of its objects; pages are then looked up
			 * one by one, without the unbounded walk. */
			pdf_set_page_tree_cache(ctx, pdf, 0);
			count = pdf_count_pages(ctx, pdf);
		}
		else if (list.count > 0)
		{
			count = list.count;
			if (count != pdf_dict_get_int(ctx, pages, PDF_NAME(Count)))
			{
				pdf_dict_put_int(ctx, pages, PDF_NAME(Count), count);
				count = pdf_count_pages(ctx, pdf);
			}
			if (count == list.count)
				install_page_map(ctx, pdf, &list);
		}
	}
	fz_always(ctx)
		drop_leaves(ctx, &list);
	fz_catch(ctx)
		fz_rethrow(ctx);
	return count;
}

int shim_open(const unsigned char *data, size_t len, size_t store_bytes, const char *password,
	shim_document **out, int32_t *page_count, char *message)
{
	large_blocks *large = NULL;
	fz_context *ctx = new_context(&large, store_bytes);
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
		drop_context(ctx, large);
		return status;
	}
	document->ctx = ctx;
	document->large = large;
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

int shim_load_page(shim_document *document, int32_t number, shim_page_entries *out, char *message)
{
	fz_context *ctx = document->ctx;
	int status = SHIM_OK;

	fz_var(status);

	drop_page(document);
	if (document->pages_loaded++ % PAGES_REMEMBERED == 1)
		forget_objects(ctx, document->pdf);

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

/* Of gray.h. */
fz_device *fz_new_gray_draw_device(fz_context *ctx, fz_pixmap *dest);

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
		pixmap = fz_new_pixmap_with_data(ctx, drawing->gray ? fz_device_gray(ctx) : fz_device_rgb(ctx),
			drawing->width_px, drawing->height_px, NULL, drawing->alpha,
			drawing->width_px * (drawing->gray ? 1 : drawing->alpha ? 4 : 3), drawing->samples);
		dev = drawing->gray ? fz_new_gray_draw_device(ctx, pixmap)
			: fz_new_draw_device(ctx, fz_identity, pixmap);
		run(ctx, document, dev, ctm, drawing->annotations, out, message);
		fz_close_device(ctx, dev);
		out->gray = pixmap->n == 1;
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
	large_blocks *large = document->large;
	drop_page(document);
	pdf_drop_document(ctx, document->pdf);
	fz_set_error_callback(ctx, NULL, NULL);
	fz_free(ctx, document);
	drop_context(ctx, large);
}

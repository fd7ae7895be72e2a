/* A draw device that draws in gray for as long as no colour comes: a third of the memory, and of the
 * work of painting. Included at the end of MuPDF's draw-device.c.
 *
 * The image is the one that the device would have drawn in RGB. A colour is converted to RGB as ever, and
 * is gray if its three bytes are equal. MuPDF paints the components of a pixel each by itself and by one
 * formula, however many there are, and takes the levels of a gray image over into RGB as they are. What is
 * less simple (a group, a soft mask, a pattern, a shading, a Type 3 font), or has a colour, first makes RGB
 * of what was drawn, in the image and in the clips that are open; from there on the device is an ordinary
 * one. */

#include <stdint.h>

typedef uint8_t gray_bytes __attribute__((vector_size(16)));

/* Repeats each of `count` bytes three times. `to` may be where `from` is: the last go first. */
static void
gray_spread(unsigned char *to, const unsigned char *from, size_t count)
{
#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
	for (; count >= 16; count -= 16)
	{
		gray_bytes levels, first, second, third;
		memcpy(&levels, from + count - 16, 16);
		first = __builtin_shufflevector(levels, levels, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5);
		second = __builtin_shufflevector(levels, levels, 5, 5, 6, 6, 6, 7, 7, 7, 8, 8, 8, 9, 9, 9, 10, 10);
		third = __builtin_shufflevector(levels, levels,
			10, 11, 11, 11, 12, 12, 12, 13, 13, 13, 14, 14, 14, 15, 15, 15);
		memcpy(to + 3 * count - 48, &first, 16);
		memcpy(to + 3 * count - 32, &second, 16);
		memcpy(to + 3 * count - 16, &third, 16);
	}
#endif
#endif
	while (count-- > 0)
	{
		unsigned char level = from[count];
		to[3 * count] = to[3 * count + 1] = to[3 * count + 2] = level;
	}
}

/* Makes RGB of a gray pixmap without alpha, in `room`. */
static void
gray_widen_pixmap(fz_context *ctx, fz_pixmap *pixmap, unsigned char *room)
{
	gray_spread(room, pixmap->samples, (size_t)pixmap->w * pixmap->h);
	if (room != pixmap->samples)
		fz_free(ctx, pixmap->samples);
	pixmap->samples = room;
	pixmap->n = 3;
	pixmap->stride = 3 * (ptrdiff_t)pixmap->w;
	fz_drop_colorspace(ctx, pixmap->colorspace);
	pixmap->colorspace = fz_keep_colorspace(ctx, fz_device_rgb(ctx));
}

static void gray_set_functions(fz_device *dev, int is_gray);

/* From here on the device draws in RGB. */
static void
gray_end(fz_context *ctx, fz_draw_device *dev)
{
	fz_draw_state *stack = dev->stack;
	int i, pixmaps = dev->top + 1;
	unsigned char **rooms = fz_calloc(ctx, pixmaps, sizeof *rooms);

	/* All or none: in a stack that is gray in part, painting would run over the ends of rows. */
	fz_try(ctx)
	{
		for (i = 0; i < pixmaps; i++)
		{
			/* A clip that is a rectangle draws where what is around it does. */
			if (i > 0 && stack[i].dest == stack[i - 1].dest)
				continue;
			if (stack[i].dest->flags & FZ_PIXMAP_FLAG_FREE_SAMPLES)
				rooms[i] = fz_malloc(ctx, (size_t)stack[i].dest->w * stack[i].dest->h * 3);
			else
				rooms[i] = stack[i].dest->samples;
		}
	}
	fz_catch(ctx)
	{
		for (i = 0; i < pixmaps; i++)
			if (rooms[i] != stack[i].dest->samples)
				fz_free(ctx, rooms[i]);
		fz_free(ctx, rooms);
		fz_rethrow(ctx);
	}
	for (i = 0; i < pixmaps; i++)
		if (rooms[i])
			gray_widen_pixmap(ctx, stack[i].dest, rooms[i]);
	fz_free(ctx, rooms);
	gray_set_functions(&dev->super, 0);
}

/* Makes a gray level of a colour, of which the device makes the byte that RGB would have three times; ends
 * the gray if those bytes differ. */
static void
gray_take_color(fz_context *ctx, fz_draw_device *dev, fz_colorspace **colorspace, const float **color,
	fz_color_params color_params, float *level)
{
	fz_colorspace *from = fz_default_colorspace(ctx, dev->default_cs, *colorspace);
	float rgb[FZ_MAX_COLORS];
	unsigned char r, g, b;

	if (!from)
	{
		gray_end(ctx, dev);
		return;
	}
	fz_convert_color(ctx, from, *color, fz_device_rgb(ctx), rgb, NULL, color_params);
	/* As in resolve_color. */
	r = rgb[0] * 255;
	g = rgb[1] * 255;
	b = rgb[2] * 255;
	if (r != g || g != b)
	{
		gray_end(ctx, dev);
		return;
	}
	*level = fz_min((r + 0.5f) / 255, 1);
	*color = level;
	*colorspace = fz_device_gray(ctx);
}

/* Whether glyphs of a text are little pages of their own. */
static int
gray_has_type3(fz_context *ctx, const fz_text *text)
{
	const fz_text_span *span;
	for (span = text->head; span; span = span->next)
		if (fz_font_t3_procs(ctx, span->font))
			return 1;
	return 0;
}

static void
gray_fill_path(fz_context *ctx, fz_device *devp, const fz_path *path, int even_odd, fz_matrix ctm,
	fz_colorspace *colorspace, const float *color, float alpha, fz_color_params color_params)
{
	float level;
	gray_take_color(ctx, (fz_draw_device *)devp, &colorspace, &color, color_params, &level);
	fz_draw_fill_path(ctx, devp, path, even_odd, ctm, colorspace, color, alpha, color_params);
}

static void
gray_stroke_path(fz_context *ctx, fz_device *devp, const fz_path *path, const fz_stroke_state *stroke,
	fz_matrix ctm, fz_colorspace *colorspace, const float *color, float alpha, fz_color_params color_params)
{
	float level;
	gray_take_color(ctx, (fz_draw_device *)devp, &colorspace, &color, color_params, &level);
	fz_draw_stroke_path(ctx, devp, path, stroke, ctm, colorspace, color, alpha, color_params);
}

static void
gray_fill_text(fz_context *ctx, fz_device *devp, const fz_text *text, fz_matrix ctm,
	fz_colorspace *colorspace, const float *color, float alpha, fz_color_params color_params)
{
	float level;
	if (gray_has_type3(ctx, text))
		gray_end(ctx, (fz_draw_device *)devp);
	else
		gray_take_color(ctx, (fz_draw_device *)devp, &colorspace, &color, color_params, &level);
	fz_draw_fill_text(ctx, devp, text, ctm, colorspace, color, alpha, color_params);
}

static void
gray_stroke_text(fz_context *ctx, fz_device *devp, const fz_text *text, const fz_stroke_state *stroke,
	fz_matrix ctm, fz_colorspace *colorspace, const float *color, float alpha, fz_color_params color_params)
{
	float level;
	if (gray_has_type3(ctx, text))
		gray_end(ctx, (fz_draw_device *)devp);
	else
		gray_take_color(ctx, (fz_draw_device *)devp, &colorspace, &color, color_params, &level);
	fz_draw_stroke_text(ctx, devp, text, stroke, ctm, colorspace, color, alpha, color_params);
}

static void
gray_clip_text(fz_context *ctx, fz_device *devp, const fz_text *text, fz_matrix ctm, fz_rect scissor)
{
	if (gray_has_type3(ctx, text))
		gray_end(ctx, (fz_draw_device *)devp);
	fz_draw_clip_text(ctx, devp, text, ctm, scissor);
}

static void
gray_clip_stroke_text(fz_context *ctx, fz_device *devp, const fz_text *text, const fz_stroke_state *stroke,
	fz_matrix ctm, fz_rect scissor)
{
	if (gray_has_type3(ctx, text))
		gray_end(ctx, (fz_draw_device *)devp);
	fz_draw_clip_stroke_text(ctx, devp, text, stroke, ctm, scissor);
}

static void
gray_fill_shade(fz_context *ctx, fz_device *devp, fz_shade *shade, fz_matrix ctm, float alpha,
	fz_color_params color_params)
{
	gray_end(ctx, (fz_draw_device *)devp);
	fz_draw_fill_shade(ctx, devp, shade, ctm, alpha, color_params);
}

static void
gray_fill_image(fz_context *ctx, fz_device *devp, fz_image *image, fz_matrix ctm, float alpha,
	fz_color_params color_params)
{
	if (image->colorspace != fz_device_gray(ctx))
		gray_end(ctx, (fz_draw_device *)devp);
	fz_draw_fill_image(ctx, devp, image, ctm, alpha, color_params);
}

static void
gray_fill_image_mask(fz_context *ctx, fz_device *devp, fz_image *image, fz_matrix ctm,
	fz_colorspace *colorspace, const float *color, float alpha, fz_color_params color_params)
{
	float level;
	gray_take_color(ctx, (fz_draw_device *)devp, &colorspace, &color, color_params, &level);
	fz_draw_fill_image_mask(ctx, devp, image, ctm, colorspace, color, alpha, color_params);
}

static void
gray_begin_mask(fz_context *ctx, fz_device *devp, fz_rect area, int luminosity, fz_colorspace *colorspace,
	const float *color, fz_color_params color_params)
{
	gray_end(ctx, (fz_draw_device *)devp);
	fz_draw_begin_mask(ctx, devp, area, luminosity, colorspace, color, color_params);
}

static void
gray_begin_group(fz_context *ctx, fz_device *devp, fz_rect area, fz_colorspace *colorspace, int isolated,
	int knockout, int blendmode, float alpha)
{
	gray_end(ctx, (fz_draw_device *)devp);
	fz_draw_begin_group(ctx, devp, area, colorspace, isolated, knockout, blendmode, alpha);
}

static int
gray_begin_tile(fz_context *ctx, fz_device *devp, fz_rect area, fz_rect view, float xstep, float ystep,
	fz_matrix ctm, int id, int doc_id)
{
	gray_end(ctx, (fz_draw_device *)devp);
	return fz_draw_begin_tile(ctx, devp, area, view, xstep, ystep, ctm, id, doc_id);
}

static void
gray_set_default_colorspaces(fz_context *ctx, fz_device *devp, fz_default_colorspaces *default_cs)
{
	/* Levels are drawn as what `gray_level_of` says, and not converted once more. */
	if (fz_default_gray(ctx, default_cs) != fz_device_gray(ctx))
		gray_end(ctx, (fz_draw_device *)devp);
	fz_draw_set_default_colorspaces(ctx, devp, default_cs);
}

static void
gray_set_functions(fz_device *dev, int is_gray)
{
	dev->fill_path = is_gray ? gray_fill_path : fz_draw_fill_path;
	dev->stroke_path = is_gray ? gray_stroke_path : fz_draw_stroke_path;
	dev->fill_text = is_gray ? gray_fill_text : fz_draw_fill_text;
	dev->stroke_text = is_gray ? gray_stroke_text : fz_draw_stroke_text;
	dev->clip_text = is_gray ? gray_clip_text : fz_draw_clip_text;
	dev->clip_stroke_text = is_gray ? gray_clip_stroke_text : fz_draw_clip_stroke_text;
	dev->fill_shade = is_gray ? gray_fill_shade : fz_draw_fill_shade;
	dev->fill_image = is_gray ? gray_fill_image : fz_draw_fill_image;
	dev->fill_image_mask = is_gray ? gray_fill_image_mask : fz_draw_fill_image_mask;
	dev->begin_mask = is_gray ? gray_begin_mask : fz_draw_begin_mask;
	dev->begin_group = is_gray ? gray_begin_group : fz_draw_begin_group;
	dev->begin_tile = is_gray ? gray_begin_tile : fz_draw_begin_tile;
	dev->set_default_colorspaces =
		is_gray ? gray_set_default_colorspaces : fz_draw_set_default_colorspaces;
}

fz_device *
fz_new_gray_draw_device(fz_context *ctx, fz_pixmap *dest)
{
	fz_device *dev = fz_new_draw_device(ctx, fz_identity, dest);
	gray_set_functions(dev, 1);
	return dev;
}

/* Painting a colour through a mask into RGB or gray, eight pixels at a time: what most of drawing text is.
 *
 * MuPDF asks of each pixel whether it is covered, in part or not at all, which a processor guesses
 * wrong at both edges of every stroke. Here all pixels are blended, by the same formula: one that is
 * not covered becomes what it was. Included by MuPDF's draw-paint.c, in place of its own loop. */

#if defined(__has_builtin) && defined(__BYTE_ORDER__)
#if __has_builtin(__builtin_shufflevector) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define SPAN_VECTORS

#include <stdint.h>
#include <string.h>

typedef uint8_t span_bytes __attribute__((vector_size(8)));
typedef uint16_t span_words __attribute__((vector_size(16)));

/* The colour's components as they lie in eight pixels. */
typedef struct
{
	span_words first, second, third;
} span_color;

static fz_forceinline span_words span_load(const void *bytes)
{
	span_bytes loaded;
	memcpy(&loaded, bytes, sizeof loaded);
	return __builtin_convertvector(loaded, span_words);
}

/* FZ_BLEND: of 256 parts, so many of the colour. It needs no more than 16 bits, since both terms
 * wrap around alike. */
static fz_forceinline void span_blend(void *dst, span_words color, span_words parts)
{
	span_words old = span_load(dst);
	span_words mixed = ((old << 8) + (color - old) * parts) >> 8;
	span_bytes stored = __builtin_convertvector(mixed, span_bytes);
	memcpy(dst, &stored, sizeof stored);
}

/* FZ_EXPAND: from 255 to 256 parts. */
static fz_forceinline span_words span_expand(uint64_t masks)
{
	span_words parts = span_load(&masks);
	return parts + (parts >> 7);
}

static fz_forceinline void span_8_pixels(unsigned char *dst, uint64_t masks, const span_color *color)
{
	span_words parts;
	if (masks == 0)
		return;
	parts = span_expand(masks);
	span_blend(dst, color->first, __builtin_shufflevector(parts, parts, 0, 0, 0, 1, 1, 1, 2, 2));
	span_blend(dst + 8, color->second, __builtin_shufflevector(parts, parts, 2, 3, 3, 3, 4, 4, 4, 5));
	span_blend(dst + 16, color->third, __builtin_shufflevector(parts, parts, 5, 5, 6, 6, 6, 7, 7, 7));
}

static fz_forceinline void span_4_pixels(unsigned char *dst, uint32_t masks, const span_color *color)
{
	/* The last four bytes by themselves, because there may be no more memory beyond them. */
	unsigned char rest[8] = { 0 };
	span_words parts;
	if (masks == 0)
		return;
	parts = span_expand(masks);
	span_blend(dst, color->first, __builtin_shufflevector(parts, parts, 0, 0, 0, 1, 1, 1, 2, 2));
	memcpy(rest, dst + 8, 4);
	span_blend(rest, color->second, __builtin_shufflevector(parts, parts, 2, 3, 3, 3, 4, 4, 4, 4));
	memcpy(dst + 8, rest, 4);
}

/* Paints `width` pixels, four or more. */
static fz_forceinline void span_paint_rgb(unsigned char *dst, const unsigned char *mask, int width,
	const unsigned char *rgb)
{
	uint16_t r = rgb[0], g = rgb[1], b = rgb[2];
	span_color color = {
		{ r, g, b, r, g, b, r, g }, { b, r, g, b, r, g, b, r }, { g, b, r, g, b, r, g, b },
	};
	uint64_t eight;
	uint32_t four;

	if (width < 8)
	{
		memcpy(&four, mask, 4);
		span_4_pixels(dst, four, &color);
		if (width > 4)
		{
			/* The last four, without the masks of those that were painted: the lowest bits are the
			 * first pixels. */
			memcpy(&four, mask + width - 4, 4);
			span_4_pixels(dst + 3 * (width - 4), four >> (64 - 8 * width) << (64 - 8 * width), &color);
		}
		return;
	}
	for (; width >= 8; width -= 8, dst += 24, mask += 8)
	{
		memcpy(&eight, mask, 8);
		span_8_pixels(dst, eight, &color);
	}
	if (width > 0)
	{
		memcpy(&eight, mask + width - 8, 8);
		span_8_pixels(dst + 3 * (width - 8), eight >> (64 - 8 * width) << (64 - 8 * width), &color);
	}
}

/* Paints `width` gray pixels, four or more. */
static fz_forceinline void span_paint_gray(unsigned char *dst, const unsigned char *mask, int width,
	unsigned char level)
{
	span_words color = { level, level, level, level, level, level, level, level };
	uint64_t eight;

	if (width < 8)
	{
		/* The first four and the last four, of which the latter have no mask where they are the former;
		 * with four bytes more of none, because there may be no more memory beyond them. */
		int offset = width - 4;
		uint32_t first, last;
		uint64_t pixels;
		memcpy(&first, mask, 4);
		memcpy(&last, mask + offset, 4);
		eight = first | (uint64_t)last >> (32 - 8 * offset) << 32;
		if (eight == 0)
			return;
		memcpy(&first, dst, 4);
		memcpy(&last, dst + offset, 4);
		pixels = first | (uint64_t)last >> (32 - 8 * offset) << 32;
		span_blend(&pixels, color, span_expand(eight));
		first = (uint32_t)pixels;
		memcpy(dst, &first, 4);
		for (; offset > 0; offset--)
			dst[3 + offset] = (unsigned char)(pixels >> (24 + 8 * offset));
		return;
	}
	for (; width >= 8; width -= 8, dst += 8, mask += 8)
	{
		memcpy(&eight, mask, 8);
		if (eight != 0)
			span_blend(dst, color, span_expand(eight));
	}
	if (width > 0)
	{
		memcpy(&eight, mask + width - 8, 8);
		eight = eight >> (64 - 8 * width) << (64 - 8 * width);
		if (eight != 0)
			span_blend(dst + width - 8, color, span_expand(eight));
	}
}

#endif
#endif

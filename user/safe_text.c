/* SPDX-License-Identifier: MIT */
#include "safe_text.h"

#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <wchar.h>
#include <wctype.h>

#include "cleanup.h"

void safe_begin(struct safe_locale *locale)
{
	*locale = (struct safe_locale){.utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL)};
	if (locale->utf8)
		locale->before = uselocale(locale->utf8);
}

void safe_end(struct safe_locale *locale)
{
	if (!locale->utf8)
		return;
	uselocale(locale->before);
	freelocale(locale->utf8);
}

/*
 * Unicode's format characters (Cf), which the C library calls printable: they turn the direction of
 * others, join them, or are not seen at all.
 */
static bool is_format(wint_t character)
{
	static const struct {
		wint_t first, last;
	} formats[] = {
		{0x00ad, 0x00ad},   {0x0600, 0x0605},   {0x061c, 0x061c},   {0x06dd, 0x06dd},
		{0x070f, 0x070f},   {0x0890, 0x0891},   {0x08e2, 0x08e2},   {0x180e, 0x180e},
		{0x200b, 0x200f},   {0x2028, 0x202e},   {0x2060, 0x206f},   {0xfeff, 0xfeff},
		{0xfff9, 0xfffb},   {0x110bd, 0x110bd}, {0x110cd, 0x110cd}, {0x13430, 0x1343f},
		{0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe007f},
	};

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (character >= formats[i].first && character <= formats[i].last)
			return true;
	return false;
}

/* How many bytes the first character has; 0: it is none that can be shown. */
static size_t shown_length(const char *text)
{
	mbstate_t state = {0};
	wchar_t character;
	size_t length = mbrtowc(&character, text, MB_CUR_MAX, &state);

	if (!length || length > MB_CUR_MAX)
		return 0;
	/* what looks like an escape is none */
	if (*text == '\\' && text[1] == 'x')
		return 0;
	return iswprint((wint_t)character) && !is_format((wint_t)character) ? length : 0;
}

/* Of one that is not shown: all its bytes, or one that begins none. */
static size_t hidden_length(const char *text)
{
	mbstate_t state = {0};
	size_t length = mbrtowc(NULL, text, MB_CUR_MAX, &state);

	return length && length <= MB_CUR_MAX ? length : 1;
}

char *safe_text(const char *text)
{
	char *safe = malloc(4 * strlen(text) + 1), *out = safe;

	while (safe && *text) {
		size_t shown = shown_length(text), hidden = shown ? 0 : hidden_length(text);

		memcpy(out, text, shown);
		out += shown;
		for (size_t i = 0; i < hidden; i++)
			out += sprintf(out, "\\x%02x", (unsigned char)text[i]);
		text += shown + hidden;
	}
	if (safe)
		*out = '\0';
	return safe;
}

size_t safe_width(const char *text, size_t bytes)
{
	mbstate_t state = {0};
	size_t width = 0;

	while (bytes) {
		wchar_t character;
		size_t length = mbrtowc(&character, text, bytes, &state);
		int columns;

		if (!length || length > bytes)
			return width + bytes; /* not safe */
		columns = wcwidth(character);
		width += columns > 0 ? (size_t)columns : 0;
		text += length;
		bytes -= length;
	}
	return width;
}

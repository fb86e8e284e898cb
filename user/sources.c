/* SPDX-License-Identifier: MIT */
#include "sources.h"

#include <errno.h>
#include <stdio.h>
#include <zlib.h>

#include "cleanup.h"

/* In front of the packed bytes: of the site, then of the matrix. */
struct sizes {
	__u32 site, matrix;
};

#define SOURCE_MAX (256U << 20) /* of either */

/* *size is 0 for a policy that was read from no text. */
static int pack(const struct policy *policy, void **bytes, size_t *size)
{
	const struct source_text *site = &policy->site->text, *matrix = &policy->matrix->text;
	size_t plain_size = site->size + matrix->size;
	uLong room = compressBound(plain_size);
	_cleanup_free_ char *plain = malloc(plain_size + 1);
	_cleanup_free_ struct sizes *packed = malloc(sizeof(*packed) + room);

	*bytes = NULL;
	*size = 0;
	if (!plain || !packed)
		return -ENOMEM;
	if (!site->size || !matrix->size || site->size > SOURCE_MAX || matrix->size > SOURCE_MAX)
		return 0;
	memcpy(plain, site->bytes, site->size);
	memcpy(plain + site->size, matrix->bytes, matrix->size);
	*packed = (struct sizes){(__u32)site->size, (__u32)matrix->size};
	if (compress2((Bytef *)(packed + 1), &room, (const Bytef *)plain, plain_size,
		      Z_BEST_SPEED) != Z_OK)
		return -ENOMEM;
	*size = sizeof(*packed) + room;
	*bytes = TAKE_PTR(packed);
	return 0;
}

int sources_write(const struct policy *policy, struct pages *pages, __u32 header[HEADER_CELLS])
{
	_cleanup_free_ void *bytes = NULL;
	size_t size;
	int err = pack(policy, &bytes, &size);

	if (err || !size)
		return err;
	header[HEADER_SOURCES_BYTES] = (__u32)size;
	header[HEADER_SOURCES] = pages_add(
		pages, (size + sizeof(struct image_page) - 1) / sizeof(struct image_page), &err);
	if (!err)
		memcpy(&pages->page[header[HEADER_SOURCES] >> PAGE_SHIFT], bytes, size);
	return err;
}

static int unpack(const void *bytes, size_t size, struct sizes *sizes, char **plain)
{
	_cleanup_free_ char *text = NULL;
	uLongf room;

	if (size < sizeof(*sizes))
		return -EBADMSG;
	memcpy(sizes, bytes, sizeof(*sizes));
	if (sizes->site > SOURCE_MAX || sizes->matrix > SOURCE_MAX)
		return -EBADMSG;
	room = (uLongf)sizes->site + sizes->matrix;
	text = malloc(room + 1);
	if (!text)
		return -ENOMEM;
	if (uncompress((Bytef *)text, &room, (const Bytef *)bytes + sizeof(*sizes),
		       size - sizeof(*sizes)) != Z_OK ||
	    room != (uLongf)sizes->site + sizes->matrix)
		return -EBADMSG;
	*plain = TAKE_PTR(text);
	return 0;
}

static bool is_text_of(const struct matrix *matrix, const char *text, size_t size)
{
	return matrix && matrix->text.size == size && !memcmp(matrix->text.bytes, text, size);
}

/* Whatever matrix the site names: it was this one, and perhaps it is KNOWN. */
static int resolve(const char *text, const struct sizes *sizes, const struct matrix *known,
		   struct input *input, struct diagnostics *diags)
{
	int rc = site_parse(input->path, text, sizes->site, &input->site, diags);

	if (rc)
		return rc;
	free(input->site.matrix);
	input->site.matrix = strdup("the running policy's matrix");
	if (!input->site.matrix)
		return -ENOMEM;
	if (is_text_of(known, text + sizes->site, sizes->matrix))
		input->matrix = matrix_borrow(known);
	else
		rc = matrix_parse(input->site.matrix, text + sizes->site, sizes->matrix,
				  &input->matrix, diags);
	return rc ? rc : policy_resolve(&input->matrix, &input->site, &input->policy, diags);
}

int sources_load(const struct image_page *page, size_t count, const struct matrix *known,
		 struct input *input)
{
	const __u32 *header = page[0].cell;
	size_t first = header[HEADER_SOURCES] >> PAGE_SHIFT, size = header[HEADER_SOURCES_BYTES];
	_cleanup_free_ char *plain = NULL;
	struct diagnostics diags = {0};
	struct sizes sizes;
	int rc = 0;

	*input = (struct input){0};
	if (!size)
		return -ENODATA;
	if (first >= count || size > (count - first) * sizeof(*page))
		rc = -EBADMSG;
	rc = rc ? rc : unpack(&page[first], size, &sizes, &plain);
	if (rc == -EBADMSG)
		fprintf(stderr,
			"rolewall: what the running image says it was made of is damaged\n");
	if (rc)
		return rc;
	input->path = strdup("the running policy's site");
	rc = input->path ? resolve(plain, &sizes, known, input, &diags) : -ENOMEM;
	if (rc)
		diag_print(&diags, stderr); /* its warnings were said when it was applied */
	diag_free(&diags);
	return rc;
}

/* SPDX-License-Identifier: MIT */
/*
 * Random site files, each pool's lists laid out in another way, and a random edit of one of them:
 * what is read from the outcome is what was meant, and every byte around the list is the same.
 */
#include "expect.h"

#include "draw_site.h"
#include "pool_edit.h"
#include "string_list.h"

#define SITES 1000
#define WORDS 5

/* How a site is written. */
struct hand {
	const char *eol;
	int comments; /* so many so far; each has its number */
};

/* One list: its words, and where its text starts and ends in the file. */
struct written {
	char words[WORDS][40];
	__u32 count;
	long start, end;
};

static void write_comment(struct hand *hand, FILE *out)
{
	static const char *const texts[] = {"", "it's: [a, \"b\"]", "- \xc3\xa9\xf0\x9f\x94\xa5, x",
					    "}]"};

	fprintf(out, "# %d.%s", hand->comments++, texts[draw(4)]);
}

/* The end of a line, now and then behind a comment, or with one below it. */
static void end_line(struct hand *hand, int indent, FILE *out)
{
	if (!draw(4)) {
		fputs(draw(2) ? " " : "   ", out);
		write_comment(hand, out);
	}
	fputs(hand->eol, out);
	if (!draw(8)) {
		fprintf(out, "%*s", indent, "");
		write_comment(hand, out);
		fputs(hand->eol, out);
	}
	if (!draw(10))
		fputs(hand->eol, out);
}

static void write_word(const char *word, bool flow, FILE *out)
{
	static const char *const quotes[] = {"", "'", "\""};
	const char *quote = quotes[flow && strchr(word, ':') ? 1 + draw(2) : draw(3)];

	fprintf(out, "%s%s%s", quote, word, quote);
}

/* [a, b], with blanks or lines between or without. */
static void write_flow(struct hand *hand, const struct written *list, int indent, FILE *out)
{
	bool lines = draw(2), mixed = draw(3) == 0, comma = draw(2);

	fputc('[', out);
	for (__u32 i = 0; i < list->count; i++) {
		if (lines && (!mixed || draw(2))) {
			end_line(hand, indent, out);
			fprintf(out, "%*s", indent, "");
		} else if (i) {
			fputs(draw(3) ? " " : "", out);
		}
		write_word(list->words[i], true, out);
		if (i + 1 < list->count || comma)
			fputs(draw(5) ? "," : " ,", out);
	}
	if (lines && draw(3)) {
		end_line(hand, indent, out);
		fprintf(out, "%*s", indent, "");
	}
	fputc(']', out);
}

static void write_list(struct hand *hand, struct written *list, bool flow, FILE *out)
{
	int indent = 4 + (int)draw(5);

	list->start = ftell(out);
	if (list->count == 1 && draw(2)) {
		write_word(list->words[0], flow, out);
	} else if (flow || draw(3) == 0) {
		write_flow(hand, list, indent, out);
	} else {
		for (__u32 i = 0; i < list->count; i++) {
			end_line(hand, indent, out);
			fprintf(out, "%*s-%*s", indent, "", 1 + (int)draw(3), "");
			write_word(list->words[i], false, out);
		}
	}
	list->end = ftell(out);
}

static void draw_words(struct written *list, bool addresses, int pool)
{
	list->count = 1 + draw(WORDS - 1);
	for (__u32 i = 0; i < WORDS; i++) {
		if (!addresses)
			snprintf(list->words[i], sizeof(list->words[i]), "role-%u-%u", i,
				 draw(100));
		else if (draw(2))
			snprintf(list->words[i], sizeof(list->words[i]), "10.%d.%u.%u", pool, i,
				 draw(256));
		else
			snprintf(list->words[i], sizeof(list->words[i]), "2001:db8:%d:%u::/64",
				 pool + 1, i + 1);
	}
}

/* Two pools; the lists of both are in LISTS: roles, addresses. */
static void write_pools(struct hand *hand, struct written lists[2][2], FILE *out)
{
	bool flow = draw(2);

	for (int pool = 0; pool < 2; pool++) {
		draw_words(&lists[pool][0], false, pool);
		draw_words(&lists[pool][1], true, pool);
		fprintf(out, flow ? "  - {name: p%d, roles: " : "  - name: p%d", pool);
		if (!flow) {
			end_line(hand, 4, out);
			fputs("    roles: ", out);
		}
		write_list(hand, &lists[pool][0], flow, out);
		if (flow) {
			fputs(draw(2) ? ", addresses: " : " , 'addresses' : ", out);
		} else {
			end_line(hand, 4, out);
			fputs("    addresses: ", out);
		}
		write_list(hand, &lists[pool][1], flow, out);
		if (flow)
			fputc('}', out);
		if (!pool || draw(2))
			end_line(hand, 2, out);
	}
}

static void write_file(struct hand *hand, struct written lists[2][2], FILE *out)
{
	hand->eol = draw(3) ? "\n" : "\r\n";
	if (!draw(3))
		write_comment(hand, out), fputs(hand->eol, out);
	fprintf(out, "version: 1%sinterfaces: [eth0]", hand->eol);
	end_line(hand, 0, out);
	fputs("pools:", out);
	end_line(hand, 2, out);
	write_pools(hand, lists, out);
}

static void parse(const struct source_text *text, struct site *site)
{
	struct diagnostics diags = {0};

	if (site_parse("s", text->bytes, text->size, site, &diags)) {
		fwrite(text->bytes, 1, text->size, stderr);
		diag_print(&diags, stderr);
		fail();
	}
	diag_free(&diags);
}

static void expect_list(const struct site_pool *pool, bool addresses, char *const *words,
			size_t count)
{
	char text[PREFIX_TEXT];

	assert_int_equal(addresses ? pool->n_addresses : pool->roles.count, count);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(
			addresses ? prefix_format(&pool->addresses[i].prefix, text, sizeof(text))
				  : pool->roles.items[i],
			words[i]);
}

/* Every numbered comment of TEXT is in EDITED too. */
static void expect_comments(const struct hand *hand, const struct source_text *edited)
{
	for (int i = 0; i < hand->comments; i++) {
		char mark[16];

		snprintf(mark, sizeof(mark), "# %d.", i);
		assert_non_null(memmem(edited->bytes, edited->size, mark, strlen(mark)));
	}
}

/* The bytes around the list are those of the file. */
static void expect_around(const struct source_text *text, const struct source_text *edited,
			  const struct written *list)
{
	size_t end = text->size - (size_t)list->end;

	assert_true(edited->size >= (size_t)list->start + end);
	assert_memory_equal(edited->bytes, text->bytes, (size_t)list->start);
	/* A comment behind the last word may go with it. */
	while (end && text->bytes[text->size - end] != '\n')
		end--;
	assert_memory_equal(edited->bytes + edited->size - end, text->bytes + text->size - end,
			    end);
}

static void edit(const struct source_text *text, const struct pool_edit *change,
		 struct source_text *edited)
{
	_cleanup_(splices_free) struct splices splices = {0};
	struct diagnostics diags = {0};

	if (pool_edit("s", text, change, &splices, edited, &diags)) {
		fwrite(text->bytes, 1, text->size, stderr);
		diag_print(&diags, stderr);
		fail();
	}
}

/* Takes some words out, or puts one in and takes it out again. */
static void try_edit(const struct hand *hand, const struct source_text *text,
		     struct written lists[2][2])
{
	int pool = (int)draw(2);
	bool addresses = draw(2);
	const struct written *list = &lists[pool][addresses];
	char *words[WORDS], *kept[WORDS];
	struct pool_edit change = {pool ? "p1" : "p0", addresses, draw(2) && list->count > 1, words,
				   0};
	struct source_text edited = {0}, back = {0};
	size_t n_kept = 0;
	struct site site;

	for (__u32 i = 0; i < list->count; i++) {
		bool last = change.n_words + 1 == list->count;

		if (change.remove && !last &&
		    (draw(2) || (i + 1 == list->count && !change.n_words)))
			words[change.n_words++] = (char *)list->words[i];
		else
			kept[n_kept++] = (char *)list->words[i];
	}
	if (!change.remove)
		words[change.n_words++] = kept[n_kept++] = (char *)list->words[list->count];
	edit(text, &change, &edited);
	parse(&edited, &site);
	expect_list(&site.pools[pool], addresses, kept, n_kept);
	for (int i = 0; i < 2; i++)
		for (int j = 0; j < 2; j++)
			if (&lists[i][j] != list) {
				for (__u32 k = 0; k < lists[i][j].count; k++)
					kept[k] = lists[i][j].words[k];
				expect_list(&site.pools[i], j, kept, lists[i][j].count);
			}
	site_free(&site);
	expect_around(text, &edited, list);
	if (!change.remove) {
		expect_comments(hand, &edited);
		change.remove = true;
		edit(&edited, &change, &back);
		if (list->count > 1 || memchr("[-\r\n# ", text->bytes[list->start], 7)) {
			assert_int_equal(back.size, text->size);
			assert_memory_equal(back.bytes, text->bytes, text->size);
		}
	}
	free(edited.bytes);
	free(back.bytes);
}

static void test_random(void **state)
{
	(void)state;
	for (__u32 number = 1; number <= SITES; number++) {
		struct written lists[2][2];
		struct hand hand = {0};
		struct source_text text = {0};
		struct site site;
		FILE *out = open_memstream(&text.bytes, &text.size);

		seed = number * 7919;
		write_file(&hand, lists, out);
		fclose(out);
		parse(&text, &site);
		site_free(&site);
		try_edit(&hand, &text, lists);
		free(text.bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};

	return RUN_TESTS("random pool edits", tests, 1);
}

/* SPDX-License-Identifier: MIT */
/* From a file to a document that is safe to walk; yaml_read.c walks it. */
#include "yaml_doc.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "cleanup.h"

static struct place whole_file(const struct yaml_doc *doc)
{
	return (struct place){.file = doc->file};
}

static struct place place_of(const struct yaml_doc *doc, yaml_mark_t mark)
{
	return (struct place){doc->file, (unsigned int)mark.line + 1,
			      (unsigned int)mark.column + 1};
}

struct place yaml_place(const struct yaml_doc *doc, const yaml_node_t *node)
{
	return place_of(doc, node->start_mark);
}

/* What of a file is read at most: one byte over the limit, to see that there is more. */
static int read_all(int fd, char **text, size_t *size)
{
	size_t room = 0, used = 0;
	_cleanup_free_ char *buffer = NULL;

	while (used <= YAML_FILE_MAX) {
		ssize_t got;

		if (used == room) {
			char *larger = realloc(buffer, room ? room * 2 : 65536);

			if (!larger)
				return -ENOMEM;
			buffer = larger;
			room = room ? room * 2 : 65536;
		}
		got = read(fd, buffer + used, room - used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		used += (size_t)got;
	}
	*text = TAKE_PTR(buffer);
	*size = used;
	return 0;
}

static int read_file(const char *path, char **text, size_t *size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status))
		return -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	return read_all(fd, text, size);
}

int yaml_file_read(const char *path, char **text, size_t *size, struct diagnostics *diags)
{
	int rc = read_file(path, text, size);

	if (rc && rc != -ENOMEM)
		diag_error(diags, (struct place){.file = path}, "cannot be read: %s",
			   strerror(-rc));
	return rc;
}

int yaml_doc_load(struct yaml_doc *doc, const char *path, struct diagnostics *diags)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int rc = yaml_file_read(path, &text, &size, diags);

	return rc ? rc : yaml_doc_parse(doc, path, text, size, diags);
}

/* Bytes that are no text have an offset only. */
static struct place place_of_byte(const struct yaml_doc *doc, const char *text, size_t offset)
{
	struct place place = {doc->file, 1, 1};

	for (size_t i = 0; i < offset; i++) {
		bool continues = ((unsigned char)text[i] & 0xc0) == 0x80; /* within a character */

		if (text[i] == '\n') {
			place.line++;
			place.column = 1;
		} else if (!continues) {
			place.column++;
		}
	}
	return place;
}

static int report_syntax(struct yaml_doc *doc, const yaml_parser_t *parser, const char *text)
{
	const char *problem = parser->problem ? parser->problem : "no reason given";

	switch (parser->error) {
	case YAML_MEMORY_ERROR:
		return -ENOMEM;
	case YAML_READER_ERROR:
		diag_error(doc->diags, place_of_byte(doc, text, parser->problem_offset),
			   "not readable as text: %s; accepted: UTF-8 without control characters",
			   problem);
		return -EINVAL;
	default:
		break;
	}
	if (parser->context && parser->context_mark.line != parser->problem_mark.line)
		diag_error(doc->diags, place_of(doc, parser->problem_mark),
			   "not YAML: %s (%s that starts in line %zu)", problem, parser->context,
			   parser->context_mark.line + 1);
	else
		diag_error(doc->diags, place_of(doc, parser->problem_mark), "not YAML: %s%s%s%s",
			   problem, parser->context ? " (" : "",
			   parser->context ? parser->context : "", parser->context ? ")" : "");
	return -EINVAL;
}

/* What has been read so far, and the collections that are open: nodes of the document by id. */
struct survey {
	struct yaml_doc *doc;
	unsigned int depth;
	size_t nodes, documents;
	int open[YAML_DEPTH_MAX];
	int key[YAML_DEPTH_MAX]; /* of the mapping there, waiting for its value; 0 = none */
};

static void refuse_marks(struct survey *survey, yaml_mark_t mark, const yaml_char_t *anchor,
			 const yaml_char_t *tag)
{
	struct diagnostics *diags = survey->doc->diags;

	if (anchor)
		diag_error(diags, place_of(survey->doc, mark),
			   "anchor \"&%s\" is not accepted; write the value where it is used",
			   (const char *)anchor);
	if (tag)
		diag_error(diags, place_of(survey->doc, mark),
			   "tag \"%s\" is not accepted; write the plain value", (const char *)tag);
}

/* Puts node ID, 0 = there was no memory for it, into the collection that is open. */
static int attach_node(struct survey *survey, const yaml_event_t *event, int id)
{
	yaml_document_t *document = &survey->doc->document;
	unsigned int at = survey->depth - 1;
	yaml_node_t *node;
	bool ok = id;

	if (!ok)
		return -ENOMEM;
	node = yaml_document_get_node(document, id);
	node->start_mark = event->start_mark;
	node->end_mark = event->end_mark;
	if (!survey->depth)
		return 0;
	if (yaml_document_get_node(document, survey->open[at])->type == YAML_SEQUENCE_NODE) {
		ok = yaml_document_append_sequence_item(document, survey->open[at], id);
	} else if (!survey->key[at]) {
		survey->key[at] = id;
	} else {
		ok = yaml_document_append_mapping_pair(document, survey->open[at], survey->key[at],
						       id);
		survey->key[at] = 0;
	}
	return ok ? 0 : -ENOMEM;
}

/* One more node, of a collection that is then open. */
static int open_node(struct survey *survey, const yaml_event_t *event, int id)
{
	int rc = attach_node(survey, event, id);

	if (rc)
		return rc;
	survey->open[survey->depth] = id;
	survey->key[survey->depth++] = 0;
	return 0;
}

static void close_node(struct survey *survey, const yaml_event_t *event)
{
	int id = survey->open[--survey->depth];

	yaml_document_get_node(&survey->doc->document, id)->end_mark = event->end_mark;
}

/* What the document API would not bear. */
static int count_node(struct survey *survey, const yaml_event_t *event)
{
	struct place place = place_of(survey->doc, event->start_mark);
	bool opens = event->type != YAML_SCALAR_EVENT && event->type != YAML_ALIAS_EVENT;

	if (++survey->nodes > YAML_NODES_MAX) {
		diag_error(survey->doc->diags, place, "too many values; at most %u are read",
			   YAML_NODES_MAX);
		return -EFBIG;
	}
	if (opens && survey->depth == YAML_DEPTH_MAX) {
		diag_error(survey->doc->diags, place, "nested too deep; at most %u levels are read",
			   YAML_DEPTH_MAX);
		return -EFBIG;
	}
	return 0;
}

static int add_scalar(struct survey *survey, const yaml_event_t *event)
{
	const yaml_char_t *value = event->data.scalar.value;
	size_t length = event->data.scalar.length;

	refuse_marks(survey, event->start_mark, event->data.scalar.anchor, event->data.scalar.tag);
	if (memchr(value, 0, length))
		diag_error(survey->doc->diags, place_of(survey->doc, event->start_mark),
			   "NUL character; one line of text is accepted");
	return attach_node(survey, event,
			   yaml_document_add_scalar(&survey->doc->document, NULL, value,
						    (int)length, event->data.scalar.style));
}

/* Stands for the node itself, so that what follows is read as it should be. */
static int add_alias(struct survey *survey, const yaml_event_t *event)
{
	diag_error(survey->doc->diags, place_of(survey->doc, event->start_mark),
		   "alias \"*%s\" is not accepted; write the value itself",
		   (const char *)event->data.alias.anchor);
	return attach_node(survey, event,
			   yaml_document_add_scalar(&survey->doc->document, NULL,
						    (const yaml_char_t *)"", 0,
						    YAML_PLAIN_SCALAR_STYLE));
}

static int add_node(struct survey *survey, const yaml_event_t *event)
{
	yaml_document_t *document = &survey->doc->document;
	int rc = count_node(survey, event);

	if (rc)
		return rc;
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return add_scalar(survey, event);
	case YAML_ALIAS_EVENT:
		return add_alias(survey, event);
	case YAML_SEQUENCE_START_EVENT:
		refuse_marks(survey, event->start_mark, event->data.sequence_start.anchor,
			     event->data.sequence_start.tag);
		return open_node(survey, event,
				 yaml_document_add_sequence(document, NULL,
							    event->data.sequence_start.style));
	default:
		refuse_marks(survey, event->start_mark, event->data.mapping_start.anchor,
			     event->data.mapping_start.tag);
		return open_node(
			survey, event,
			yaml_document_add_mapping(document, NULL, event->data.mapping_start.style));
	}
}

/* Returns 0, -ENOMEM, or -EFBIG where going on makes no sense. */
static int survey_event(struct survey *survey, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (++survey->documents == 2)
			diag_error(survey->doc->diags, place_of(survey->doc, event->start_mark),
				   "second document; a file holds one");
		return 0;
	case YAML_ALIAS_EVENT:
	case YAML_SCALAR_EVENT:
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return add_node(survey, event);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		close_node(survey, event);
		return 0;
	default:
		return 0;
	}
}

/*
 * Makes the document from the parser's events. yaml_parser_load() would hide anchors and tags, and
 * follow what is nested too deep.
 */
static int survey_text(struct yaml_doc *doc, const char *text, size_t size)
{
	_cleanup_(yaml_parser_delete) yaml_parser_t parser = {0};
	struct survey survey = {.doc = doc};
	size_t errors = doc->diags->errors;
	bool done = false;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
	while (!done) {
		_cleanup_(yaml_event_delete) yaml_event_t event = {0};
		int rc;

		if (!yaml_parser_parse(&parser, &event))
			return report_syntax(doc, &parser, text);
		rc = survey_event(&survey, &event);
		if (rc)
			return rc == -ENOMEM ? rc : -EINVAL;
		done = event.type == YAML_STREAM_END_EVENT;
	}
	if (!survey.documents)
		diag_error(doc->diags, whole_file(doc), "empty; a YAML file with keys is expected");
	return doc->diags->errors == errors ? 0 : -EINVAL;
}

int yaml_doc_parse(struct yaml_doc *doc, const char *file, const char *text, size_t size,
		   struct diagnostics *diags)
{
	int rc;

	*doc = (struct yaml_doc){.file = file, .diags = diags};
	if (size > YAML_FILE_MAX) {
		diag_error(diags, whole_file(doc), "too large; at most %u MiB are read",
			   YAML_FILE_MAX >> 20);
		return -EFBIG;
	}
	if (!yaml_document_initialize(&doc->document, NULL, NULL, NULL, 1, 1))
		return -ENOMEM;
	doc->open = true;
	rc = survey_text(doc, text, size);
	if (rc)
		yaml_doc_close(doc);
	return rc;
}

void yaml_doc_close(struct yaml_doc *doc)
{
	if (doc->open)
		yaml_document_delete(&doc->document);
	doc->open = false;
}

yaml_node_t *yaml_root(struct yaml_doc *doc)
{
	return yaml_document_get_root_node(&doc->document);
}

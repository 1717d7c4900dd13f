/* SPDX-License-Identifier: MIT */
/* libyaml's events, made into ours. libyaml copes with any bytes, but says little of where and
 * why: so encoding and control characters are judged before it sees the text, its errors are
 * completed by what people usually did to get them, and its limits are drawn far below what it
 * would take. */
#include "policy/reader.h"

#include <errno.h>
#include <string.h>

#include "policy/text.h"
#include "util/utf8.h"

/* Reports a mistake behind which nothing can be read. */
#define give_up(reader, place, ...)                                                             \
    (diagnostics_add((reader)->diagnostics, SEVERITY_MISTAKE, place, __VA_ARGS__) < 0 ? -ENOMEM \
                                                                                      : -EBADMSG)

static PolicyPlace place_of(const Reader *reader, const yaml_mark_t *mark)
{
    return (PolicyPlace){ reader->file, mark->line + 1, mark->column + 1 };
}

static PolicyPlace whole_file(const Reader *reader)
{
    return (PolicyPlace){ .file = reader->file };
}

/* The characters that YAML 1.2 (5.1) does not allow in a text. */
static bool is_control(uint32_t c)
{
    return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') ||
           (c >= 0x7f && c < 0xa0 && c != 0x85) || c == 0xfffe || c == 0xffff;
}

static bool starts_with(const Reader *reader, size_t at, const char *word)
{
    size_t n = strlen(word);

    return reader->size - at >= n && memcmp(reader->text + at, word, n) == 0;
}

/* Besides what is no text, refuses what libyaml is slow at: it holds each %TAG against all before,
 * which takes a minute for 1 MiB of them. */
static int check_text(Reader *reader)
{
    PolicyPlace place = { reader->file, 1, 1 };

    for (size_t i = 0; i < reader->size;) {
        const char *p = reader->text + i;
        uint32_t c;
        int length = utf8_decode(p, reader->size - i, &c);

        if (length < 0)
            return give_up(reader, place, "invalid UTF-8: byte 0x%02x (save the file as UTF-8)",
                           (unsigned)(unsigned char)*p);
        if (c == 0)
            return give_up(reader, place, "a NUL byte (save the file as plain text in UTF-8)");
        if (place.column == 1 && starts_with(reader, i, "%TAG"))
            return give_up(reader, place,
                           "a %%TAG directive: tags are not allowed (leave this line out)");
        if (is_control(c))
            return give_up(reader, place, "a control character, 0x%02x (leave it out)", c);
        i += (size_t)length;
        if (text_is_break(c, i < reader->size ? p[length] : '\0'))
            place = (PolicyPlace){ reader->file, place.line + 1, 1 };
        else
            place.column++;
    }
    return 0;
}

int reader_open(Reader *reader, const Source *source, size_t file, Diagnostics *diagnostics)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";

    *reader = (Reader){
        .text = source->text,
        .size = source->size,
        .file = file,
        .diagnostics = diagnostics,
    };
    if (reader->size > READER_TEXT_MAX)
        return give_up(reader, whole_file(reader), READER_TOO_LARGE);
    if (reader->size >= 3 && memcmp(reader->text, byte_order_mark, 3) == 0) {
        reader->text += 3; /* libyaml would count it as a column */
        reader->size -= 3;
    }
    int r = check_text(reader);
    if (r < 0)
        return r;

    if (!yaml_parser_initialize(&reader->parser))
        return -ENOMEM;
    yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader->parser, (const unsigned char *)reader->text,
                                 reader->size);
    return 0;
}

void reader_close(Reader *reader)
{
    if (reader->has_event)
        yaml_event_delete(&reader->event);
    yaml_parser_delete(&reader->parser);
    *reader = (Reader){ 0 };
}

/* What people wrote when libyaml says @problem, or that it met one in such a context. */
typedef struct Hint {
    const char *problem;
    char at;         /* the character where libyaml stopped, 0: any */
    bool same_line;  /* only behind another value */
    bool over_lines; /* only in a list or mapping that began on another line */
    bool from_start; /* the mistake is where the value begins, not where libyaml gave it up */
    const char *hint;
} Hint;

#define QUOTE_BRACKETS   "put an entry that has brackets, braces or commas in quotation marks"
#define DOUBLE_BACKSLASH "write \\\\ for a backslash, or use single quotation marks"
#define QUOTE_TAG        "tags are not allowed: put a value that begins with ! in quotation marks"

static const Hint hints[] = {
    { "directive", .hint = "leave this line out" },
    { " a tag", .from_start = true, .hint = QUOTE_TAG },
    { "undefined tag handle", .from_start = true, .hint = QUOTE_TAG },
    { "cannot start any token", .at = '\t', .hint = "indent with spaces, not with tabs" },
    { "cannot start any token", .hint = "put the value in quotation marks" },
    { "tab character", .hint = "indent with spaces, not with tabs" },
    { "expected alphabetic or numeric",
      .hint = "put a value that begins with * or & in quotation marks" },
    { "mapping values are not allowed",
      .hint = "check the indentation, and put a value that has \": \" in it in quotation marks" },
    { "expected key", .same_line = true,
      .hint = "put the whole value in quotation marks, or begin a new line" },
    { "expected key", .hint = "the keys of one mapping begin in the same column" },
    { "expected '-' indicator", .hint = "the entries of one list begin in the same column" },
    { "expected ':'", .from_start = true,
      .hint = "write key: value, with a space behind the colon" },
    { "expected ',' or ']'", .over_lines = true, .hint = "close it with ], and " QUOTE_BRACKETS },
    { "expected ',' or '}'", .over_lines = true, .hint = "close it with }, and " QUOTE_BRACKETS },
    { "expected ',' or", .hint = QUOTE_BRACKETS },
    { "unexpected end of stream", .from_start = true, .hint = "a quotation mark is missing" },
    { "expected node content", .hint = "a value is missing here" },
    { "unknown escape character", .hint = DOUBLE_BACKSLASH },
    { "expected hexdecimal number", .hint = DOUBLE_BACKSLASH },
    { "invalid Unicode character", .hint = DOUBLE_BACKSLASH },
    { "unexpected document indicator", .from_start = true, .hint = "a quotation mark is missing" },
    { "block sequence entries", .hint = "begin a list on a new line, and put a value that begins "
                                        "with - in quotation marks" },
    { "mapping keys are not allowed", .hint = "put a value that begins with ? in quotation marks" },
    { "indentation indicator", .hint = "leave the 0 out" },
    { "expected comment or line break",
      .hint = "put a value that begins with | or > in quotation marks" },
    { "expected <document start>", .hint = "write all of the file as key: value" },
    { "incompatible YAML document", .hint = "leave this line out" },
};

static const Hint *find_hint(const char *problem, const char *context, char at, bool same_line,
                             bool over_lines)
{
    for (const Hint *hint = hints; hint < hints + ELEMENTS(hints); hint++) {
        bool said = strstr(problem, hint->problem) || strstr(context, hint->problem);

        if (said && (!hint->at || hint->at == at) && (!hint->same_line || same_line) &&
            (!hint->over_lines || over_lines))
            return hint;
    }
    return NULL;
}

/* The byte at @mark; libyaml counts characters, not bytes. */
static char byte_at(const Reader *reader, const yaml_mark_t *mark)
{
    size_t left = mark->index;

    for (size_t i = 0; i < reader->size; left--) {
        uint32_t c;
        int length = utf8_decode(reader->text + i, reader->size - i, &c);

        if (left == 0)
            return reader->text[i];
        i += length > 0 ? (size_t)length : 1;
    }
    return '\0';
}

/* "budget:512M" and the lines that libyaml has joined to it; an URL is none. */
static bool is_unspaced(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz_");

    return n > 0 && text[n] == ':' && strncmp(text + n, "://", 3) != 0;
}

/* Notes where a value is, and what it may have begun with, should libyaml fail behind it. */
static void note_value(Reader *reader)
{
    const yaml_event_t *event = &reader->event;
    size_t line = place_of(reader, &event->start_mark).line;

    reader->value_end_line = place_of(reader, &event->end_mark).line;
    reader->quote_line = reader->unspaced_line = 0;
    reader->is_joined = false;
    if (event->type != YAML_SCALAR_EVENT || reader->value_end_line == line)
        return;
    if (event->data.scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE ||
        event->data.scalar.style == YAML_SINGLE_QUOTED_SCALAR_STYLE)
        reader->quote_line = line;
    else if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return;
    else if (is_unspaced((const char *)event->data.scalar.value))
        reader->unspaced_line = line;
    else
        reader->is_joined = true;
}

static int report_libyaml_error(Reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    const char *problem = parser->problem ?: "unreadable", *context = parser->context ?: "";
    PolicyPlace place = place_of(reader, &parser->problem_mark),
                start = place_of(reader, &parser->context_mark);

    if (parser->error == YAML_MEMORY_ERROR)
        return -ENOMEM;

    bool behind = reader->value_end_line == place.line;
    reader->is_spoilt = behind && (reader->quote_line > 0 || reader->is_joined);
    if (behind && reader->quote_line > 0)
        return give_up(reader, place, "not YAML: %s (a quotation mark is missing on line %zu)",
                       problem, reader->quote_line);
    if (behind && reader->unspaced_line > 0)
        return give_up(reader, place,
                       "not YAML: %s (a space is missing behind the colon on line %zu)", problem,
                       reader->unspaced_line);

    bool over_lines = *context && start.line != place.line;
    char at = byte_at(reader, &parser->problem_mark);
    const Hint *hint = find_hint(problem, context, at, behind, over_lines);
    if (hint && hint->from_start && *context) {
        place = start;
        over_lines = false;
    }

    const char *open = hint ? " (" : "", *text = hint ? hint->hint : "", *close = hint ? ")" : "";
    if (over_lines)
        return give_up(reader, place, "not YAML: %s, %s that began on line %zu%s%s%s", problem,
                       context, start.line, open, text, close);
    return give_up(reader, place, "not YAML: %s%s%s%s", problem, open, text, close);
}

static int next_event(Reader *reader)
{
    yaml_event_t *event = &reader->event;

    if (reader->is_ahead) {
        reader->is_ahead = false;
        return 0;
    }
    if (reader->has_event)
        yaml_event_delete(event);
    reader->has_event = false;

    if (!yaml_parser_parse(&reader->parser, event))
        return report_libyaml_error(reader);
    reader->has_event = true;

    if (++reader->n_events > READER_EVENTS_MAX)
        return give_up(reader, place_of(reader, &event->start_mark),
                       "more than 100,000 keys and values (a page of text is plenty)");
    if (event->end_mark.index > event->start_mark.index) /* else it is implied */
        note_value(reader);
    return 0;
}

/* A line that is indented wrongly ends a mapping for libyaml, and is an error only afterwards. So
 * the event behind an end is looked at first, lest that mapping be blamed for what it lacks. */
static int leave(Reader *reader, Event *node)
{
    node->kind = NODE_END;
    reader->depth--;
    int r = next_event(reader);
    if (r < 0)
        return r;
    reader->is_ahead = true;
    return 0;
}

static int enter(Reader *reader)
{
    if (++reader->depth > READER_DEPTH_MAX)
        return give_up(reader, place_of(reader, &reader->event.start_mark),
                       "nested deeper than %d levels (4 are plenty)", READER_DEPTH_MAX);
    return 0;
}

/* Anchors and tags are reported; the value they stand at is judged all the same. */
static int refuse_properties(Reader *reader, const yaml_char_t *anchor, const yaml_char_t *tag)
{
    PolicyPlace place = place_of(reader, &reader->event.start_mark);

    if (anchor && diagnostics_add(reader->diagnostics, SEVERITY_MISTAKE, place,
                                  "an anchor, %s: anchors are not allowed (put a value that begins "
                                  "with & in quotation marks)",
                                  QUOTE((const char *)anchor)) < 0)
        return -ENOMEM;
    if (tag && diagnostics_add(reader->diagnostics, SEVERITY_MISTAKE, place,
                               "a tag, %s: tags are not allowed (put a value that begins with ! in "
                               "quotation marks)",
                               QUOTE((const char *)tag)) < 0)
        return -ENOMEM;
    return 0;
}

static int take_text(Reader *reader, Event *node)
{
    const yaml_event_t *event = &reader->event;

    node->kind = NODE_TEXT;
    node->text = (const char *)event->data.scalar.value;
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (strlen(node->text) != event->data.scalar.length) {
        node->refused = true;
        if (diagnostics_add(reader->diagnostics, SEVERITY_MISTAKE, node->place,
                            "%s is followed by a NUL character (leave out the \"\\0\")",
                            QUOTE(node->text)) < 0)
            return -ENOMEM;
    }
    return refuse_properties(reader, event->data.scalar.anchor, event->data.scalar.tag);
}

static int take_alias(Reader *reader, Event *node)
{
    node->kind = NODE_TEXT;
    node->text = "";
    node->refused = true;
    int r = diagnostics_add(reader->diagnostics, SEVERITY_MISTAKE, node->place,
                            "an alias, %s: aliases are not allowed (put a value that begins with * "
                            "in quotation marks)",
                            QUOTE((const char *)reader->event.data.alias.anchor));
    return r < 0 ? r : 0;
}

int reader_next(Reader *reader, Event *ret)
{
    Event node = { 0 };
    int r = next_event(reader);
    if (r < 0)
        return r;

    const yaml_event_t *event = &reader->event;
    node.place = place_of(reader, &event->start_mark);
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        r = take_text(reader, &node);
        break;
    case YAML_ALIAS_EVENT:
        r = take_alias(reader, &node);
        break;
    case YAML_SEQUENCE_START_EVENT:
        node.kind = NODE_LIST;
        r = refuse_properties(reader, event->data.sequence_start.anchor,
                              event->data.sequence_start.tag);
        if (r >= 0)
            r = enter(reader);
        break;
    case YAML_MAPPING_START_EVENT:
        node.kind = NODE_MAPPING;
        r = refuse_properties(reader, event->data.mapping_start.anchor,
                              event->data.mapping_start.tag);
        if (r >= 0)
            r = enter(reader);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        r = leave(reader, &node);
        break;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        /* None of these comes within a document's root. */
        r = -EBADMSG;
        break;
    }
    if (r < 0)
        return r;

    *ret = node;
    return 0;
}

int reader_root(Reader *reader, Event *ret)
{
    int r = next_event(reader); /* the stream's start */
    if (r < 0)
        return r;
    r = next_event(reader);
    if (r < 0)
        return r;
    if (reader->event.type != YAML_DOCUMENT_START_EVENT)
        return -ENODATA;
    return reader_next(reader, ret);
}

int reader_finish(Reader *reader)
{
    int r = next_event(reader); /* the document's end */
    if (r < 0)
        return r;
    r = next_event(reader);
    if (r < 0)
        return r;
    if (reader->event.type == YAML_DOCUMENT_START_EVENT)
        return give_up(reader, place_of(reader, &reader->event.start_mark),
                       "a second document begins here (one file is one document)");
    return 0;
}
